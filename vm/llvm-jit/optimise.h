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
};

// `module` as lowered from `insns` BPF instructions. `spare_stack` rules out code that keeps every value in memory, however large
// the program.
Effort choose_effort(int level, std::size_t insns, const llvm::Module& module, bool spare_stack);

void optimise(llvm::Module& module, llvm::TargetMachine& machine, const Effort& effort);

// For x86, after optimisation: see x86_indices.cpp.
void separate_scaled_indices(llvm::Module& module);

}  // namespace bpftime::lowering
