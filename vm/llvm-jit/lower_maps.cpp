// lddw in all its meanings, and array lookups without a call.
#include <llvm/IR/MDBuilder.h>

#include "vm/core/kernel_names.h"
#include "vm/llvm-jit/function_lowering.h"

namespace bpftime::lowering {

namespace {
llvm::StringRef ref(std::string_view text) { return {text.data(), text.size()}; }
}  // namespace

Status FunctionLowering::lower_lddw(const Insn& insn) {
    auto* const i32 = builder_.getInt32Ty();
    auto* const i64 = builder_.getInt64Ty();
    switch (info(insn.op).lddw()) {
        case LddwKind::Imm: define(insn.dst, builder_.getInt64(static_cast<std::uint64_t>(insn.imm))); return {};
        case LddwKind::MapByFd:
        case LddwKind::MapByIdx: define(insn.dst, nullptr); return {};
        case LddwKind::MapValue:
        case LddwKind::MapValueByIdx: {
            llvm::Value* base = module_.folded(insn.map_index());
            if (base == nullptr)
                base = builder_.CreateCall(module_.map_values(insn.map_index(), insn.op == Op::LddwMapValueByIdx));
            define(insn.dst, insn.map_offset() == 0 ? base
                                                    : builder_.CreateGEP(builder_.getInt8Ty(), base,
                                                                         builder_.getInt64(insn.map_offset())));
            return {};
        }
        case LddwKind::VarAddr:
            define(insn.dst, builder_.CreateCall(module_.lddw_function(ref(abi::kVarAddr), i64, i32),
                                                 {builder_.getInt32(static_cast<std::uint32_t>(insn.imm))}));
            return {};
        case LddwKind::CodeAddr: define(insn.dst, module_.function(callee_index(program_, slot_))); return {};
    }
    return {};
}

// map_lookup_elem of a known array: a bounds check and an address when the linker supplies the values' address, which
// the weak symbol tells; else the helper. Values lie one after the other, each rounded up to 8 bytes.
bool FunctionLowering::lookup_inline() {
    const Type type = registers_[1].type;
    if (type.kind != Kind::Map) return false;
    const std::uint32_t index = map_index(type);
    const MapSpec& map = program_.maps[index];
    if (map.type != static_cast<std::uint32_t>(MapType::Array) || map.key_size != 4 || map.value_size == 0)
        return false;

    llvm::GlobalVariable* const values = module_.weak_values(index);
    llvm::Value* const key = pointer(2);
    llvm::Function* const helper = module_.helper(1);
    const bool key_as_pointer = helper->getFunctionType()->getParamType(1)->isPointerTy();
    llvm::Value* const helper_key = key_as_pointer ? key : wide(2);

    llvm::BasicBlock* const slow = new_block("lookup_call");
    llvm::BasicBlock* const fast = new_block("lookup");
    llvm::BasicBlock* const done =
        llvm::BasicBlock::Create(module_.context(), "looked_up_" + llvm::Twine(slot_), function_, slow->getNextNode());
    builder_.CreateCondBr(builder_.CreateIsNull(values), slow, fast,
                          llvm::MDBuilder(module_.context()).createBranchWeights(1, 100'000));

    builder_.SetInsertPoint(fast);
    llvm::Value* const element = builder_.CreateAlignedLoad(builder_.getInt32Ty(), key, alignment(2, 0, 4));
    llvm::Value* const inside = builder_.CreateICmpULT(element, builder_.getInt32(map.max_entries));
    const std::uint64_t stride = (std::uint64_t{map.value_size} + 7) / 8 * 8;
    llvm::Value* const offset =
        builder_.CreateMul(builder_.CreateZExt(element, builder_.getInt64Ty()), builder_.getInt64(stride));
    llvm::Value* const where = builder_.CreateGEP(builder_.getInt8Ty(), values, offset);
    llvm::Value* const found =
        builder_.CreateSelect(inside, where, llvm::ConstantPointerNull::get(builder_.getPtrTy()));
    builder_.CreateBr(done);

    builder_.SetInsertPoint(slow);
    llvm::Value* const handle = builder_.CreateCall(module_.map_handle(index, is_by_index(type)));
    llvm::Value* result = builder_.CreateCall(helper, {handle, helper_key});
    if (!result->getType()->isPointerTy()) result = builder_.CreateIntToPtr(result, builder_.getPtrTy());
    builder_.CreateBr(done);

    builder_.SetInsertPoint(done);
    llvm::PHINode* const phi = builder_.CreatePHI(builder_.getPtrTy(), 2);
    phi->addIncoming(found, fast);
    phi->addIncoming(result, slow);
    define(0, phi);
    return true;
}

}  // namespace bpftime::lowering
