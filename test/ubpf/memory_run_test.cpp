// Loads, stores and atomics of every width on every pair of registers, at any alignment, and the address arithmetic before them.
#include <array>

#include "test/ubpf/programs.h"
#include "vm/core/semantics.h"

namespace bpftime {
namespace {

using Memory = std::array<std::uint8_t, 64>;

Memory pattern() {
    Memory memory;
    for (std::size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<std::uint8_t>(0x81 + i * 37);
    return memory;
}
std::uint64_t address_in(Memory& memory) { return reinterpret_cast<std::uint64_t>(memory.data()) + 24; }

constexpr std::int32_t kOffsets[] = {0, 1, -7, 8, -24, 16};

// r<dst> = middle of the memory, r<src> = value, `insn`, then r0 = the register wanted.
std::vector<Insn> access(std::uint8_t address, std::uint8_t value, const Insn& insn, std::uint8_t wanted) {
    std::vector<Insn> code{{.op = Op::Mov64Reg, .dst = 10 == address ? std::uint8_t{9} : address, .src = 1}};
    if (address == 1) code.clear();
    if (value != address) {
        code.push_back({.op = Op::LddwImm, .dst = value, .imm = 0x1122334455667788});
        code.push_back({.op = Op::LddwHigh});
    }
    code.push_back({.op = Op::Add64Imm, .dst = address, .imm = 24});
    code.push_back(insn);
    if (wanted != 0) code.push_back({.op = Op::Mov64Reg, .dst = 0, .src = wanted});
    code.push_back({.op = Op::Exit});
    return code;
}

struct State {
    Memory memory = pattern();
    std::uint64_t r0 = 0;
    bool operator==(const State&) const = default;
};

TEST_CASE("loads of every width, offset and pair of registers") {
    for (std::size_t op = 0; op < kOpCount; ++op) {
        const OpInfo& row = kOpTable[op];
        if (row.family != Family::Load) continue;
        for (std::uint8_t dst = 0; dst < 10; ++dst)
            for (std::uint8_t src = 0; src < 10; ++src)
                for (const std::int32_t off : kOffsets) {
                    const Program program = test::make(access(src, src, {.op = static_cast<Op>(op), .dst = dst, .src = src, .off = off}, dst));
                    Memory memory = pattern();
                    const std::uint64_t wanted =
                        semantics::load(row.extension(), row.width, address_in(memory) + static_cast<std::uint64_t>(std::int64_t{off}));
                    CAPTURE(row.name, int{dst}, int{src}, off);
                    REQUIRE(test::jit(program)->run(memory.data(), memory.size()) == wanted);
                }
    }
}

TEST_CASE("stores of every width, offset and pair of registers") {
    for (std::size_t op = 0; op < kOpCount; ++op) {
        const OpInfo& row = kOpTable[op];
        if (row.family != Family::Store) continue;
        for (std::uint8_t dst = 0; dst < 10; ++dst)
            for (std::uint8_t src = 0; src < 10; ++src)
                for (const std::int32_t off : kOffsets) {
                    if (row.source == Source::Imm && src > 1) continue;
                    const std::int64_t imm = src == 0 ? 0x12345678 : -2;
                    const std::uint8_t value = row.source == Source::Imm ? dst : src;
                    const Insn insn{.op = static_cast<Op>(op), .dst = dst, .src = value, .off = off, .imm = imm};
                    Memory memory = pattern(), wanted = pattern();
                    const std::uint64_t stored = row.source == Source::Imm ? static_cast<std::uint64_t>(imm)
                                                 : src == dst            ? address_in(memory)
                                                                         : 0x1122334455667788;
                    semantics::store(row.width, address_in(wanted) + static_cast<std::uint64_t>(std::int64_t{off}), stored);
                    test::jit(test::make(access(dst, value, insn, dst)))->run(memory.data(), memory.size());
                    CAPTURE(row.name, int{dst}, int{src}, off);
                    REQUIRE(memory == wanted);
                }
    }
}

TEST_CASE("atomics of every width on every pair of registers") {
    for (std::size_t op = 0; op < kOpCount; ++op) {
        const OpInfo& row = kOpTable[op];
        if (row.family != Family::Atomic) continue;
        for (std::uint8_t dst = 0; dst < 10; ++dst)
            for (std::uint8_t src = 0; src < 10; ++src)
                for (const std::int32_t off : {0, 8, -16}) {
                    const bool loads = row.atomic() == AtomicOp::LoadAcquire;
                    const std::uint8_t address = loads ? src : dst, value = loads ? dst : src;
                    for (const std::uint8_t wanted : {std::uint8_t{0}, dst, src}) {
                        const Insn insn{.op = static_cast<Op>(op), .dst = dst, .src = src, .off = off};
                        alignas(8) Memory memory = pattern(), expected = pattern();
                        std::uint64_t r[10] = {};
                        if (value != address) r[value] = 0x1122334455667788;
                        r[address] = address_in(expected);
                        // Where r0 or a register that is read back holds the address, let both runs see one memory.
                        const std::uint64_t real = address_in(memory);
                        semantics::atomic(row.atomic(), row.width, r[address] + static_cast<std::uint64_t>(std::int64_t{off}), r[dst], r[src], r[0]);
                        const std::uint64_t got = test::jit(test::make(access(address, value, insn, wanted)))->run(memory.data(), memory.size());
                        CAPTURE(row.name, int{dst}, int{src}, off, int{wanted});
                        if (value == address || (address == 0 && row.atomic() == AtomicOp::CmpXchg)) {
                            if (wanted == address && r[wanted] == address_in(expected)) REQUIRE(got == real);
                            continue;  // the values are addresses, which differ
                        }
                        REQUIRE(memory == expected);
                        REQUIRE(got == (r[wanted] == address_in(expected) ? real : r[wanted]));
                    }
                }
    }
}

TEST_CASE("a 32-bit compare and exchange clears the upper half of r0 whether it succeeds or not") {
    for (const std::uint64_t expected : {std::uint64_t{0xffffffff00000005}, std::uint64_t{0xffffffff00000006}}) {
        std::uint64_t words[] = {5, expected};
        const Program program = test::make({{.op = Op::Ldx64, .dst = 0, .src = 1, .off = 8},
                                            {.op = Op::Mov64Imm, .dst = 3, .imm = 77},
                                            {.op = Op::AtomicCmpXchg32, .dst = 1, .src = 3},
                                            {.op = Op::Exit}});
        CHECK(test::jit(program)->run(words, sizeof(words)) == 5);
        CHECK(words[0] == (static_cast<std::uint32_t>(expected) == 5 ? 77u : 5u));
    }
}

// Each computes an address in one or more steps; the register that holds it is needed afterwards, or not.
TEST_CASE("addresses built by moves, additions and shifts") {
    constexpr const char* kSteps[] = {
        "r4 = r1\n r4 += 3\n", "r4 = r1\n r4 += r2\n", "r4 = r1\n r4 += r2\n r4 += 2\n", "r4 = r2\n r4 <<= 2\n r4 += r1\n",
        "r4 = r2\n r4 <<= 3\n r4 += r1\n r4 += -4\n", "r4 = r1\n r4 -= -5\n", "r4 = r1\n r4 += r2\n r4 += r2\n",
        "r4 = r1\n r4 += r2\n r4 -= r2\n", "r4 = r2\n r4 <<= 4\n r4 >>= 2\n r4 += r1\n", "r4 = r1\n", "r4 = r2\n r4 += r4\n r4 += r1\n",
    };
    constexpr std::int64_t kAway[] = {3, 2, 4, 8, 12, 5, 4, 0, 8, 0, 4};  // with r2 = 2
    constexpr const char* kUses[] = {"r4 = *(u8 *)(r4 + 1)\n r0 = r4\n", "r0 = *(u8 *)(r4 + 1)\n", "r0 = *(u8 *)(r4 + 1)\n r5 = r4\n r5 -= r1\n r0 += r5\n",
                                     "r0 = r4\n r0 -= r1\n", "*(u8 *)(r4 + 1) = 77\n r0 = 0\n", "*(u8 *)(r4 + 1) = r4\n r0 = 0\n",
                                     "r3 = 9\n *(u8 *)(r4 + 1) = r3\n r0 = r4\n r0 -= r1\n"};
    for (std::size_t i = 0; i < std::size(kSteps); ++i)
        for (std::size_t use = 0; use < std::size(kUses); ++use) {
            Memory memory = pattern(), wanted = pattern();
            const auto at = static_cast<std::size_t>(kAway[i] + 1);
            const auto away = static_cast<std::uint64_t>(kAway[i]);
            const std::uint64_t results[] = {wanted[at], wanted[at], wanted[at] + away, away, 0, 0, away};
            if (use == 4) wanted[at] = 77;
            if (use == 5) wanted[at] = static_cast<std::uint8_t>(reinterpret_cast<std::uint64_t>(memory.data()) + away);
            if (use == 6) wanted[at] = 9;
            const std::string text = cat("r2 = 2\n if r2 != 2 goto out\n", kSteps[i], kUses[use], "out:\n exit\n");
            CAPTURE(text);
            CHECK(test::run(text, memory.data(), memory.size()) == results[use]);
            CHECK(memory == wanted);
        }
}

TEST_CASE("one address, several accesses") {
    for (const char* built : {"r4 = r1\n r4 += r2\n", "r4 = r2\n r4 <<= 2\n r4 += r1\n", "r4 = r1\n r4 += 100\n r4 += -92\n", "r4 = r1\n r4 += 8\n"})
        for (const char* uses : {"r3 = *(u8 *)(r4 + 1)\n *(u8 *)(r4 + 9) = r3\n r0 = r3\n", "r1 = *(u8 *)(r4 + 1)\n r0 = *(u8 *)(r4 + 2)\n r0 += r1\n",
                                 "r2 = *(u8 *)(r4 + 1)\n r0 = *(u8 *)(r4 + 2)\n r0 += r2\n", "r3 = *(u8 *)(r4 + 1)\n r4 = *(u8 *)(r4 + 2)\n r0 = r3\n r0 -= r4\n",
                                 "*(u16 *)(r4 + 1) = 513\n *(u8 *)(r4 + 4) = 3\n r3 = *(u32 *)(r4 + 1)\n r4 = *(u64 *)(r4 + 3)\n r0 = r3\n r0 ^= r4\n",
                                 "r3 = *(u8 *)(r4 + 1)\n r0 = *(u8 *)(r4 + 2)\n r4 -= r1\n r0 += r4\n"}) {
            const auto text = [&](const char* in_the_way) { return cat("r2 = 2\n if r2 != 2 goto out\n", built, in_the_way, uses, "out:\n exit\n"); };
            Memory folded = pattern(), plain = pattern();
            CAPTURE(text(""));
            CHECK(test::run(text(""), folded.data(), folded.size()) ==
                  test::run(text("if r1 == 0 goto here\n here: r5 = r4\n r4 = r5\n if r4 == 0 goto +0\n"), plain.data(), plain.size()));
            CHECK(folded == plain);
        }
}

TEST_CASE("an index scaled in a register of its own") {
    for (const char* index : {"r3 = r2\n r3 <<= 2\n", "r3 = r2\n r3 <<= 3\n", "r3 = 2\n r3 <<= 1\n", "r3 = r2\n r3 <<= 4\n"})
        for (const char* sum : {"r4 = r1\n r4 += r3\n", "r2 = r1\n r2 += r3\n r4 = r2\n", "r4 = r1\n r4 += r3\n r4 += 3\n"})
            for (const char* use : {"r0 = *(u8 *)(r4 + 1)\n", "r0 = *(u8 *)(r4 + 1)\n r0 += r3\n", "r3 = *(u8 *)(r4 + 1)\n r0 = r3\n", "r0 = r4\n r0 -= r1\n",
                                    "r0 = r4\n r0 -= r1\n r0 += r3\n", "r0 = *(u8 *)(r4 + 1)\n r0 += r2\n r0 -= r1\n"}) {
                const auto text = [&](const char* in_the_way) { return cat("r2 = 2\n if r2 != 2 goto out\n", index, in_the_way, sum, use, "out:\n exit\n"); };
                Memory memory = pattern();
                CAPTURE(text(""));
                CHECK(test::run(text(""), memory.data(), memory.size()) == test::run(text("if r1 == 0 goto +0\n"), memory.data(), memory.size()));
            }
}

TEST_CASE("a loaded operand is used at once or kept") {
    std::uint64_t words[] = {0xfffffffffffffff0, 0x1234567800000003};
    const auto at = [&](const char* body) { return test::run(cat("r0 = 100\n", body, "exit\n"), words, sizeof(words)); };
    CHECK(at("r2 = *(u64 *)(r1 + 0)\n r0 += r2\n") == 84);
    CHECK(at("r2 = *(u64 *)(r1 + 0)\n r0 -= r2\n") == 116);
    CHECK(at("r2 = *(u32 *)(r1 + 8)\n w0 *= w2\n") == 300);
    CHECK(at("r2 = *(u64 *)(r1 + 8)\n w0 |= w2\n") == 103);
    CHECK(at("r2 = *(u64 *)(r1 + 0)\n r0 += r2\n r0 += r2\n") == 68);
    CHECK(at("r2 = *(u32 *)(r1 + 0)\n r0 += r2\n") == 100 + 0xfffffff0ull);
    CHECK(at("r1 = *(u64 *)(r1 + 8)\n r0 ^= r1\n") == (100 ^ words[1]));
}

TEST_CASE("the whole frame can be used") {
    CHECK(test::run("*(u64 *)(r10 - 512) = 5\n *(u64 *)(r10 - 8) = 6\n *(u8 *)(r10 - 257) = 7\n r0 = *(u64 *)(r10 - 512)\n"
                    "r1 = *(u64 *)(r10 - 8)\n r0 += r1\n r1 = *(u8 *)(r10 - 257)\n r0 += r1\n exit\n") == 18);
}

}  // namespace
}  // namespace bpftime
