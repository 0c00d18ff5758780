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

// The program with the id that `text` spells; the error says what else the id is.
Result<std::shared_ptr<ProgramObject>> find_program(const SharedRegistry& registry, const std::string& text);

// Keeps `object` as the program's native code: whoever reads it sees the old object or the new one, whole.
Status store_code(SharedRegistry& registry, const ProgramObject& program, std::span<const std::uint8_t> object);

// This runtime's helpers and the program's maps, for the linker's checks.
Bindings bindings_of(const ProgramObject& program);

}  // namespace bpftime::aot
