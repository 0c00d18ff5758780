// Loads, stores and atomics (RFC 9669 section 5; load-acquire and store-release as Linux has them).
#include <llvm/Analysis/ValueTracking.h>

#include <bit>

#include "vm/llvm-jit/function_lowering.h"

namespace bpftime::lowering {

namespace {

using llvm::AtomicOrdering;

llvm::AtomicRMWInst::BinOp operation_of(AtomicOp op) {
    switch (op) {
        case AtomicOp::Add:
        case AtomicOp::FetchAdd: return llvm::AtomicRMWInst::Add;
        case AtomicOp::Or:
        case AtomicOp::FetchOr: return llvm::AtomicRMWInst::Or;
        case AtomicOp::And:
        case AtomicOp::FetchAnd: return llvm::AtomicRMWInst::And;
        case AtomicOp::Xor:
        case AtomicOp::FetchXor: return llvm::AtomicRMWInst::Xor;
        default: return llvm::AtomicRMWInst::Xchg;
    }
}

bool returns_old(AtomicOp op) { return op >= AtomicOp::FetchAdd && op <= AtomicOp::Xchg; }

}  // namespace

// Address of `bytes` bytes at reg + offset.
Result<llvm::Value*> FunctionLowering::address(int reg, std::int32_t offset, int bytes) {
    const Type type = registers_[static_cast<std::size_t>(reg)].type;
    if (type.kind == Kind::Frame) {
        const std::int64_t begin = std::int64_t{type.detail} + offset;
        if (begin < -kStackSize || begin + bytes > 0)
            return fail(refuse(cat("access of ", bytes, " bytes at r10", begin < 0 ? "" : "+", begin,
                                   " is outside the frame of ", kStackSize, " bytes")));
        return frame_address(begin);
    }
    llvm::Value* const base = pointer(reg);
    return offset == 0 ? base
                       : builder_.CreateGEP(builder_.getInt8Ty(), base,
                                            builder_.getInt64(static_cast<std::uint64_t>(std::int64_t{offset})));
}

// Programs may access any address, so only the frame's alignment is known.
llvm::Align FunctionLowering::alignment(int reg, std::int32_t offset, int bytes) const {
    const Type type = registers_[static_cast<std::size_t>(reg)].type;
    if (type.kind != Kind::Frame) return llvm::Align(1);
    const auto distance = static_cast<std::uint32_t>(-(type.detail + offset));
    const std::uint32_t known = distance == 0 ? 16 : 1u << std::countr_zero(distance);
    return llvm::Align(std::min<std::uint32_t>(known, static_cast<std::uint32_t>(bytes)));
}

// `value` as read from `where`, the address of `bytes` bytes at reg + offset. What a program reads of its frame before it
// writes there is any value, but one and the same at each use; LLVM would take it for undefined.
llvm::Value* FunctionLowering::settled(llvm::Value* value, const llvm::Value& where, int reg, std::int32_t offset, int bytes) {
    const Type type = registers_[static_cast<std::size_t>(reg)].type;
    if (type.kind == Kind::Frame) {
        const FrameBytes read = frame_bytes(std::int64_t{type.detail} + offset, bytes);
        return (read & written_) == read ? value : builder_.CreateFreeze(value);
    }
    const llvm::Value* const object = llvm::getUnderlyingObject(&where);
    const bool foreign = llvm::isa<llvm::CallBase, llvm::GlobalValue>(object) ||
                         (subprogram_ == 0 && llvm::isa<llvm::Argument>(object));
    return foreign || !module_.types().frames_escape() ? value : builder_.CreateFreeze(value);
}

Status FunctionLowering::lower_load(const Insn& insn) {
    const OpInfo& row = info(insn.op);
    const int bytes = row.width / 8;
    llvm::Value* const where = BPFTIME_TRY(address(insn.src, insn.off, bytes));
    const llvm::Align align = alignment(insn.src, insn.off, bytes);
    const bool is_address = row.width == 64 && defined_type().kind == Kind::Pointer;
    auto* const memory_type = is_address ? static_cast<llvm::Type*>(builder_.getPtrTy()) : builder_.getIntNTy(row.width);
    llvm::Value* value =
        settled(builder_.CreateAlignedLoad(memory_type, where, align), *where, insn.src, insn.off, bytes);
    if (row.extension() == Extension::Sign)
        value = builder_.CreateSExt(value, builder_.getInt64Ty());
    else if (row.width < 32)
        value = builder_.CreateZExt(value, builder_.getInt32Ty());
    define(insn.dst, value);
    return {};
}

Status FunctionLowering::lower_store(const Insn& insn) {
    const OpInfo& row = info(insn.op);
    const int bytes = row.width / 8;
    llvm::Value* const where = BPFTIME_TRY(address(insn.dst, insn.off, bytes));
    llvm::Value* value = nullptr;
    if (row.source == Source::Imm)
        value =
            builder_.getIntN(row.width, static_cast<std::uint64_t>(insn.imm) & (~std::uint64_t{0} >> (64 - row.width)));
    else if (row.width == 64)
        value = registers_[insn.src].type.is_pointer() ? pointer(insn.src) : wide(insn.src);
    else
        value = row.width == 32 ? word(insn.src) : builder_.CreateTrunc(word(insn.src), builder_.getIntNTy(row.width));
    builder_.CreateAlignedStore(value, where, alignment(insn.dst, insn.off, bytes));
    if (const Type type = registers_[insn.dst].type; type.kind == Kind::Frame)
        written_ |= frame_bytes(std::int64_t{type.detail} + insn.off, bytes);
    return {};
}

// Plain operations are relaxed, those that return a value fully ordered, as in the Linux kernel.
Status FunctionLowering::lower_atomic(const Insn& insn) {
    const OpInfo& row = info(insn.op);
    const int bytes = row.width / 8;
    const bool loads = row.atomic() == AtomicOp::LoadAcquire;
    llvm::Value* const where = BPFTIME_TRY(address(loads ? insn.src : insn.dst, insn.off, bytes));
    auto* const type = builder_.getIntNTy(row.width);
    const llvm::Align align(static_cast<std::uint64_t>(bytes));
    if (loads) {
        auto* const load = builder_.CreateAlignedLoad(type, where, align);
        load->setAtomic(AtomicOrdering::Acquire);
        llvm::Value* const value = settled(load, *where, insn.src, insn.off, bytes);
        define(insn.dst, row.width < 32 ? builder_.CreateZExt(value, builder_.getInt32Ty()) : value);
        return {};
    }
    llvm::Value* operand = row.width == 64 ? wide(insn.src) : word(insn.src);
    if (row.width < 32) operand = builder_.CreateTrunc(operand, type);
    if (row.atomic() == AtomicOp::StoreRelease) {
        builder_.CreateAlignedStore(operand, where, align)->setAtomic(AtomicOrdering::Release);
    } else if (row.atomic() == AtomicOp::CmpXchg) {
        llvm::Value* const expected = row.width == 64 ? wide(0) : word(0);
        llvm::Value* const pair =
            builder_.CreateAtomicCmpXchg(where, expected, operand, align, AtomicOrdering::SequentiallyConsistent,
                                         AtomicOrdering::SequentiallyConsistent);
        define(0, settled(builder_.CreateExtractValue(pair, 0), *where, insn.dst, insn.off, bytes));
    } else {
        const bool fetches = returns_old(row.atomic());
        llvm::Value* const old =
            builder_.CreateAtomicRMW(operation_of(row.atomic()), where, operand, align,
                                     fetches ? AtomicOrdering::SequentiallyConsistent : AtomicOrdering::Monotonic);
        if (fetches) define(insn.src, settled(old, *where, insn.dst, insn.off, bytes));
    }
    return {};
}

}  // namespace bpftime::lowering
