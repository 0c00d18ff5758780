// Loads, stores and atomics on AArch64.
#include "vm/ubpf-jit/aarch64_lowering.h"

namespace bpftime::ubpf::aarch64 {

// How to address `bits` at register + off. The BPF stack, below r10, is also reached from sp, where displacements go further.
Lowering::Place Lowering::place(int bpf, std::int32_t off, int bits) {
    if (Assembler::fits_scaled(bits, off) || Assembler::fits_unscaled(off)) return {reg(bpf), off, false};
    if (bpf == kFramePointer && Assembler::fits_scaled(bits, off + frame_)) return {sp, off + frame_, false};
    a_.mov_imm(x9, static_cast<std::uint64_t>(std::int64_t{off}));
    return {reg(bpf), 0, true};
}

void Lowering::load(const Insn& i, const OpInfo& row) {
    const Place at = place(i.src, i.off, row.width);
    const Reg d = reg(i.dst);
    if (row.extension() == Extension::Sign) {
        at.indexed ? a_.load_signed(row.width, d, at.base, x9) : a_.load_signed(row.width, d, at.base, at.off);
    } else {
        at.indexed ? a_.load(row.width, d, at.base, x9) : a_.load(row.width, d, at.base, at.off);
    }
}

void Lowering::store(const Insn& i, const OpInfo& row) {
    Reg value = reg(i.src);
    if (row.source == Source::Imm) {
        value = i.imm == 0 ? zr : x10;
        if (i.imm != 0) a_.mov_imm(x10, static_cast<std::uint64_t>(i.imm));
    }
    const Place at = place(i.dst, i.off, row.width);
    at.indexed ? a_.store(row.width, value, at.base, x9) : a_.store(row.width, value, at.base, at.off);
}

// Exclusive and ordered accesses take a bare address.
Reg Lowering::address_with_offset(int bpf, std::int32_t off) {
    if (off == 0) return reg(bpf);
    add_imm(64, x9, reg(bpf), off);
    return x9;
}

void Lowering::atomic(const Insn& i, AtomicOp op, int w) {
    if (op == AtomicOp::LoadAcquire) return a_.ldar(w, reg(i.dst), address_with_offset(i.src, i.off));
    const Reg address = address_with_offset(i.dst, i.off);
    if (op == AtomicOp::StoreRelease) return a_.stlr(w, reg(i.src), address);
    if (op == AtomicOp::CmpXchg) return compare_exchange(w, address, reg(i.src));
    fetch_loop(op, w, address, reg(i.src));
}

// Without Fetch the operation orders nothing; with it, it is a full barrier (RFC 9669, section 5.3, as Linux has it).
void Lowering::fetch_loop(AtomicOp op, int w, Reg address, Reg s) {
    const bool fetches = op >= AtomicOp::FetchAdd;
    const std::uint32_t again = a_.position();
    a_.ldxr(w, x10, address);
    Reg result = x11;
    switch (op) {
        case AtomicOp::Add:
        case AtomicOp::FetchAdd: a_.add(w, x11, x10, s); break;
        case AtomicOp::Or:
        case AtomicOp::FetchOr: a_.orr(w, x11, x10, s); break;
        case AtomicOp::And:
        case AtomicOp::FetchAnd: a_.and_(w, x11, x10, s); break;
        case AtomicOp::Xor:
        case AtomicOp::FetchXor: a_.eor(w, x11, x10, s); break;
        default: result = s; break;  // Xchg
    }
    fetches ? a_.stlxr(w, x12, result, address) : a_.stxr(w, x12, result, address);
    a_.cbnz(32, x12, std::int64_t{again} - a_.position());
    if (!fetches) return;
    a_.dmb_ish();
    a_.mov(w, s, x10);
}

void Lowering::compare_exchange(int w, Reg address, Reg s) {
    const std::uint32_t again = a_.position();
    a_.ldxr(w, x10, address);
    a_.cmp(w, x10, reg(0));
    a_.b_cond(Cond::NE, 12);
    a_.stlxr(w, x12, s, address);
    a_.cbnz(32, x12, std::int64_t{again} - a_.position());
    a_.dmb_ish();
    a_.mov(w, reg(0), x10);
}

}  // namespace bpftime::ubpf::aarch64
