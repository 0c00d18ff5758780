// The metadata of a compiled program: all that the compiler knows. Tag and program-info digest are left to seal()'s
// caller.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "vm/llvm-jit/module_lowering.h"
#include "vm/llvm-jit/target.h"

namespace bpftime::lowering {

Metadata describe(const Program& program, const CompileOptions& options, const Target& target, const ProgramFlow& flow,
                  const ProgramTypes& types);

// Fills in native stack use: each function's own, and the deepest chain of calls from the entry.
void add_native_stack(Metadata& metadata, const ModuleLowering& lowering,
                      const std::map<std::string, std::uint32_t>& sizes,
                      const std::map<std::string, std::set<std::string>>& calls);

// A C identifier that is none of the names of vm/linker/abi.h.
Status check_entry_name(std::string_view name);

}  // namespace bpftime::lowering
