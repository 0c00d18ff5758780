#include "test/fuzz/generator.h"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace bpftime::test {

namespace {

using Reg = std::uint8_t;

constexpr int kMainStack = 128;  // bytes in use below r10; the kernel wants all frames of a chain within 512
constexpr int kSubStack = 64;
constexpr unsigned kMaxBranches = 9;  // in one program: the verifier walks most of their combinations
constexpr Reg kMemory = 6;       // holds the memory's address throughout
constexpr std::int64_t kEdges[] = {0,         1,         -1,         2,          7,         8,          31,        32,
                                   63,        64,        127,        128,        255,       256,        0x7fff,    0x8000,
                                   0xffff,    INT32_MAX, INT32_MIN,  0xffffffff, 0x80000000, INT64_MAX, INT64_MIN, -2};

// Every row of one family, and of an operation where that matters.
std::vector<Op> rows(Family family) {
    std::vector<Op> ops;
    for (std::size_t i = 0; i < kOpCount; ++i)
        if (kOpTable[i].family == family && kOpTable[i].name != "AddrSpaceCast") ops.push_back(static_cast<Op>(i));
    return ops;
}

bool fetches(AtomicOp op) { return op >= AtomicOp::FetchAdd && op <= AtomicOp::CmpXchg; }

class Generator {
public:
    explicit Generator(std::uint64_t seed) : random_(seed * 0x9e3779b97f4a7c15 + 1) {}

    Generated run() {
        for_kernel_ = !chance(10);
        memory_.resize(16 + 8 * below(7));
        for (auto& byte : memory_) byte = static_cast<std::uint8_t>(chance(30) ? kEdges[below(std::size(kEdges))] : random_());
        if (chance(40)) value_.resize(kMapValueSize);
        for (auto& byte : value_) byte = static_cast<std::uint8_t>(random_());
        functions_ = below(100) < 50 ? 1 : 2 + below(3);
        for (unsigned index = 0; index < functions_; ++index) {
            begins_.push_back(slot());
            function(index);
        }
        for (const auto& [at, callee] : calls_) insns_[at].off = static_cast<std::int32_t>(begins_[callee] - at - 1);
        return {std::move(insns_), std::move(memory_), std::move(value_), for_kernel_};
    }

private:
    // ---- Randomness
    std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
    bool chance(unsigned percent) { return below(100) < percent; }
    template <class T>
    const T& any(const std::vector<T>& from) { return from[below(from.size())]; }

    std::int64_t constant() {
        if (chance(50)) return kEdges[below(std::size(kEdges))];
        return static_cast<std::int64_t>(random_() >> below(64));
    }
    std::int32_t immediate() { return static_cast<std::int32_t>(constant()); }

    // ---- Emission
    std::uint32_t slot() const { return static_cast<std::uint32_t>(insns_.size()); }
    std::uint32_t emit(Op op, Reg dst = 0, Reg src = 0, std::int32_t off = 0, std::int64_t imm = 0) {
        insns_.push_back({.op = op, .dst = dst, .src = src, .off = off, .imm = imm});
        return slot() - 1;
    }
    // Makes the jump at `at` lead to the next instruction.
    void land(std::uint32_t at) { insns_[at].off = static_cast<std::int32_t>(slot() - at - 1); }

    void set_scalar(Reg reg) {
        const std::int64_t value = constant();
        if (chance(25)) {
            emit(Op::LddwImm, reg, 0, 0, value);
            emit(Op::LddwHigh);
        } else if (chance(50)) {
            emit(load_op(64), reg, kMemory, memory_offset(8));
        } else {
            emit(chance(50) ? Op::Mov64Imm : Op::Mov32Imm, reg, 0, 0, static_cast<std::int32_t>(value));
        }
    }

    // ---- Places
    std::int32_t memory_offset(int bytes) { return static_cast<std::int32_t>(below(memory_.size() - static_cast<unsigned>(bytes) + 1)); }
    // Aligned, as the verifier wants it; with `loose` at any address.
    std::int32_t stack_offset(int bytes) {
        const int step = for_kernel_ ? bytes : 1;
        return -stack_ + static_cast<std::int32_t>(below(static_cast<unsigned>((stack_ - bytes) / step + 1))) * step;
    }
    Reg scalar() { return any(readable_); }
    Reg target() { return any(writable_); }
    static Op load_op(int width) { return width == 8 ? Op::Ldx8 : width == 16 ? Op::Ldx16 : width == 32 ? Op::Ldx32 : Op::Ldx64; }

    // ---- Functions
    void function(unsigned index) {
        index_ = index;
        stack_ = index == 0 ? kMainStack : kSubStack;
        readable_ = writable_ = {0, 1, 2, 3, 4, 5, 7, 8, 9};
        emit(Op::Mov64Reg, kMemory, 1);
        // r2 (size) is a scalar, and so are r3 to r5 of a function that is called.
        for (const Reg reg : {0, 1, 7, 8, 9}) set_scalar(reg);
        for (const Reg reg : {3, 4, 5})
            if (index == 0) set_scalar(reg);
        for (int at = 8; at <= stack_; at += 8)
            if (chance(50)) emit(Op::St64, kFramePointer, 0, -at, immediate());
            else emit(Op::Stx64, kFramePointer, scalar(), -at);
        block(index == 0 ? 8 + below(40) : 3 + below(12), 0);
        // Every function is called by an earlier one: the verifier refuses code that is never reached.
        const auto calls_next = [&](const auto& call) { return call.second == index + 1; };
        if (index + 1 < functions_ && std::ranges::none_of(calls_, calls_next)) call_function(index + 1);
        if (index == 0) hash();
        emit(Op::Exit);
    }

    // Everything that the program has computed, in r0.
    void hash() {
        for (const Reg reg : readable_) {
            if (reg == 0) continue;
            emit(Op::Mul64Imm, 0, 0, 0, 0x01000193);
            emit(Op::Xor64Reg, 0, reg);
        }
        for (int at = 8; at <= stack_; at += 8) {
            emit(Op::Ldx64, 1, kFramePointer, -at);
            emit(Op::Mul64Imm, 0, 0, 0, 31);
            emit(Op::Add64Reg, 0, 1);
        }
    }

    // False if control never reaches its end.
    bool block(std::uint64_t statements, int depth, bool may_exit = true) {
        for (std::uint64_t i = 0; i < statements; ++i) {
            if (may_exit && depth > 0 && i + 1 == statements && chance(4)) {
                emit(Op::Exit);
                return false;
            }
            statement(depth);
        }
        return true;
    }

    void statement(int depth) {
        const auto kind = below(100);
        if (kind < 42) return alu();
        if (kind < 46) return endian();
        if (kind < 56) return load();
        if (kind < 66) return store();
        if (kind < 74) return atomic();
        if (kind < 80) return through_pointer();
        if (kind < 82) return variable_stack_access();
        if (kind < 86 && !value_.empty()) return chance(50) ? map_value() : map_lookup();
        if (kind < 93 && branches_ < kMaxBranches && depth < 3) return condition(depth);
        if (kind < 96 && loops_.size() < 2 && depth < 2) return loop(depth);
        if (kind < 97 && !for_kernel_) return helper();
        if (kind < 99 && index_ + 1 < functions_ && loops_.empty()) return call();
        set_scalar(target());
    }

    // ---- Statements
    void alu() {
        static const std::vector<Op> kOps = rows(Family::Alu);
        const Op op = any(kOps);
        const OpInfo& row = info(op);
        if (row.source != Source::Imm) {
            emit(op, target(), row.source == Source::Reg ? scalar() : Reg{0});
            return;
        }
        std::int64_t imm = immediate();
        if (for_kernel_) {
            const AluOp kind = row.alu();
            if (kind == AluOp::Lsh || kind == AluOp::Rsh || kind == AluOp::Arsh) imm &= row.width - 1;
            const bool divides = kind == AluOp::Div || kind == AluOp::Mod || kind == AluOp::SDiv || kind == AluOp::SMod;
            if (divides && imm == 0) imm = 3;
        }
        emit(op, target(), 0, 0, imm);
    }

    void endian() {
        static const std::vector<Op> kOps = rows(Family::Endian);
        emit(any(kOps), target());
    }

    void load() {
        static const std::vector<Op> kOps = rows(Family::Load);
        const Op op = any(kOps);
        const int bytes = info(op).width / 8;
        if (chance(50)) emit(op, target(), kMemory, memory_offset(bytes));
        else emit(op, target(), kFramePointer, stack_offset(bytes));
    }

    void store() {
        static const std::vector<Op> kOps = rows(Family::Store);
        const Op op = any(kOps);
        const int bytes = info(op).width / 8;
        const bool immediate_source = info(op).source == Source::Imm;
        const bool stack = chance(50);
        emit(op, stack ? Reg{kFramePointer} : kMemory, immediate_source ? Reg{0} : scalar(),
             stack ? stack_offset(bytes) : memory_offset(bytes), immediate_source ? immediate() : 0);
    }

    void atomic() {
        static const std::vector<Op> kOps = rows(Family::Atomic);
        const Op op = any(kOps);
        const OpInfo& row = info(op);
        const bool on_memory = !for_kernel_ && chance(30);  // the kernel allows none on packets
        const int bytes = row.width / 8;
        const std::int32_t aligned = on_memory ? static_cast<std::int32_t>(below(memory_.size() / 8)) * 8
                                               : -stack_ + static_cast<std::int32_t>(below(static_cast<unsigned>(stack_ / bytes))) * bytes;
        const Reg base = on_memory ? kMemory : Reg{kFramePointer};
        // Linux before "bpf: Fix incorrect pruning due to atomic fetch precision tracking" (2026) cuts live branches that depend
        // on a register spilled to the stack and fetched by an atomic; after a byte store the slot is no spilled register.
        if (for_kernel_ && fetches(row.atomic())) emit(Op::St8, kFramePointer, 0, aligned, static_cast<std::int64_t>(1 + below(127)));
        switch (row.atomic()) {
            case AtomicOp::LoadAcquire: emit(op, target(), base, aligned); return;
            case AtomicOp::CmpXchg:
                // Make it equal now and then.
                if (chance(50)) emit(load_op(row.width), 0, base, aligned);
                emit(op, base, scalar(), aligned);
                return;
            default: emit(op, base, target(), aligned); return;
        }
    }

    // A copy of a pointer in an ordinary register, moved and used.
    void through_pointer() {
        const Reg pointer = target();
        Reg other = target();
        if (other == pointer) other = pointer == 0 ? 1 : 0;
        if (std::ranges::find(writable_, other) == writable_.end()) return alu();
        const bool stack = chance(50);
        const std::int32_t at = stack ? stack_offset(8) : memory_offset(8);
        const auto first = static_cast<std::int32_t>(below(64)) - 32;
        emit(Op::Mov64Reg, pointer, stack ? Reg{kFramePointer} : kMemory);
        emit(Op::Add64Imm, pointer, 0, 0, at - first);
        if (chance(50)) emit(Op::Ldx64, other, pointer, first);
        else emit(Op::Stx64, pointer, other, first);
        set_scalar(pointer);
    }

    // A load or store at a place that is known only at run time.
    void variable_stack_access() {
        const Reg pointer = target();
        Reg index = target();
        if (index == pointer) return alu();
        emit(Op::And64Imm, index, 0, 0, 56);
        emit(Op::Mov64Reg, pointer, kFramePointer);
        emit(Op::Add64Imm, pointer, 0, 0, -64);
        emit(Op::Add64Reg, pointer, index);
        if (chance(60)) emit(Op::Ldx64, index, pointer, 0);
        else emit(Op::Stx64, pointer, index, 0);
        set_scalar(pointer);
    }

    // One load, store or atomic through a pointer to the map's value, or one at a place known only at run time.
    void use_value(Reg pointer, std::int32_t already) {
        Reg other = target();
        if (other == pointer) other = pointer == 7 ? 5 : 7;
        static constexpr std::int32_t kWord = 8;
        const auto off = kWord * static_cast<std::int32_t>(below(kMapValueSize / 8)) - already;
        switch (below(5)) {
            case 0: emit(Op::Ldx64, other, pointer, off); return;
            case 1: emit(chance(50) ? Op::Stx64 : Op::Stx16, pointer, other, off); return;
            case 2: emit(Op::AtomicFetchAdd64, pointer, other, off); return;
            case 3: emit(Op::AtomicXor32, pointer, other, off); return;
            default:
                emit(Op::And64Imm, other, 0, 0, 56);
                emit(Op::Add64Reg, pointer, other);
                emit(chance(50) ? Op::Ldx32 : Op::LdxSx16, other, pointer, -already);
        }
    }

    void map_value() {
        const Reg pointer = target();
        const auto already = static_cast<std::int32_t>(below(kMapValueSize));
        emit(Op::LddwMapValue, pointer, 0, 0, std::int64_t{already} << 32);
        emit(Op::LddwHigh);
        use_value(pointer, already);
        set_scalar(pointer);
    }

    // Key 0 is there, key 1 is not.
    void map_lookup() {
        emit(Op::St32, kFramePointer, 0, -4, chance(80) ? 0 : 1);
        emit(Op::Mov64Reg, 2, kFramePointer);
        emit(Op::Add64Imm, 2, 0, 0, -4);
        emit(Op::LddwMapByFd, 1);
        emit(Op::LddwHigh);
        emit(Op::CallHelper, 0, 0, 0, kLookupHelper);
        for (const Reg reg : {1, 2, 3, 4, 5}) set_scalar(reg);
        const auto null = emit(Op::JEq64Imm, 0);
        use_value(0, 0);
        set_scalar(0);
        land(null);
    }

    void condition(int depth) {
        static const std::vector<Op> kOps = rows(Family::Jump);
        ++branches_;
        const Op op = any(kOps);
        const bool imm = info(op).source == Source::Imm;
        const auto jump = emit(op, scalar(), imm ? Reg{0} : scalar(), 0, imm ? immediate() : 0);
        const bool falls_through = block(1 + below(4), depth + 1);
        if (!falls_through || chance(50)) {
            land(jump);
            return;
        }
        const auto over = emit(chance(50) ? Op::Ja : Op::Ja32);
        land(jump);
        block(1 + below(3), depth + 1);
        land(over);
    }

    // Counts a register down that the body can read but not write.
    void loop(int depth) {
        const Reg counter = loops_.empty() ? 9 : 8;
        std::erase(writable_, counter);
        loops_.push_back(counter);
        emit(Op::Mov64Imm, counter, 0, 0, static_cast<std::int64_t>(1 + below(4)));
        const auto top = slot();
        std::uint32_t escape = 0;
        const bool may = chance(20);
        if (may) escape = emit(Op::MayGoto);
        // At most one condition, which counts for several: the verifier walks every path of every round.
        const unsigned before = branches_, inside = std::max(before, kMaxBranches - 1);
        branches_ = inside;
        block(1 + below(4), depth + 2, false);
        branches_ = before + 3 * (branches_ - inside);
        emit(Op::Add64Imm, counter, 0, 0, -1);
        const auto again = emit(Op::JNe64Imm, counter);
        insns_[again].off = static_cast<std::int32_t>(top) - static_cast<std::int32_t>(again) - 1;
        if (may) land(escape);
        loops_.pop_back();
        writable_.push_back(counter);
    }

    // A helper with a known result, by its number in the instruction or in a register.
    void helper() {
        const Reg reg = target();
        if (chance(50)) {
            emit(Op::CallHelper, 0, 0, 0, kSumHelper);
        } else {
            emit(Op::Mov64Imm, reg, 0, 0, kSumHelper);
            emit(Op::CallReg, reg);
        }
        for (const Reg argument : {1, 2, 3, 4, 5}) set_scalar(argument);
    }

    void call() {
        if (calls_.size() >= 6) return alu();
        call_function(index_ + 1 + static_cast<unsigned>(below(functions_ - index_ - 1)));
    }

    void call_function(unsigned callee) {
        emit(Op::Mov64Reg, 1, kMemory);
        calls_.push_back({emit(Op::CallLocal), callee});
        for (const Reg reg : {1, 2, 3, 4, 5}) set_scalar(reg);  // the call leaves them undefined
    }

    std::mt19937_64 random_;
    std::vector<Insn> insns_;
    std::vector<std::uint8_t> memory_, value_;
    bool for_kernel_ = true;
    std::uint64_t functions_ = 1;
    std::vector<std::uint32_t> begins_;
    std::vector<std::pair<std::uint32_t, unsigned>> calls_;  // slot of the call, number of the function
    unsigned index_ = 0;      // function being written
    int stack_ = kMainStack;  // its stack
    unsigned branches_ = 0;
    std::vector<Reg> loops_, readable_, writable_;
};

}  // namespace

Generated generate(std::uint64_t seed) { return Generator(seed).run(); }

}  // namespace bpftime::test
