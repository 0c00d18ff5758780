// BPF on x86-64, System V ABI. Arguments and results lie where a helper expects them, so calls move nothing:
//   r0 rax   r1 rdi   r2 rsi   r3 rdx   r4 rcx   r5 r8   r6 rbx   r7 r13   r8 r14   r9 r15   r10 rbp
// r9, r10 and r11 of the machine are temporaries; r12 points to the saved ctx and size in programs with tail calls.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "vm/ubpf-jit/emission.h"
#include "vm/ubpf-jit/x86_64_assembler.h"

namespace bpftime::ubpf::x86_64 {

using namespace bpftime::x86_64;

class Lowering : public LoweringBase {
public:
    static const CostModel& cost_model();

    explicit Lowering(Job& job) : LoweringBase(job), a_(job.out) {}

    std::uint32_t position() const { return a_.position(); }
    std::uint32_t begin_subprogram(const SubPlan& sub, const Subprogram& range);
    void label(std::uint8_t marks);
    // Emits the instruction at `slot`, and those after it that it is fused with; returns the slot to go on with.
    std::uint32_t lower(std::uint32_t slot);
    Status finish();

private:
    static constexpr std::array<Reg, kRegisters> kRegs = {rax, rdi, rsi, rdx, rcx, r8, rbx, r13, r14, r15, rbp};
    static Reg reg(int bpf) { return kRegs[static_cast<std::size_t>(bpf)]; }
    static Mem mem(int base, std::int32_t off) { return {.base = reg(base), .disp = off}; }

    // Frame and control flow (x86_64_control.cpp).
    void prologue(RegMask zeroed);
    void epilogue();
    std::uint32_t control(std::uint32_t slot, const Insn& i, Shape shape);
    Mem may_goto_counter() const;
    std::uint32_t jump(std::uint32_t slot, const Insn& i, const OpInfo& row);
    Cond compare(const Insn& i, const OpInfo& row);
    Cond compare_imm(const Insn& i, Condition condition, Cond cond, int w);
    void branch(Cond condition, std::uint32_t slot, std::uint32_t target);
    void go(std::uint32_t slot, std::uint32_t target);
    void call_helper(std::uint32_t id);
    void call_native(std::uint64_t address);
    void call_reg(int number);
    void tail_call();
    void lddw(const Insn& i, std::uint32_t slot, LddwKind kind);

    // Choices (x86_64_select.cpp).
    bool fold_set(std::uint32_t& slot, const Insn& i);
    bool fold_select(std::uint32_t& slot, const Insn& i, const OpInfo& row);
    bool asked_again(const Insn& i, std::uint32_t from) const;
    static bool operable(const Insn& i);
    void operate(const Insn& i, Reg d);

    // Arithmetic (x86_64_alu.cpp).
    std::uint32_t alu(std::uint32_t slot, const Insn& i, const OpInfo& row);
    bool fold_extension(std::uint32_t& slot, const Insn& i);
    bool fold_rotate(std::uint32_t& slot, const Insn& i, int w);
    bool fold_move(std::uint32_t& slot, const Insn& i, int w);
    void alu_imm(const Insn& i, AluOp op, int w);
    void alu_reg(const Insn& i, AluOp op, int w);
    void move_imm(Reg d, std::uint64_t value);
    void move_reg(const Insn& i, int w);
    void truncate(int dst, int w);
    void and_imm(int dst, int w, std::int32_t imm);
    void multiply_imm(Reg d, Reg s, int w, std::int32_t imm);
    void shift_imm(AluOp op, int w, int dst, int count);
    void shift_reg(AluOp op, int w, Reg d, Reg count);
    void endian(const Insn& i, EndianOp op, int w);

    // Division (x86_64_divide.cpp).
    void divide_imm(const Insn& i, AluOp op, int w);
    void divide_unsigned_imm(const Insn& i, bool remainder, int w);
    void quotient(Reg n, Reg q, std::uint64_t divisor, int w);
    void divide_reg(const Insn& i, AluOp op, int w);
    void divide_signed_imm(const Insn& i, bool remainder, int w);
    void divide_machine(const Insn& i, bool is_signed, bool remainder, int w);

    // Memory (x86_64_memory.cpp).
    struct Address;
    bool fold_address(std::uint32_t& slot);
    bool fold_index(std::uint32_t& end, Address& address, int& d);
    bool fold_accesses(std::uint32_t& slot, std::uint32_t at, const Address& address, int d);
    std::uint32_t load(std::uint32_t slot, const Insn& i, const OpInfo& row, const Mem& m);
    void load_alone(const Insn& i, const OpInfo& row, const Mem& m);
    bool load_and_operate(std::uint32_t slot, const Insn& i, const OpInfo& row, const Mem& m);
    void store(const Insn& i, const OpInfo& row, const Mem& m);
    void atomic(const Insn& i, AtomicOp op, int w);
    void fetch_loop(const Insn& i, AtomicOp op, int w);

    // What is known of registers since the last label: no bit at or above this one is set.
    int known_bits(int bpf, int w = 64) const { return std::min<int>(bits_[static_cast<std::size_t>(bpf)], w); }
    void know_bits(int bpf, int bits) { bits_[static_cast<std::size_t>(bpf)] = static_cast<std::uint8_t>(bits); }
    void forget() { bits_.fill(64); }
    void forget_scratch() { std::fill_n(bits_.begin(), 6, std::uint8_t{64}); }
    // The zero flag tells whether `reg` is 0, in the instruction at `slot` only.
    void flags_tell(int bpf, int w) { flags_reg_ = bpf, flags_width_ = w, flags_at_ = a_.position(); }
    bool flags_known(int bpf, int w) const { return flags_at_ == a_.position() && flags_reg_ == bpf && flags_width_ <= w; }

    Assembler a_;
    std::array<std::uint8_t, kRegisters> bits_{};
    int flags_reg_ = -1;
    int flags_width_ = 64;
    std::uint32_t flags_at_ = ~0u;

    // The current subprogram.
    const SubPlan* sub_ = nullptr;
    bool entry_ = false;
    RegMask saved_ = 0;            // r6..r9 to restore
    bool saves_r12_ = false;
    std::uint32_t locals_ = 0;     // bytes of frame beside the BPF stack
};

}  // namespace bpftime::ubpf::x86_64
