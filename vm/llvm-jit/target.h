// Which machine to compile for: triples, CPUs, features, and what of them an object's metadata has to say.
#pragma once

#include <llvm/Target/TargetMachine.h>
#include <llvm/TargetParser/Triple.h>

#include <memory>
#include <string>
#include <vector>

#include "vm/core/result.h"
#include "vm/llvm-jit/compiler.h"

namespace bpftime::lowering {

struct Target {
    llvm::Triple triple;
    std::string cpu;                    // as LLVM names it, never "native"
    std::vector<std::string> features;  // beyond the triple's baseline, those that code may rest on
    std::unique_ptr<llvm::TargetMachine> machine;
};

// Refuses unknown triples, CPUs and features, and machines that are not 64-bit, little-endian and ELF.
Result<Target> make_target(const CompileOptions& options);

// LLVM's name for an effort of the code generator, 0..3.
llvm::CodeGenOptLevel code_level(int level);

// The machine an ELF file was built for, for disassembly.
Result<const llvm::Target*> find_target(const llvm::Triple& triple);

}  // namespace bpftime::lowering
