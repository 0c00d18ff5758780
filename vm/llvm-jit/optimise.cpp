#include "vm/llvm-jit/optimise.h"

#include <llvm/Passes/PassBuilder.h>

namespace bpftime::lowering {

namespace {

llvm::OptimizationLevel level_of(int level) {
    switch (level) {
        case 1: return llvm::OptimizationLevel::O1;
        case 2: return llvm::OptimizationLevel::O2;
        default: return llvm::OptimizationLevel::O3;
    }
}

}  // namespace

void optimise(llvm::Module& module, llvm::TargetMachine& machine, int level, std::size_t size) {
    (void)size;
    if (level <= 0) return;
    llvm::PipelineTuningOptions tuning;
    tuning.LoopVectorization = level >= 2;
    tuning.SLPVectorization = level >= 2;
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
    builder.buildPerModuleDefaultPipeline(level_of(level)).run(module, modules);
}

}  // namespace bpftime::lowering
