#include "vm/llvm-jit/optimise.h"

#include <llvm/Passes/PassBuilder.h>

#include <algorithm>
#include <iterator>

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
    {600'000, {.level = 0, .quick = false, .code_level = 0}},
    {100'000, {.level = 1, .quick = true, .code_level = 1}},
    {60'000, {.level = 2, .quick = false, .code_level = 2}},
};

// About the microseconds that the quick way takes: by instructions, and by values that meet where several jumps lead.
std::size_t cost_of(std::size_t insns, const llvm::Module& module) {
    std::size_t phis = 0;
    for (const llvm::Function& function : module)
        for (const llvm::BasicBlock& block : function)
            phis += static_cast<std::size_t>(std::distance(block.phis().begin(), block.phis().end()));
    return 25 * insns + 55 * phis;
}

}  // namespace

Effort choose_effort(int level, std::size_t insns, const llvm::Module& module, bool spare_stack) {
    Effort effort{.level = level, .quick = false, .code_level = level};
    if (level <= 0) return effort;
    const std::size_t cost = cost_of(insns, module);
    const auto* row = std::ranges::find_if(kEfforts, [&](const Row& one) {
        return cost > one.cost && !(spare_stack && one.most.code_level == 0);
    });
    if (row == std::end(kEfforts)) return effort;
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
