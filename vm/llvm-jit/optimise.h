// How much optimisation a program gets: O3 with the target's cost model, and less where its size would make that take
// too long.
#pragma once

#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

#include <cstddef>

namespace bpftime::lowering {

// What a compilation does, by the level asked for and the program's size.
struct Effort {
    int level = 3;       // of the optimisation pipeline, 0..3
    bool quick = false;  // no pipeline, and emit_object()'s quick way
    int code_level = 3;  // of the code generator
    // BPF registers live in memory between blocks. Code generation takes time proportional to the program then, but the code is
    // slower, and each value that lives across a call has a stack slot of its own.
    bool in_memory = false;
};

// `insns` BPF instructions; `joins` values that meet where several jumps lead. `spare_stack` rules out `in_memory`, however large
// the program.
Effort choose_effort(int level, std::size_t insns, std::size_t joins, bool spare_stack);

void optimise(llvm::Module& module, llvm::TargetMachine& machine, const Effort& effort);

// For x86, after optimisation: see x86_indices.cpp.
void separate_scaled_indices(llvm::Module& module);

}  // namespace bpftime::lowering
