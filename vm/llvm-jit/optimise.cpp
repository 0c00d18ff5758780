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

// Programs above `cost` get at most this effort; largest first.
struct Row {
    std::size_t cost;
    Effort most;
};
constexpr Row kEfforts[] = {
    {600'000, {.level = 0, .quick = false, .code_level = 0, .in_memory = true}},
    {100'000, {.level = 1, .quick = true, .code_level = 1, .in_memory = false}},
    {60'000, {.level = 2, .quick = false, .code_level = 2, .in_memory = false}},
};

}  // namespace

Effort choose_effort(int level, std::size_t insns, std::size_t joins, bool spare_stack) {
    const std::size_t cost = 25 * insns + 25 * joins;  // about the microseconds that the quick way takes
    Effort effort{.level = level, .quick = false, .code_level = level, .in_memory = false};
    const auto* row = std::ranges::find_if(
        kEfforts, [&](const Row& one) { return cost > one.cost && !(spare_stack && one.most.in_memory); });
    if (row == std::end(kEfforts) || (level <= 0 && !row->most.in_memory)) return effort;
    effort = row->most;
    effort.level = std::min(effort.level, level);
    effort.code_level = std::min(effort.code_level, level);
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
