// Calls: helpers, subprograms, helpers by run-time number, tail calls (vm/core/engine.h says what helper 12 returns).
#include <llvm/IR/MDBuilder.h>

#include <cerrno>

#include "vm/llvm-jit/function_lowering.h"
#include "vm/llvm-jit/helper_shapes.h"

namespace bpftime::lowering {

namespace {
constexpr std::uint32_t kMapLookup = 1;
}

std::vector<llvm::Value*> FunctionLowering::helper_arguments(llvm::FunctionType* type) {
    std::vector<llvm::Value*> arguments;
    for (unsigned i = 0; i < type->getNumParams(); ++i) {
        const int reg = static_cast<int>(i) + 1;
        arguments.push_back(type->getParamType(i)->isPointerTy() ? pointer(reg) : wide(reg));
    }
    return arguments;
}

void FunctionLowering::lower_helper_call(std::uint32_t id) {
    if (id == kTailCallHelper) return call_tail();
    if (id == kMapLookup && lookup_inline()) return;
    llvm::Function* const callee = module_.helper(id);
    define(0, builder_.CreateCall(callee, helper_arguments(callee->getFunctionType())));
}

void FunctionLowering::call_local(std::size_t callee) {
    const Signature& signature = module_.signature(callee);
    std::vector<llvm::Value*> arguments;
    if (signature.hidden) arguments = {context_, size_};
    for (int reg = 1; reg <= 5; ++reg) {
        if (!has(signature.arguments, reg)) continue;
        const bool as_pointer = signature.type->getParamType(static_cast<unsigned>(arguments.size()))->isPointerTy();
        arguments.push_back(as_pointer ? pointer(reg) : wide(reg));
    }
    llvm::Function* const function = module_.function(callee);
    llvm::CallInst* const call = builder_.CreateCall(function, arguments);
    call->setCallingConv(function->getCallingConv());
    define(0, call);
}

// callx: the helper whose number is in a register, if the runtime offers such calls.
void FunctionLowering::call_register(int reg) {
    llvm::Function* const callee = module_.call_helper_function();
    std::vector<llvm::Value*> arguments{wide(reg)};
    for (int argument = 1; argument <= 5; ++argument) arguments.push_back(wide(argument));
    llvm::BasicBlock* const call_block = new_block("callx");
    llvm::BasicBlock* const absent = builder_.GetInsertBlock();
    llvm::BasicBlock* const done =
        llvm::BasicBlock::Create(module_.context(), "after_callx", function_, call_block->getNextNode());
    builder_.CreateCondBr(builder_.CreateIsNull(callee), done, call_block);
    builder_.SetInsertPoint(call_block);
    llvm::Value* const result = builder_.CreateCall(callee, arguments);
    builder_.CreateBr(done);
    builder_.SetInsertPoint(done);
    llvm::PHINode* const phi = builder_.CreatePHI(builder_.getInt64Ty(), 2);
    phi->addIncoming(builder_.getInt64(static_cast<std::uint64_t>(-EINVAL)), absent);
    phi->addIncoming(result, call_block);
    define(0, phi);
}

// The helper returns the entry to continue with, which never comes back here, or 0.
void FunctionLowering::call_tail() {
    llvm::Function* const callee = module_.helper(kTailCallHelper);
    llvm::Value* const target = builder_.CreateCall(callee, helper_arguments(callee->getFunctionType()));
    llvm::Value* const number =
        target->getType()->isPointerTy() ? builder_.CreatePtrToInt(target, builder_.getInt64Ty()) : target;
    llvm::BasicBlock* const jump = new_block("tail_call");
    llvm::BasicBlock* const refused = llvm::BasicBlock::Create(module_.context(), "no_tail_call_" + llvm::Twine(slot_),
                                                               function_, jump->getNextNode());
    builder_.CreateCondBr(builder_.CreateICmpEQ(number, builder_.getInt64(0)), refused, jump);

    builder_.SetInsertPoint(jump);
    auto* const entry_type =
        llvm::FunctionType::get(builder_.getInt64Ty(), {builder_.getPtrTy(), builder_.getInt64Ty()}, false);
    llvm::CallInst* const call =
        builder_.CreateCall(entry_type, builder_.CreateIntToPtr(number, builder_.getPtrTy()), {context_, size_});
    call->setDoesNotThrow();
    const bool is_jump = subprogram_ == 0 && module_.has_musttail();
    call->setTailCallKind(is_jump ? llvm::CallInst::TCK_MustTail : llvm::CallInst::TCK_None);
    builder_.CreateRet(call);

    builder_.SetInsertPoint(refused);
    define(0, number);
}

}  // namespace bpftime::lowering
