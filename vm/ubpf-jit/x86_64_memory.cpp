// Loads, stores, atomics and address arithmetic on x86-64.
#include "vm/ubpf-jit/x86_64_lowering.h"

namespace bpftime::ubpf::x86_64 {

// ---- Loads and stores ---------------------------------------------------------------------------------------------------

std::uint32_t Lowering::load(std::uint32_t slot, const Insn& i, const OpInfo& row, const Mem& m) {
    if (row.width >= 32 && row.extension() == Extension::Zero && load_and_operate(slot, i, row, m)) return slot + 2;
    load_alone(i, row, m);
    return slot + 1;
}

void Lowering::load_alone(const Insn& i, const OpInfo& row, const Mem& m) {
    const bool is_signed = row.extension() == Extension::Sign;
    is_signed ? a_.load_signed(row.width, reg(i.dst), m) : a_.load(row.width, reg(i.dst), m);
    know_bits(i.dst, is_signed ? 64 : row.width);
}

// A loaded value that only the next instruction needs: that one takes it from memory.
bool Lowering::load_and_operate(std::uint32_t slot, const Insn& i, const OpInfo& row, const Mem& m) {
    if (!follows(slot + 1)) return false;
    const Insn& next = insn(slot + 1);
    const OpInfo& use = info(next.op);
    if (use.family != Family::Alu || use.source != Source::Reg || next.src != i.dst || next.dst == i.dst) return false;
    if (use.width > row.width || !dead(slot + 2, i.dst)) return false;
    const Reg d = reg(next.dst);
    const int w = use.width;
    switch (use.alu()) {
        case AluOp::Add: a_.add(w, d, m); break;
        case AluOp::Sub: a_.sub(w, d, m); break;
        case AluOp::Or: a_.or_(w, d, m); break;
        case AluOp::And: a_.and_(w, d, m); break;
        case AluOp::Xor: a_.xor_(w, d, m); break;
        case AluOp::Mul: a_.imul(w, d, m); break;
        default: return false;
    }
    know_bits(next.dst, w);
    if (use.alu() != AluOp::Mul) flags_tell(next.dst, w);
    return true;
}

void Lowering::store(const Insn& i, const OpInfo& row, const Mem& m) {
    if (row.source == Source::Reg) {
        a_.store(row.width, m, reg(i.src));
    } else {
        a_.store_imm(row.width, m, static_cast<std::int32_t>(i.imm));
    }
}

// ---- Address arithmetic -------------------------------------------------------------------------------------------------

// What a register will hold, as other BPF registers: base + (index << shift) + disp.
struct Lowering::Address {
    int base = -1;
    int index = -1;
    int shift = 0;
    std::int64_t disp = 0;

    // Takes over what `i` does to register `d`, which the address stands for. False when it does not fit.
    bool extend(const Insn& i, int d) {
        if (i.dst != d) return false;
        switch (i.op) {
            case Op::Add64Imm: return displace(i.imm);
            case Op::Sub64Imm: return displace(-i.imm);
            case Op::Add64Reg: return i.src != d && add(i.src);
            case Op::Lsh64Imm: return scale(i.imm);
            default: return false;
        }
    }
    bool displace(std::int64_t by) {
        if (!fits32(disp + by)) return false;
        disp += by;
        return true;
    }
    bool add(int reg) {
        if (base < 0) {
            base = reg;
        } else if (index < 0) {
            index = reg;
        } else {
            return false;
        }
        return true;
    }
    bool scale(std::int64_t count) {
        if (count < 1 || count > 3 || index >= 0 || disp != 0) return false;
        index = base, shift = static_cast<int>(count), base = -1;
        return true;
    }
    Mem mem(std::int64_t off) const {
        Mem m{.base = reg(base), .disp = static_cast<std::int32_t>(disp + off)};
        if (index < 0) return m;
        m.index = reg(index), m.shift = static_cast<std::uint8_t>(shift);
        if (shift == 0 && (m.base == rbp || m.base == r13)) std::swap(m.base, m.index);  // saves the displacement
        return m;
    }
};

// The accesses through register `d` from slot `at` on, if they are all that needs it: each takes the address as its operand.
bool Lowering::fold_accesses(std::uint32_t& slot, std::uint32_t at, const Address& address, int d) {
    constexpr std::uint32_t kMost = 4;
    std::uint32_t end = at;
    for (bool done = false; !done; ++end) {
        if (end - at == kMost || !follows(end)) return false;
        const Insn& i = insn(end);
        const OpInfo& row = info(i.op);
        if (!fits32(address.disp + i.off)) return false;
        if (end != at && !fits8(address.disp + i.off) && fits8(i.off)) return false;  // longer code, again and again
        done = dead(end + 1, d);
        if (row.family == Family::Load && i.src == d) {
            done |= i.dst == d;
            if (!done && (i.dst == address.base || i.dst == address.index)) return false;
        } else if (row.family != Family::Store || i.dst != d || (row.source == Source::Reg && i.src == d)) {
            return false;
        }
    }
    for (; at < end; ++at) {
        const Insn& i = insn(at);
        const OpInfo& row = info(i.op);
        const Mem m = address.mem(i.off);
        if (row.family == Family::Store) {
            store(i, row, m);
        } else if (at + 1 == end) {
            return slot = load(at, i, row, m), true;
        } else {
            load_alone(i, row, m);
        }
    }
    slot = end;
    return true;
}

// T = X; T <<= 1..3; D = base; D += T (the first of these may be missing): D is base + (X << n). `end` is the second instruction
// and becomes the one after these; whether T is still needed is for the caller to see.
bool Lowering::fold_index(std::uint32_t& end, Address& address, int& d) {
    const Insn& first = insn(end - 1);
    std::uint32_t at = end - 1;
    if (first.op == Op::Mov64Reg && follows(at + 1, Op::Lsh64Imm) && insn(at + 1).dst == first.dst) ++at;
    const Insn& shift = insn(at);
    if (shift.op != Op::Lsh64Imm || !follows(at + 1, Op::Mov64Reg) || !follows(at + 2, Op::Add64Reg)) return false;
    const Insn& move = insn(at + 1);
    const Insn& sum = insn(at + 2);
    const int t = first.dst;
    if (sum.dst != move.dst || sum.src != t || move.dst == t || move.src == t) return false;
    address.base = at == end - 1 ? t : first.src;
    if (!address.scale(shift.imm)) return address = {}, false;
    address.base = move.src;
    d = move.dst;
    end = at + 3;
    return true;
}

// Moves, additions and shifts that build an address in one register become the operand of the access that follows, if the
// register is not needed after it, or one lea.
bool Lowering::fold_address(std::uint32_t& slot) {
    const Insn& first = insn(slot);
    if (!follows(slot + 1)) return false;
    Address address;
    int d = first.dst, scaled = -1;
    std::uint32_t end = slot + 1;
    if (fold_index(end, address, d)) {
        scaled = first.dst;
    } else if (first.op == Op::Mov64Reg) {
        address.base = first.src;
        if (first.src == d) return false;
    } else {
        address.base = d;
        if (!address.extend(first, d)) return false;
    }
    while (follows(end) && address.extend(insn(end), d)) ++end;
    if (address.base < 0 || (scaled >= 0 && !dead(end, scaled))) return false;
    if (fold_accesses(slot, end, address, d)) return true;
    if (end - slot < 2) return false;
    a_.lea(64, reg(d), address.mem(0));
    know_bits(d, 64);
    slot = end;
    return true;
}

// ---- Atomics ------------------------------------------------------------------------------------------------------------

void Lowering::atomic(const Insn& i, AtomicOp op, int w) {
    const Mem m = mem(i.dst, i.off);
    const Reg s = reg(i.src);
    switch (op) {
        case AtomicOp::Add: return a_.lock_add(w, m, s);
        case AtomicOp::Or: return a_.lock_or(w, m, s);
        case AtomicOp::And: return a_.lock_and(w, m, s);
        case AtomicOp::Xor: return a_.lock_xor(w, m, s);
        case AtomicOp::StoreRelease: return a_.store(w, m, s);  // every store is one on this architecture
        case AtomicOp::LoadAcquire:
            a_.load(w, reg(i.dst), mem(i.src, i.off));
            return know_bits(i.dst, w);
        case AtomicOp::FetchAdd: a_.lock_xadd(w, m, s); break;
        case AtomicOp::Xchg: a_.xchg(w, m, s); break;
        case AtomicOp::CmpXchg:
            a_.lock_cmpxchg(w, m, s);
            if (w == 32) a_.mov(32, rax, rax);  // left as it was on success
            return know_bits(0, w);
        default: fetch_loop(i, op, w); break;
    }
    know_bits(i.src, w);
}

// src = *(dst + off), and that word op= src, by compare and exchange.
void Lowering::fetch_loop(const Insn& i, AtomicOp op, int w) {
    const Reg s = reg(i.src);
    Mem m = mem(i.dst, i.off);
    a_.mov(64, r11, rax);  // r0, or the address if that is in r0
    if (m.base == rax) m.base = r11;
    a_.mov(64, r10, s);
    a_.load(w, rax, m);
    const std::uint32_t again = a_.position();
    a_.mov(w, r9, rax);
    if (op == AtomicOp::FetchOr) a_.or_(w, r9, r10);
    if (op == AtomicOp::FetchAnd) a_.and_(w, r9, r10);
    if (op == AtomicOp::FetchXor) a_.xor_(w, r9, r10);
    a_.lock_cmpxchg(w, m, r9);
    a_.patch8(a_.jcc_short(Cond::NE), again);
    if (s == rax) {
        if (w == 32) a_.mov(32, rax, rax);
        return;
    }
    a_.mov(w, s, rax);
    a_.mov(64, rax, r11);
}

}  // namespace bpftime::ubpf::x86_64
