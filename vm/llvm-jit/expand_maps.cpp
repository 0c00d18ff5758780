// Map references take their final form after optimisation: the weak symbol's address where there is one, else the lddw
// calls.
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>

#include "vm/llvm-jit/module_lowering.h"

namespace bpftime::lowering {

namespace {

llvm::StringRef ref(std::string_view text) { return {text.data(), text.size()}; }

class Expander {
public:
    explicit Expander(llvm::Module& module) : module_(module) {}

    void run() {
        std::vector<llvm::Function*> done;
        for (llvm::Function& function : module_) {
            llvm::StringRef name = function.getName();
            const bool handle = name.consume_front(kMapHandleStandIn);
            const bool values = !handle && name.consume_front(kMapValuesStandIn);
            if (!handle && !values) continue;
            by_index_ = name.consume_front("idx.");
            if (!by_index_) name.consume_front("fd.");
            if (name.getAsInteger(10, number_)) continue;
            while (!function.use_empty()) expand(*llvm::cast<llvm::CallInst>(function.user_back()), values);
            done.push_back(&function);
        }
        for (llvm::Function* function : done) function->eraseFromParent();
    }

private:
    llvm::FunctionCallee declare(std::string_view name, llvm::Type* result, llvm::Type* argument) {
        auto callee = module_.getOrInsertFunction(ref(name), llvm::FunctionType::get(result, {argument}, false));
        auto* const function = llvm::cast<llvm::Function>(callee.getCallee());
        function->setDoesNotThrow();
        function->setWillReturn();
        return callee;
    }

    llvm::Constant* weak(const std::string& name) {
        return module_.getOrInsertGlobal(name, llvm::Type::getInt8Ty(module_.getContext()), [&] {
            return new llvm::GlobalVariable(module_, llvm::Type::getInt8Ty(module_.getContext()), false,
                                            llvm::GlobalValue::ExternalWeakLinkage, nullptr, name);
        });
    }

    llvm::Value* slow_handle(llvm::IRBuilder<>& builder) {
        return builder.CreateCall(
            declare(by_index_ ? abi::kMapByIdx : abi::kMapByFd, builder.getInt64Ty(), builder.getInt32Ty()),
            {builder.getInt32(number_)});
    }

    llvm::Value* slow_values(llvm::IRBuilder<>& builder) {
        llvm::Value* const handle = slow_handle(builder);
        llvm::Value* const address =
            builder.CreateCall(declare(abi::kMapValue, builder.getInt64Ty(), builder.getInt64Ty()), {handle});
        return builder.CreateIntToPtr(address, builder.getPtrTy());
    }

    void expand(llvm::CallInst& call, bool values) {
        llvm::Constant* const symbol = weak(values ? abi::map_values_symbol(number_) : abi::map_handle_symbol(number_));
        llvm::IRBuilder<> builder(&call);
        llvm::Value* const absent = builder.CreateIsNull(symbol);
        llvm::BasicBlock* const before = call.getParent();
        auto* const unlikely = llvm::MDBuilder(module_.getContext()).createBranchWeights(1, 100'000);
        llvm::Instruction* const end = llvm::SplitBlockAndInsertIfThen(absent, &call, false, unlikely);
        end->getParent()->setName("map_call");
        call.getParent()->setName("map_known");
        builder.SetInsertPoint(end);
        builder.SetCurrentDebugLocation(call.getDebugLoc());
        llvm::Value* const slow = values ? slow_values(builder) : slow_handle(builder);
        llvm::BasicBlock* const slow_block = end->getParent();
        builder.SetInsertPoint(&call);
        llvm::Value* fast = symbol;
        if (!values) fast = llvm::ConstantExpr::getPtrToInt(symbol, builder.getInt64Ty());
        llvm::PHINode* const phi = builder.CreatePHI(call.getType(), 2);
        phi->addIncoming(fast, before);
        phi->addIncoming(slow, slow_block);
        phi->takeName(&call);
        call.replaceAllUsesWith(phi);
        call.eraseFromParent();
    }

    llvm::Module& module_;
    bool by_index_ = false;
    std::uint32_t number_ = 0;
};

}  // namespace

void expand_map_references(llvm::Module& module) { Expander(module).run(); }

}  // namespace bpftime::lowering
