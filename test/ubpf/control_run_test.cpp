// Jumps, frames, calls of every kind, may_goto and what registers hold at the start.
#include <cerrno>

#include "test/ubpf/programs.h"
#include "vm/core/semantics.h"

namespace bpftime {
namespace {

using u64 = std::uint64_t;

constexpr u64 kValues[] = {0, 1, 2, 100, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000,
                           0xffffffff80000000, 0xffffffffffffff80, ~u64{0}};

// r0 = whether the jump was taken, over something that a select cannot replace.
std::vector<Insn> around(const Insn& jump) {
    std::vector<Insn> code{{.op = Op::Ldx64, .dst = jump.src, .src = 1, .off = 8}, {.op = Op::Ldx64, .dst = jump.dst, .src = 1, .off = 0}};
    if (jump.dst == jump.src) {
        code.pop_back();
    } else if (jump.src == 1) {
        std::swap(code[0], code[1]);
    }
    code.push_back(jump);
    code.back().off = 2;
    code.push_back({.op = Op::Mov64Imm, .dst = 0, .imm = 0});
    code.push_back({.op = Op::Exit});
    code.push_back({.op = Op::Mov64Imm, .dst = 0, .imm = 1});
    code.push_back({.op = Op::Exit});
    return code;
}

TEST_CASE("every condition, on registers and immediates") {
    for (std::size_t op = 0; op < kOpCount; ++op) {
        const OpInfo& row = kOpTable[op];
        if (row.family != Family::Jump) continue;
        for (std::uint8_t dst = 0; dst < 10; ++dst)
            for (std::uint8_t src = 0; src < 10; ++src) {
                if (row.source == Source::Imm && src != dst) continue;
                for (const std::int64_t imm : {0ll, 1ll, 100ll, 128ll, 255ll, 256ll, 0x7fffffffll, -1ll, -128ll, -0x80000000ll}) {
                    if (row.source == Source::Reg && imm != 0) break;
                    const auto code = test::jit(test::make(around({.op = static_cast<Op>(op), .dst = dst, .src = src, .imm = imm})));
                    for (const u64 a : kValues)
                        for (const u64 b : kValues) {
                            u64 words[] = {a, b};
                            const u64 left = dst == src ? b : a, right = row.source == Source::Imm ? static_cast<u64>(imm) : b;
                            CAPTURE(row.name, int{dst}, int{src}, imm, hex(left), hex(right));
                            const bool taken = code->run(words, sizeof(words)) == 1;
                            if (taken != semantics::holds(row.condition(), row.width, left, right)) FAIL("wrong direction");
                        }
                }
            }
    }
}

TEST_CASE("a jump on the result of the instruction before it") {
    for (const char* step : {"r0 += -3", "r0 -= r2", "r0 &= 12", "r0 |= 0", "r0 ^= 3", "r0 <<= 63", "r0 >>= 2", "w0 += -3", "w0 &= 255",
                             "w0 <<= 31", "r0 = -r0", "r0 ^= -1", "r0 *= 0", "w0 -= w2"})
        for (const char* condition : {"r0 == 0", "r0 != 0", "w0 == 0", "w0 != 0", "r0 s< 0", "r0 s> 0", "r0 > 5"})
            for (const u64 start : {u64{0}, u64{3}, u64{1} << 32, (u64{1} << 32) + 3, ~u64{0}, ~u64{0} << 32}) {
                // The same once more with a label between the two, so that nothing is known of the flags.
                const std::string tail = cat(" if ", condition, " goto yes\n r0 = 0\n exit\n yes: r0 = 1\n exit\n");
                const std::string head = cat("r0 = *(u64 *)(r1 + 0)\n r2 = 3\n if r1 == 0 goto here\n ", step, "\n");
                u64 word = start;
                CAPTURE(step, condition, hex(start));
                CHECK(test::run(cat(head, tail, "here: exit\n"), &word, 8) == test::run(cat(head, "here:\n", tail), &word, 8));
            }
}

TEST_CASE("flags do not outlive a label") {
    // The jump to the label comes with flags of another comparison.
    const std::string text = "r0 = *(u64 *)(r1 + 0)\n r2 = *(u64 *)(r1 + 8)\n if r2 > 5 goto here\n *(u8 *)(r10 - 1) = 0\n r0 &= 12\n here: if r0 == 0 goto yes\n"
                             "r0 = 100\n exit\n yes: r0 = 200\n exit\n";
    for (const u64 value : {u64{0}, u64{4}})
        for (const u64 other : {u64{0}, u64{5}, u64{6}}) {
            u64 words[] = {value, other};
            CHECK(test::run(text, words, sizeof(words)) == (value == 0 ? 200 : 100));
        }
}

TEST_CASE("jumps over any number of bytes") {
    // Instructions of exactly 10 and 7 bytes, so that distances around 127 are all there.
    for (int tens = 0; tens <= 14; ++tens)
        for (int sevens = 0; sevens <= 14; ++sevens) {
            std::string text = "r0 = 1\n if r1 == 0 goto over\n";
            for (int i = 0; i < tens; ++i) text += "r0 = 0x1122334455667788 ll\n";
            for (int i = 0; i < sevens; ++i) text += "r0 = -2\n";
            text += "r6 = 1\n over: exit\n";
            CAPTURE(tens, sevens);
            CHECK(test::run(text) == 1);
        }
}

TEST_CASE("jumps that only choose a value") {
    constexpr const char* kConditions[] = {"r2 == r3", "r2 > r3", "r2 s< r3", "w2 != 7", "r2 & 1", "r2 s>= 0", "w2 <= w3", "r2 == 0"};
    constexpr const char* kChoices[] = {
        "r0 = r4", "w0 = w4", "r0 = 5", "r0 = 0", "w0 = -1", "r2 = r4", "r2 = r3", "r0 += 1", "w0 += 1", "r0 -= r4", "r0 ^= r0", "r0 &= 12",
        "r2 <<= 3", "w2 >>= 1", "r0 s>>= 2", "r3 = r10", "r0 <<= 0", "r0 *= 3",
        "r0 = r4\n r0 >>= 32", "r0 = r4\n r0 += r2", "w0 = w4\n w0 ^= 255", "r2 = r4\n r2 += r2", "r0 = 7\n r0 += r2", "r0 = r2\n r0 -= r0",
        "r0 = r4\n w0 |= w3", "r0 = r4\n r3 = r4", "r0 = r4\n r0 /= 3", "w0 = w2\n r0 <<= 8"};
    for (const char* condition : kConditions)
        for (const char* choice : kChoices)
            for (const u64 a : {u64{0}, u64{1}, u64{7}, u64{8}, ~u64{0}, u64{7} << 32}) {
                const auto text = [&](const char* in_the_way) {
                    return cat("r3 = *(u64 *)(r1 + 8)\n r4 = *(u64 *)(r1 + 16)\n r2 = *(u64 *)(r1 + 0)\n r0 = 9\n if ", condition,
                               " goto over\n ", choice, "\n", in_the_way, " over:\n r0 += r2\n r0 += r3\n exit\n");
                };
                u64 words[] = {a, 7, 0xfedcba9876543210};
                CAPTURE(condition, choice, hex(a));
                const std::string plain = text(" *(u8 *)(r10 - 1) = 0\n");
                if (std::string_view(choice) == "r3 = r10") continue;  // frames differ from run to run
                CHECK(test::run(text(""), words, sizeof(words)) == test::run(plain, words, sizeof(words)));
            }
}

TEST_CASE("jumps that turn a condition into a number") {
    for (const char* condition : {"r2 == r3", "r2 > 5", "r2 s< r3", "w2 & 1", "r2 == 0", "r0 == 1", "r2 != r0"})
        for (const char* mode : {"r", "w"})
            for (const int taken : {0, 1})
                for (const u64 a : {u64{0}, u64{1}, u64{7}, ~u64{0}}) {
                    const auto text = [&](const char* in_the_way) {
                        return cat("r3 = 7\n r0 = -1\n r2 = *(u64 *)(r1 + 0)\n ", mode, "0 = ", taken, "\n if ", condition, " goto over\n ",
                                   mode, "0 = ", 1 - taken, "\n", in_the_way, " over:\n exit\n");
                    };
                    u64 word = a;
                    CAPTURE(text(""), hex(a));
                    CHECK(test::run(text(""), &word, 8) == test::run(text(" *(u8 *)(r10 - 1) = 0\n"), &word, 8));
                }
}

TEST_CASE("a jump over a goto") {
    const std::string text = "r0 = 0\n r3 = *(u64 *)(r1 + 0)\n loop: r0 += 1\n r3 += -1\n if r3 s<= 0 goto +1\n goto loop\n r0 += 100\n exit\n";
    for (const u64 n : {u64{0}, u64{1}, u64{5}}) {
        u64 word = n;
        CHECK(test::run(text, &word, 8) == 100 + (n == 0 ? 1 : n));
    }
}

TEST_CASE("registers but r1, r2 and r10 start as 0") {
    CHECK(test::run("r0 += r3\n r0 += r4\n r0 += r5\n r0 += r6\n r0 += r7\n r0 += r8\n r0 += r9\n exit\n") == 0);
    CHECK(test::run("if r2 > 5 goto a\n r6 = 1\n a: r0 = r6\n exit\n", nullptr, 6) == 0);
    CHECK(test::run("r0 = r1\n r0 += r2\n exit\n", reinterpret_cast<void*>(40), 2) == 42);
}

u64 sum(u64 a, u64 b, u64 c, u64 d, u64 e) { return a + 10 * b + 100 * c + 1000 * d + 10000 * e; }
u64 aligned(u64, u64, u64, u64, u64) {
    return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) % 16;
}
u64 repeat(u64 count, u64 callback, u64 context, u64, u64) {
    for (u64 i = 0; i < count; ++i)
        if (reinterpret_cast<HelperFn>(callback)(i, context, 0, 0, 0) != 0) return i;
    return count;
}
u64 tail_target(void* ctx, u64 size) { return reinterpret_cast<u64>(ctx) * 1000 + size; }
u64 tail_call(u64, u64, u64 index, u64, u64) { return index == 3 ? reinterpret_cast<u64>(&tail_target) : 0; }

Bindings bindings() {
    Bindings b;
    b.helpers[11] = sum;
    b.helpers[14] = aligned;
    b.helpers[181] = repeat;
    b.helpers[kTailCallHelper] = tail_call;
    return b;
}

u64 run_with_helpers(std::string_view text, void* ctx = nullptr, u64 size = 0) {
    const Program program = test::make(text);
    const u64 r0 = test::jit(program, bindings())->run(ctx, size);
    CHECK(test::Baseline(program, bindings()).run(ctx, size) == r0);
    return r0;
}

TEST_CASE("helpers take r1 to r5 and return r0") {
    CHECK(run_with_helpers("r1 = 1\n r2 = 2\n r3 = 3\n r4 = 4\n r5 = 5\n call 11\n exit\n") == 54321);
    CHECK(run_with_helpers("r6 = 7\n r7 = 8\n r8 = 9\n r9 = 10\n call 14\n r0 = r6\n r0 += r7\n r0 += r8\n r0 += r9\n exit\n") == 34);
}

TEST_CASE("the stack is aligned whatever is saved") {
    for (const char* saved : {"", "r6 = 1\n", "r6 = 1\n r7 = 1\n", "r6 = 1\n r7 = 1\n r8 = 1\n", "*(u64 *)(r10 - 8) = 1\n",
                              "r6 = 1\n *(u64 *)(r10 - 8) = 1\n", "r6 = 1\n may_goto +0\n", "may_goto +0\n", "r6 = 1\n r7 = r10\n may_goto +0\n"}) {
        CAPTURE(saved);
        const u64 reference = run_with_helpers("call 14\n exit\n");
        CHECK(run_with_helpers(cat(saved, "call 14\n exit\n")) == reference);
        CHECK(run_with_helpers(cat("call sub\n exit\n sub:\n", saved, "call 14\n exit\n")) == reference);
        CHECK(run_with_helpers(cat(saved, "r1 = 1\n r2 = 0\n r3 = 0\n call 12\n call 14\n exit\n")) == reference);
    }
}

TEST_CASE("callx looks the helper up") {
    CHECK(run_with_helpers("r1 = 1\n r2 = 2\n r3 = 3\n r4 = 4\n r5 = 5\n r6 = 11\n callx r6\n exit\n") == 54321);
    CHECK(run_with_helpers("r1 = 1\n r2 = 11\n r3 = 0\n r4 = 0\n r5 = 0\n callx r2\n exit\n") == 111);
    for (const char* id : {"0", "13", "212", "100000", "-1"})
        CHECK(run_with_helpers(cat("r6 = ", id, "\n callx r6\n exit\n")) == static_cast<u64>(-EINVAL));
}

TEST_CASE("callbacks are native functions") {
    CHECK(run_with_helpers("*(u64 *)(r10 - 8) = 0\n r1 = 5\n r2 = &body ll\n r3 = r10\n r3 += -8\n r4 = 0\n call 181\n"
                           "r0 = *(u64 *)(r10 - 8)\n exit\n"
                           "body:\n r3 = *(u64 *)(r2 + 0)\n r3 += r1\n *(u64 *)(r2 + 0) = r3\n r0 = 0\n exit\n") == 10);
}

TEST_CASE("a tail call does not come back") {
    CHECK(run_with_helpers("r6 = 1\n *(u64 *)(r10 - 8) = 1\n r3 = 3\n call 12\n r0 = 1\n exit\n", reinterpret_cast<void*>(5), 6) == 5006);
    CHECK(run_with_helpers("r6 = 1\n r3 = 4\n call 12\n r0 += r6\n exit\n", reinterpret_cast<void*>(5), 6) == 1);
}

TEST_CASE("a tail call in a subprogram returns to its caller") {
    CHECK(run_with_helpers("r6 = 7\n r1 = 0\n r2 = 0\n call sub\n r0 += r6\n exit\n"
                           "sub:\n r6 = 100\n r7 = 1\n *(u64 *)(r10 - 8) = 1\n r3 = 3\n call 12\n r0 = 1\n exit\n",
                           reinterpret_cast<void*>(5), 6) == 5013);
}

TEST_CASE("may_goto counts per frame and stays exhausted") {
    CHECK(test::run("r0 = 0\n loop: r0 += 1\n may_goto +1\n goto loop\n exit\n") == kMayGotoLimit + 1);
    CHECK(test::run("r0 = 0\n loop: r0 += 1\n may_goto +1\n goto loop\n may_goto +1\n r0 = 0\n exit\n") == kMayGotoLimit + 1);
    CHECK(test::run("call sub\n r6 = r0\n call sub\n r0 += r6\n exit\n"
                    "sub: r0 = 0\n loop: r0 += 1\n *(u64 *)(r10 - 512) = 1\n may_goto +1\n goto loop\n exit\n") == 2 * (kMayGotoLimit + 1));
}

TEST_CASE("what the runtime lacks is refused") {
    const auto executable = ubpf_jit(test::make("call 14\n exit\n"), {});
    REQUIRE_FALSE(executable.has_value());
    CHECK(executable.error().insn == 0);
    CHECK(executable.error().program == "test");
    CHECK_FALSE(ubpf_emit(test::make("call 14\n exit\n"), {}, Arch::AArch64).has_value());
}

}  // namespace
}  // namespace bpftime
