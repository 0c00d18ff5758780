// Programs of the shared registry, as compile and load take them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/registry/shared_registry.h"
#include "vm/core/engine.h"

namespace bpftime::aot {

// The registry of this user and $BPFTIME_GLOBAL_SHM_NAME. ENOENT when nothing was captured there.
Result<std::unique_ptr<SharedRegistry>> open_registry();

// The id that `text` spells. Throws UsageError.
std::uint32_t program_id(const std::string& text);

// The program with this id; the error says what else the id is.
Result<std::shared_ptr<ProgramObject>> find_program(const SharedRegistry& registry, std::uint32_t id);

// "program 5 'count'"
std::string describe(const BpfObject& object);

// This runtime's helpers and the program's maps, for the linker's checks.
Bindings bindings_of(const ProgramObject& program);

}  // namespace bpftime::aot
