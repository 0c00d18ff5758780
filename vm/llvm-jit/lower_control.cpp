// Jumps, may_goto and exit (RFC 9669 section 4.3).
#include "vm/llvm-jit/function_lowering.h"

namespace bpftime::lowering {

namespace {

llvm::CmpInst::Predicate predicate_of(Condition condition) {
    switch (condition) {
        case Condition::Eq: return llvm::CmpInst::ICMP_EQ;
        case Condition::Gt: return llvm::CmpInst::ICMP_UGT;
        case Condition::Ge: return llvm::CmpInst::ICMP_UGE;
        case Condition::Lt: return llvm::CmpInst::ICMP_ULT;
        case Condition::Le: return llvm::CmpInst::ICMP_ULE;
        case Condition::SGt: return llvm::CmpInst::ICMP_SGT;
        case Condition::SGe: return llvm::CmpInst::ICMP_SGE;
        case Condition::SLt: return llvm::CmpInst::ICMP_SLT;
        case Condition::SLe: return llvm::CmpInst::ICMP_SLE;
        case Condition::Set:
        case Condition::Ne: break;
    }
    return llvm::CmpInst::ICMP_NE;
}

bool fits_pointer(Type type) { return type.is_pointer() || type.kind == Kind::Zero; }

}  // namespace

llvm::Value* FunctionLowering::compare(const Insn& insn) {
    const OpInfo& row = info(insn.op);
    const Type dst = registers_[insn.dst].type;
    const Type src =
        row.source == Source::Reg ? registers_[insn.src].type : Type{insn.imm == 0 ? Kind::Zero : Kind::Integer, 0};
    const bool pointers =
        row.width == 64 && fits_pointer(dst) && fits_pointer(src) && (dst.is_pointer() || src.is_pointer());
    if (pointers && row.condition() != Condition::Set) {
        llvm::Value* const a = pointer(insn.dst);
        llvm::Value* const b =
            row.source == Source::Reg ? pointer(insn.src) : llvm::ConstantPointerNull::get(builder_.getPtrTy());
        return builder_.CreateICmp(predicate_of(row.condition()), a, b);
    }
    llvm::Value* const a = row.width == 64 ? wide(insn.dst) : word(insn.dst);
    llvm::Value* const b = operand(insn, row.width);
    if (row.condition() != Condition::Set) return builder_.CreateICmp(predicate_of(row.condition()), a, b);
    return builder_.CreateICmpNE(builder_.CreateAnd(a, b), llvm::ConstantInt::get(a->getType(), 0));
}

void FunctionLowering::lower_jump(const Insn& insn) { branch(compare(insn)); }

// Ends the block: to its jump's target when `condition` holds, else on to the next one.
void FunctionLowering::branch(llvm::Value* condition) {
    const Block& block = flow_.blocks[block_];
    for (const std::uint32_t to : successors(block)) leave_block(to);
    if (block.taken == block.next)
        builder_.CreateBr(blocks_[block.next]);
    else
        builder_.CreateCondBr(condition, blocks_[block.taken], blocks_[block.next]);
}

Status FunctionLowering::lower_control(const Insn& insn) {
    const Block& block = flow_.blocks[block_];
    switch (insn.op) {
        case Op::Ja:
        case Op::Ja32:
            leave_block(block.taken);
            builder_.CreateBr(blocks_[block.taken]);
            return {};
        case Op::MayGoto: lower_may_goto(insn); return {};
        case Op::Exit: lower_exit(); return {};
        case Op::CallHelper: lower_helper_call(static_cast<std::uint32_t>(insn.imm)); return {};
        case Op::CallLocal: call_local(callee_index(program_, slot_)); return {};
        case Op::CallReg: call_register(insn.dst); return {};
        default: return fail(refuse(cat("kernel function with BTF id ", insn.imm, " is not available in userspace")));
    }
}

// Falls through kMayGotoLimit times in a call of this subprogram, then jumps.
void FunctionLowering::lower_may_goto(const Insn&) {
    if (budget_ == nullptr) {
        budget_ = new llvm::AllocaInst(builder_.getInt64Ty(), 0, "may_goto", entry_->begin());
        llvm::IRBuilder<> start(entry_->getTerminator());
        start.CreateStore(start.getInt64(kMayGotoLimit), budget_);
    }
    llvm::Value* const left = builder_.CreateLoad(builder_.getInt64Ty(), budget_);
    llvm::Value* const used_up = builder_.CreateICmpEQ(left, builder_.getInt64(0));
    llvm::Value* const less = builder_.CreateSub(left, builder_.getInt64(1));
    builder_.CreateStore(builder_.CreateSelect(used_up, left, less), budget_);
    branch(used_up);
}

void FunctionLowering::lower_exit() {
    llvm::Type* const type = function_->getReturnType();
    builder_.CreateRet(type->isPointerTy() ? pointer(0) : wide(0));
}

}  // namespace bpftime::lowering
