// Every arithmetic instruction, with every pair of registers, on edge values: the result and all other registers are compared
// with vm/core/semantics.h, natively on the host, with and without what the host has beyond its architecture's baseline.
#include <array>
#include <random>

#include "test/ubpf/programs.h"
#include "vm/core/semantics.h"

namespace bpftime {
namespace {

constexpr std::uint64_t kValues[] = {0,          1,          2,          7,          31,         32,         63,
                                     64,         255,        0x7fff,     0x8000,     0x7fffffff, 0x80000000, 0xffffffff,
                                     0x100000000, 0x123456789abcdef0, 0x7fffffffffffffff, 0x8000000000000000,
                                     0xffffffff80000000, 0xfffffffffffffff9, 0xffffffffffffffff};
constexpr std::int64_t kImmediates[] = {0,    1,     2,      3,      5,      7,         8,          9,          10,        12,
                                        16,   31,    32,     33,     63,     64,        100,        127,        128,       255,
                                        256,  641,   1000,   65535,  65536,  1 << 20,   0x7ffffff0, 0x7fffffff, -1,        -2,
                                        -3,   -7,    -8,     -128,   -129,   -65536,    -0x7fffffff, -0x80000000ll};

using Registers = std::array<std::uint64_t, 10>;

// Loads r0..r9 from the context, runs `body`, stores r0..r9 there and returns r0.
std::vector<Insn> all_registers(const std::vector<Insn>& body) {
    std::vector<Insn> code{{.op = Op::Stx64, .dst = 10, .src = 1, .off = -8}};
    for (int r = 9; r >= 0; --r)
        if (r != 1) code.push_back({.op = Op::Ldx64, .dst = static_cast<std::uint8_t>(r), .src = 1, .off = r * 8});
    code.push_back({.op = Op::Ldx64, .dst = 1, .src = 1, .off = 8});
    code.insert(code.end(), body.begin(), body.end());
    for (std::uint8_t r = 0; r < 10; ++r) code.push_back({.op = Op::Stx64, .dst = 10, .src = r, .off = -16 - 8 * r});
    code.push_back({.op = Op::Ldx64, .dst = 1, .src = 10, .off = -8});
    for (std::uint8_t r = 0; r < 10; ++r) {
        code.push_back({.op = Op::Ldx64, .dst = 2, .src = 10, .off = -16 - 8 * r});
        code.push_back({.op = Op::Stx64, .dst = 1, .src = 2, .off = 8 * r});
    }
    code.push_back({.op = Op::Mov64Imm, .dst = 0, .imm = 0});
    code.push_back({.op = Op::Exit});
    return code;
}

// Loads only dst and src, runs `insn` and returns dst: nothing else is needed afterwards.
std::vector<Insn> result_only(const Insn& insn) {
    std::vector<Insn> code;
    const std::uint8_t first = insn.dst == 1 ? insn.src : insn.dst, second = insn.dst == 1 ? insn.dst : insn.src;
    code.push_back({.op = Op::Ldx64, .dst = first, .src = 1, .off = first * 8});
    if (second != first) code.push_back({.op = Op::Ldx64, .dst = second, .src = 1, .off = second * 8});
    code.push_back(insn);
    if (insn.dst != 0) code.push_back({.op = Op::Mov64Reg, .dst = 0, .src = insn.dst});
    code.push_back({.op = Op::Exit});
    return code;
}

std::uint64_t expected(const Insn& insn, std::uint64_t dst, std::uint64_t src) {
    const OpInfo& row = info(insn.op);
    if (row.family == Family::Endian) return semantics::endian(row.endian(), row.width, dst);
    return semantics::alu(row.alu(), row.width, dst, row.source == Source::Imm ? static_cast<std::uint64_t>(insn.imm) : src);
}

Registers initial(const Insn& insn, std::uint64_t dst, std::uint64_t src) {
    Registers values;
    for (std::size_t r = 0; r < values.size(); ++r) values[r] = 0xa5a5a5a500000000 + r * 0x01010101;
    values[insn.src] = src;
    values[insn.dst] = dst;
    return values;
}

// Returns whether `run` leaves every register as it should.
template <class Code>
bool agrees(const Code& code, const Insn& insn, std::uint64_t dst, std::uint64_t src) {
    Registers values = initial(insn, dst, src), wanted = values;
    wanted[insn.dst] = expected(insn, dst, insn.src == insn.dst ? dst : src);
    code.run(values.data(), sizeof(values));
    return values == wanted;
}
template <class Code>
bool returns(const Code& code, const Insn& insn, std::uint64_t dst, std::uint64_t src) {
    Registers values = initial(insn, dst, src);
    return code.run(values.data(), sizeof(values)) == expected(insn, dst, insn.src == insn.dst ? dst : src);
}

void check(const Insn& insn, std::span<const std::uint64_t> sources) {
    const Program full = test::make(all_registers({insn})), brief = test::make(result_only(insn));
    const auto native = test::jit(full), native_brief = test::jit(brief);
    const test::Baseline baseline(full), baseline_brief(brief);
    for (const std::uint64_t dst : kValues) {
        for (const std::uint64_t src : sources) {
            const bool ok = agrees(*native, insn, dst, src) && agrees(baseline, insn, dst, src) &&
                            returns(*native_brief, insn, dst, src) && returns(baseline_brief, insn, dst, src);
            if (ok) continue;
            CAPTURE(disassemble(insn, 0, Syntax::Llvm), info(insn.op).name, hex(dst), hex(src));
            FAIL_CHECK("wrong result");
            return;
        }
    }
}

bool is_tested(const OpInfo& row) { return row.family == Family::Alu && row.alu() != AluOp::AddrSpaceCast; }

TEST_CASE("arithmetic on every pair of registers") {
    for (std::size_t op = 0; op < kOpCount; ++op) {
        const OpInfo& row = kOpTable[op];
        if (!is_tested(row) || row.source == Source::Imm) continue;
        for (std::uint8_t dst = 0; dst < 10; ++dst)
            for (std::uint8_t src = 0; src < 10; ++src) {
                if (row.source == Source::None && src != 0) continue;
                check({.op = static_cast<Op>(op), .dst = dst, .src = src}, kValues);
            }
    }
}

TEST_CASE("arithmetic with immediates on every register") {
    constexpr std::uint64_t kNoSource[] = {0};
    for (std::size_t op = 0; op < kOpCount; ++op) {
        if (!is_tested(kOpTable[op]) || kOpTable[op].source != Source::Imm) continue;
        for (std::uint8_t dst = 0; dst < 10; ++dst)
            for (const std::int64_t imm : kImmediates) check({.op = static_cast<Op>(op), .dst = dst, .src = dst, .imm = imm}, kNoSource);
    }
}

TEST_CASE("byte order on every register") {
    constexpr std::uint64_t kNoSource[] = {0};
    for (std::size_t op = 0; op < kOpCount; ++op)
        if (kOpTable[op].family == Family::Endian)
            for (std::uint8_t dst = 0; dst < 10; ++dst) check({.op = static_cast<Op>(op), .dst = dst, .src = dst}, kNoSource);
}

// Two instructions on the same register, the first of which tells something about the second's operand.
TEST_CASE("pairs that may be fused or simplified") {
    constexpr Insn kFirst[] = {{.op = Op::Mov64Reg, .dst = 3, .src = 4}, {.op = Op::Mov32Reg, .dst = 3, .src = 4},
                               {.op = Op::And64Imm, .dst = 3, .imm = 255}, {.op = Op::And32Imm, .dst = 3, .imm = 0x7fff},
                               {.op = Op::Lsh64Imm, .dst = 3, .imm = 32}, {.op = Op::Lsh64Imm, .dst = 3, .imm = 3},
                               {.op = Op::Lsh64Imm, .dst = 3, .imm = 48}, {.op = Op::Lsh64Imm, .dst = 3, .imm = 56},
                               {.op = Op::Rsh64Imm, .dst = 3, .imm = 40}, {.op = Op::Add64Imm, .dst = 3, .imm = 100},
                               {.op = Op::Add64Reg, .dst = 3, .src = 4}, {.op = Op::Sub64Imm, .dst = 3, .imm = -0x80000000ll},
                               {.op = Op::Add32Reg, .dst = 3, .src = 4}, {.op = Op::MovSx8To32, .dst = 3, .src = 4}};
    constexpr std::int64_t kSecondImmediates[] = {0, 1, 3, 8, 10, 32, 48, 56, 255, 65535, 0x7fffffff, -1, -128};
    for (const Insn& first : kFirst) {
        for (std::size_t op = 0; op < kOpCount; ++op) {
            const OpInfo& row = kOpTable[op];
            if (!is_tested(row) && row.family != Family::Endian) continue;
            for (const std::int64_t imm : kSecondImmediates) {
                const Insn second{.op = static_cast<Op>(op), .dst = 3, .src = static_cast<std::uint8_t>(imm & 1 ? 4 : 5), .imm = imm};
                const auto native = test::jit(test::make(all_registers({first, second})));
                for (const std::uint64_t a : kValues)
                    for (const std::uint64_t b : {kValues[5], kValues[11], kValues[15], kValues[20]}) {
                        Registers values = initial(first, a, b), wanted = values;
                        wanted[3] = expected(first, wanted[3], wanted[first.src]);
                        wanted[3] = expected(second, wanted[3], wanted[second.src]);
                        native->run(values.data(), sizeof(values));
                        if (values == wanted) continue;
                        CAPTURE(info(first.op).name, row.name, imm, hex(a), hex(b));
                        FAIL("wrong result");
                    }
            }
        }
    }
}

// What is known of registers adds up over many instructions.
TEST_CASE("random straight lines") {
    std::mt19937_64 random(1);
    std::vector<Op> ops;
    for (std::size_t op = 0; op < kOpCount; ++op)
        if (is_tested(kOpTable[op]) || kOpTable[op].family == Family::Endian) ops.push_back(static_cast<Op>(op));
    for (int round = 0; round < 20000; ++round) {
        std::vector<Insn> body;
        const std::uint64_t a = kValues[random() % std::size(kValues)], b = kValues[random() % std::size(kValues)];
        Registers values = initial({.dst = 3, .src = 4}, a, b), wanted = values;
        for (std::uint64_t n = 3 + random() % 6; n-- > 0;) {
            // Masks and zero-extensions often, as they are what knowledge comes from and what it removes.
            constexpr Op kNarrowing[] = {Op::And64Imm, Op::And32Imm, Op::Rsh64Imm, Op::Mov32Reg, Op::Add64Reg, Op::Mul64Imm, Op::Lsh64Imm, Op::Or64Reg};
            const Op op = random() % 2 != 0 ? kNarrowing[random() % std::size(kNarrowing)] : ops[random() % ops.size()];
            const Insn insn{.op = op, .dst = static_cast<std::uint8_t>(3 + random() % 3), .src = static_cast<std::uint8_t>(3 + random() % 3),
                            .imm = kImmediates[random() % std::size(kImmediates)]};
            wanted[insn.dst] = expected(insn, wanted[insn.dst], wanted[insn.src]);
            body.push_back(insn);
        }
        const Program program = test::make(all_registers(body));
        test::jit(program)->run(values.data(), sizeof(values));
        if (values == wanted) continue;
        CAPTURE(disassemble(program, Syntax::Llvm), hex(a), hex(b));
        FAIL("wrong result");
    }
}

TEST_CASE("rotation by two shifts") {
    const std::uint64_t x = 0x8123456789abcdef;
    const auto run = [&](const char* text) {
        std::uint64_t word = x;
        return test::run(cat("r4 = *(u64 *)(r1 + 0)\n", text, "exit\n"), &word, 8);
    };
    const auto low = static_cast<std::uint32_t>(x);
    CHECK(run("r5 = r4\n r5 >>= 33\n r4 <<= 31\n r4 |= r5\n r0 = r4\n") == std::rotl(x, 31));
    CHECK(run("r5 = r4\n r5 <<= 7\n r4 >>= 57\n r4 |= r5\n r0 = r4\n") == std::rotl(x, 7));
    CHECK(run("w5 = w4\n w5 >>= 31\n w4 <<= 1\n w4 |= w5\n r0 = r4\n") == std::rotl(low, 1));
    CHECK(run("w5 = w4\n w5 <<= 20\n w4 >>= 12\n w4 |= w5\n r0 = r4\n") == std::rotl(low, 20));
    CHECK(run("r5 = r4\n r5 >>= 33\n r4 <<= 30\n r4 |= r5\n r0 = r4\n") == (x << 30 | x >> 33));
    CHECK(run("r5 = r4\n r5 >>= 33\n r4 <<= 31\n r4 |= r5\n r0 = r4\n r0 ^= r5\n") == (std::rotl(x, 31) ^ x >> 33));
    CHECK(run("r5 = r4\n r5 s>>= 33\n r4 <<= 31\n r4 |= r5\n r0 = r4\n") == (x << 31 | static_cast<std::uint64_t>(static_cast<std::int64_t>(x) >> 33)));
    CHECK(run("r5 = r4\n r5 >>= 33\n r5 <<= 31\n r4 |= r5\n r0 = r4\n") == (x | x >> 33 << 31));
}

}  // namespace
}  // namespace bpftime
