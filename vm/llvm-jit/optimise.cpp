#include "vm/llvm-jit/optimise.h"

#include <llvm/Passes/PassBuilder.h>

#include <algorithm>

namespace bpftime::lowering {

namespace {

llvm::OptimizationLevel level_of(int level) {
    switch (level) {
        case 1: return llvm::OptimizationLevel::O1;
        case 2: return llvm::OptimizationLevel::O2;
        default: return llvm::OptimizationLevel::O3;
    }
}

// Rows by size, largest first: programs above `size` instructions get at most this.
struct Row {
    std::size_t size;
    Effort most;
};
constexpr Row kEfforts[] = {
    {4'000, {.level = 1, .quick = true, .code_level = 1}},
    {1'500, {.level = 2, .quick = false, .code_level = 2}},
};

}  // namespace

Effort choose_effort(int level, std::size_t size) {
    Effort effort{.level = level, .quick = false, .code_level = level};
    if (level <= 0) return effort;
    for (const Row& row : kEfforts) {
        if (size <= row.size) continue;
        effort = row.most;
        effort.level = std::min(effort.level, level);
        effort.code_level = std::min(effort.code_level, level);
        break;
    }
    return effort;
}

void optimise(llvm::Module& module, llvm::TargetMachine& machine, const Effort& effort) {
    if (effort.level <= 0 || effort.quick) return;
    llvm::PipelineTuningOptions tuning;
    tuning.LoopVectorization = effort.level >= 2;
    tuning.SLPVectorization = effort.level >= 3;
    llvm::PassBuilder builder(&machine, tuning);

    llvm::LoopAnalysisManager loops;
    llvm::FunctionAnalysisManager functions;
    llvm::CGSCCAnalysisManager components;
    llvm::ModuleAnalysisManager modules;
    builder.registerModuleAnalyses(modules);
    builder.registerCGSCCAnalyses(components);
    builder.registerFunctionAnalyses(functions);
    builder.registerLoopAnalyses(loops);
    builder.crossRegisterProxies(loops, functions, components, modules);
    builder.buildPerModuleDefaultPipeline(level_of(effort.level)).run(module, modules);
}

}  // namespace bpftime::lowering
