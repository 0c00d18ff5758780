// Machine code: a relocatable ELF object from a module, what it says of itself, and its disassembly.
#pragma once

#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "vm/core/result.h"
#include "vm/llvm-jit/compiler.h"

namespace bpftime::lowering {

// `quick`: with instruction selection and clean-up that take time linear in the size, for large programs.
Result<std::vector<std::uint8_t>> emit_object(llvm::Module& module, llvm::TargetMachine& machine, bool quick);

// Which functions of the module each one may call, directly or by handing out their address.
std::map<std::string, std::set<std::string>> call_graph(const llvm::Module& module);

// Bytes of stack that each function of the object needs for itself (its .stack_sizes).
Result<std::map<std::string, std::uint32_t>> stack_sizes(std::span<const std::uint8_t> elf);

// Refuses an object that imports anything but the names of vm/linker/abi.h.
Status check_imports(std::span<const std::uint8_t> elf);

Result<std::vector<NativeLine>> disassemble_object(std::span<const std::uint8_t> elf);

// The module as text, with a comment where the source line changes.
std::string print_ir(llvm::Module& module, const Program& program);

}  // namespace bpftime::lowering
