// The optimisation pipeline: O3 with the target's cost model, and a cheaper one for programs too large for it.
#pragma once

#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

#include <cstddef>

namespace bpftime::lowering {

// `size` is the number of BPF instructions that were lowered.
void optimise(llvm::Module& module, llvm::TargetMachine& machine, int level, std::size_t size);

}  // namespace bpftime::lowering
