// Arithmetic, moves and byte order (RFC 9669 sections 4.1 and 4.2).
#include <llvm/IR/Intrinsics.h>

#include "vm/llvm-jit/function_lowering.h"

namespace bpftime::lowering {

// The second operand in `width` bits.
llvm::Value* FunctionLowering::operand(const Insn& insn, int width) {
    if (info(insn.op).source == Source::Reg) return width == 64 ? wide(insn.src) : word(insn.src);
    const auto imm = static_cast<std::uint64_t>(insn.imm);
    return width == 64 ? builder_.getInt64(imm) : builder_.getInt32(static_cast<std::uint32_t>(imm));
}

// dst = src, in whatever forms it has; a wish may turn it into a pointer here.
void FunctionLowering::lower_move(const Insn& insn) {
    const Type type = defined_type();
    if (type == registers_[insn.src].type) {
        const Register source = registers_[insn.src];
        define(insn.dst, nullptr);
        registers_[insn.dst] = source;
    } else {
        define(insn.dst, type.kind == Kind::Pointer ? pointer(insn.src) : wide(insn.src));
    }
}

void FunctionLowering::lower_alu(const Insn& insn) {
    const OpInfo& row = info(insn.op);
    const AluOp op = row.alu();
    const int width = row.width;
    if (op == AluOp::Mov && row.source == Source::Reg) {
        const Type from = registers_[insn.src].type;
        if (width == 64 || from.kind == Kind::Word || from.kind == Kind::Zero) return lower_move(insn);
    }
    if (width == 64 && (op == AluOp::Add || op == AluOp::Sub)) {
        const bool by_pointer = row.source == Source::Reg && registers_[insn.src].type.is_pointer();
        if (registers_[insn.dst].type.is_pointer() || by_pointer) return lower_pointer_arithmetic(insn);
    }
    if (op == AluOp::Mov && row.source == Source::Imm) return define(insn.dst, operand(insn, width));
    if (op == AluOp::Neg) {
        llvm::Value* const value = width == 64 ? wide(insn.dst) : word(insn.dst);
        return define(insn.dst, builder_.CreateNeg(value));
    }
    llvm::Value* const src = operand(insn, width);
    if (op == AluOp::Mov) return define(insn.dst, src);
    if (op >= AluOp::MovSx8 && op <= AluOp::MovSx32) {
        const unsigned bits = op == AluOp::MovSx8 ? 8 : op == AluOp::MovSx16 ? 16 : 32;
        llvm::Value* const low = builder_.CreateTrunc(src, builder_.getIntNTy(bits));
        return define(insn.dst, builder_.CreateSExt(low, src->getType()));
    }
    llvm::Value* const dst = width == 64 ? wide(insn.dst) : word(insn.dst);
    define(insn.dst, arithmetic(op, dst, src));
}

// Additions and subtractions in which an address takes part.
void FunctionLowering::lower_pointer_arithmetic(const Insn& insn) {
    const OpInfo& row = info(insn.op);
    const bool subtract = row.alu() == AluOp::Sub;
    const bool immediate = row.source == Source::Imm;
    const Type dst = registers_[insn.dst].type;
    const Type src = immediate ? Type{Kind::Integer, 0} : registers_[insn.src].type;
    if (immediate && dst.kind == Kind::Frame) {
        const std::int64_t offset = dst.detail + (subtract ? -insn.imm : insn.imm);
        return define(insn.dst, defined_type().kind == Kind::Frame ? nullptr : frame_address(offset));
    }
    if (dst.is_pointer() && src.kind == Kind::Zero) {
        return define(insn.dst, dst.kind == Kind::Frame ? nullptr : pointer(insn.dst));
    }
    if (dst.is_pointer() == src.is_pointer() || (subtract && src.is_pointer())) {
        llvm::Value* const a = wide(insn.dst);
        llvm::Value* const b = wide(insn.src);
        return define(insn.dst, subtract ? builder_.CreateSub(a, b) : builder_.CreateAdd(a, b));
    }
    if (dst.kind == Kind::Zero && src.kind == Kind::Frame) return define(insn.dst, nullptr);
    llvm::Value* const base = dst.is_pointer() ? pointer(insn.dst) : pointer(insn.src);
    llvm::Value* index = immediate ? builder_.getInt64(static_cast<std::uint64_t>(insn.imm))
                                   : wide(dst.is_pointer() ? insn.src : insn.dst);
    if (subtract) index = builder_.CreateNeg(index);
    define(insn.dst, builder_.CreateGEP(builder_.getInt8Ty(), base, index));
}

llvm::Value* FunctionLowering::arithmetic(AluOp op, llvm::Value* dst, llvm::Value* src) {
    const auto shift_count = [&] {
        return builder_.CreateAnd(src,
                                  llvm::ConstantInt::get(src->getType(), src->getType()->getIntegerBitWidth() - 1));
    };
    switch (op) {
        case AluOp::Add: return builder_.CreateAdd(dst, src);
        case AluOp::Sub: return builder_.CreateSub(dst, src);
        case AluOp::Mul: return builder_.CreateMul(dst, src);
        case AluOp::Or: return builder_.CreateOr(dst, src);
        case AluOp::And: return builder_.CreateAnd(dst, src);
        case AluOp::Xor: return builder_.CreateXor(dst, src);
        case AluOp::Lsh: return builder_.CreateShl(dst, shift_count());
        case AluOp::Rsh: return builder_.CreateLShr(dst, shift_count());
        case AluOp::Arsh: return builder_.CreateAShr(dst, shift_count());
        default: return divide(op, dst, src);
    }
}

// Division by zero gives 0, the remainder of it the dividend; the least number divided by -1 wraps, with remainder 0.
// Divisors that LLVM's operations do not allow are replaced by 1 and the result is selected afterwards.
llvm::Value* FunctionLowering::divide(AluOp op, llvm::Value* dst, llvm::Value* src) {
    llvm::Type* const type = src->getType();
    llvm::Value* const zero = llvm::ConstantInt::get(type, 0);
    llvm::Value* const one = llvm::ConstantInt::get(type, 1);
    llvm::Value* const by_zero = builder_.CreateICmpEQ(src, zero);
    const bool is_signed = op == AluOp::SDiv || op == AluOp::SMod;
    if (!is_signed) {
        llvm::Value* const divisor = builder_.CreateSelect(by_zero, one, src);
        if (op == AluOp::Div) return builder_.CreateSelect(by_zero, zero, builder_.CreateUDiv(dst, divisor));
        return builder_.CreateSelect(by_zero, dst, builder_.CreateURem(dst, divisor));
    }
    llvm::Value* const by_minus_one = builder_.CreateICmpEQ(src, llvm::ConstantInt::getAllOnesValue(type));
    llvm::Value* const special = builder_.CreateOr(by_zero, by_minus_one);
    llvm::Value* const divisor = builder_.CreateSelect(special, one, src);
    if (op == AluOp::SMod) return builder_.CreateSelect(by_zero, dst, builder_.CreateSRem(dst, divisor));
    llvm::Value* const quotient = builder_.CreateSDiv(dst, divisor);
    llvm::Value* const negated = builder_.CreateSelect(by_minus_one, builder_.CreateNeg(dst), quotient);
    return builder_.CreateSelect(by_zero, zero, negated);
}

void FunctionLowering::lower_endian(const Insn& insn) {
    const OpInfo& row = info(insn.op);
    auto* const type = builder_.getIntNTy(row.width);
    llvm::Value* value = row.width == 64 ? wide(insn.dst) : builder_.CreateTrunc(wide(insn.dst), type);
    if (row.endian() != EndianOp::ToLe) value = builder_.CreateUnaryIntrinsic(llvm::Intrinsic::bswap, value);
    if (row.width == 16) value = builder_.CreateZExt(value, builder_.getInt32Ty());
    define(insn.dst, value);
}

}  // namespace bpftime::lowering
