// Programs of the greatest size, for both architectures.
#include "test/ubpf/programs.h"

namespace bpftime {
namespace {

// The sum of what each of `count` slots adds to r0, with a jump over nothing now and then.
std::vector<Insn> long_program(std::size_t count) {
    std::vector<Insn> code{{.op = Op::Mov64Imm, .dst = 0, .imm = 0}};
    while (code.size() + 1 < count) {
        const bool jumps = code.size() % 10 == 0;
        code.push_back(jumps ? Insn{.op = Op::JEq64Imm, .dst = 0, .off = 1, .imm = -1} : Insn{.op = Op::Xor64Reg, .dst = 3, .src = 0});
        if (!jumps && code.size() % 3 == 0) code.back() = {.op = Op::Add64Imm, .dst = 0, .imm = 1};
    }
    code.back() = {.op = Op::Mov64Reg, .dst = 4, .src = 3};
    code.push_back({.op = Op::Exit});
    return code;
}

TEST_CASE("a million instructions") {
    const Program program = test::make(long_program(kMaxInsns));
    REQUIRE(program.insns.size() == kMaxInsns);
    std::uint64_t wanted = 0;
    for (const Insn& i : program.insns) wanted += i.op == Op::Add64Imm;
    const auto executable = test::jit(program);
    CHECK(executable->run(nullptr, 0) == wanted);
    CHECK(executable->code_size() < 16u * kMaxInsns);

    const auto arm = ubpf_emit(program, {}, Arch::AArch64);
    REQUIRE(arm.has_value());
    CHECK(arm->size() % 4 == 0);
    const auto other = ubpf_emit(program, {}, Arch::X86_64);
    REQUIRE(other.has_value());
}

TEST_CASE("jumps across a whole large program") {
    std::vector<Insn> code{{.op = Op::Mov64Imm, .dst = 0, .imm = 5}, {.op = Op::JEq64Imm, .dst = 0, .off = 400'000, .imm = 5}};
    while (code.size() < 400'002) code.push_back({.op = Op::Mov64Imm, .dst = 0, .imm = 1});
    code.push_back({.op = Op::Add64Imm, .dst = 0, .imm = 1});
    const auto back = static_cast<std::int32_t>(code.size());
    code.push_back({.op = Op::JEq64Imm, .dst = 0, .off = -back, .imm = 6});  // to slot 1, with r0 = 6 the first time
    code.push_back({.op = Op::Exit});
    CHECK(test::jit(test::make(code))->run(nullptr, 0) == 2);
}

}  // namespace
}  // namespace bpftime
