// The one place that knows which LLVM this is: checks and names that differ between releases.
#pragma once

#include <llvm/Config/llvm-config.h>
#include <llvm/IR/Attributes.h>
#include <llvm/IR/Module.h>
#include <llvm/TargetParser/Triple.h>

#if LLVM_VERSION_MAJOR < 19
#error "LLVM 19 or newer is needed: point CMake at it with -DLLVM_DIR=<prefix>/lib/cmake/llvm"
#endif

namespace bpftime::lowering::compat {

inline void set_triple(llvm::Module& module, const llvm::Triple& triple) {
#if LLVM_VERSION_MAJOR >= 21
    module.setTargetTriple(triple);
#else
    module.setTargetTriple(triple.str());
#endif
}

// "The callee keeps no copy of this pointer."
inline llvm::Attribute no_capture(llvm::LLVMContext& context) {
#if LLVM_VERSION_MAJOR >= 21
    return llvm::Attribute::getWithCaptureInfo(context, llvm::CaptureInfo::none());
#else
    return llvm::Attribute::get(context, llvm::Attribute::NoCapture);
#endif
}

}  // namespace bpftime::lowering::compat
