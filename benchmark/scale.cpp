#include "benchmark/scale.h"

#include <algorithm>
#include <array>
#include <functional>
#include <random>

#include "benchmark/timing.h"
#include "vm/core/decode.h"
#include "vm/interpreter/interpreter.h"
#include "vm/linker/linker.h"
#include "vm/llvm-jit/compiler.h"
#include "vm/ubpf-jit/ubpf_jit.h"

namespace bpftime::benchmark {

namespace {

// Arithmetic on r0 to r5; every `spacing` instructions a branch over some of those that follow.
Result<Program> synthetic(std::size_t instructions, std::size_t spacing) {
    static constexpr Op kOps[] = {Op::Add64Reg, Op::Xor64Reg, Op::Sub64Imm, Op::Mul64Imm, Op::Add32Imm,
                                  Op::Rsh64Imm, Op::Or64Reg,  Op::Lsh64Imm, Op::Mov64Reg};
    static constexpr Op kJumps[] = {Op::JGt64Imm, Op::JSet64Imm, Op::JNe64Reg, Op::JSLt32Imm, Op::JLe64Reg};
    std::mt19937 random(7);
    Program program;
    program.name = "synthetic";
    auto& insns = program.insns;
    insns.push_back({.op = Op::Mov64Reg, .dst = 6, .src = 1});
    for (std::uint8_t r = 0; r < 6; ++r) insns.push_back({.op = Op::Ldx64, .dst = r, .src = 6, .off = r * 8});
    while (insns.size() + 1 < instructions) {
        const std::size_t left = instructions - 1 - insns.size();
        const auto reg = [&] { return static_cast<std::uint8_t>(random() % 6); };
        Insn insn{.op = kOps[random() % std::size(kOps)], .dst = reg()};
        if (insns.size() % spacing == 0 && left > 1) {
            insn.op = kJumps[random() % std::size(kJumps)];
            insn.off = static_cast<std::int32_t>(1 + random() % std::min<std::size_t>(left - 1, 12));
        }
        const OpInfo& row = info(insn.op);
        if (row.source == Source::Reg) insn.src = reg();
        else insn.imm = row.family == Family::Alu && (insn.op == Op::Rsh64Imm || insn.op == Op::Lsh64Imm)
                            ? static_cast<std::int64_t>(1 + random() % 7)
                            : static_cast<std::int32_t>(random() >> 8);
        insns.push_back(insn);
    }
    insns.push_back({.op = Op::Exit});
    program.subprograms = BPFTIME_TRY(validate(insns, 0));
    return program;
}

using Make = std::function<Result<std::unique_ptr<Executable>>(const Program&)>;

struct Kind {
    const char* name;
    Make make;
    int repeats;
};

std::uint64_t run(const Executable& code) {
    std::array<std::uint64_t, 6> memory = {1, 22, 333, 4444, 55555, 666666};
    return code.run(memory.data(), sizeof memory);
}

// A point that takes so long is measured once, and larger programs are not tried.
constexpr double kLongMs = 5000;

bool took_too_long(const std::vector<ScalePoint>& points, std::string_view engine) {
    return std::ranges::any_of(points, [&](const ScalePoint& p) { return p.engine == engine && p.ms >= kLongMs; });
}

Result<std::unique_ptr<Executable>> aot(const Program& program) {
    const SealedObject object = BPFTIME_TRY(compile_object(program, {}));
    return link_object(object.bytes, {});
}

// Appends a point for each kind; the first kind's result is what the others must give.
Status measure_size(std::size_t instructions, std::size_t spacing, const std::vector<Kind>& kinds,
                    std::vector<ScalePoint>& points, const std::function<void(const std::string&)>& progress) {
    const Program program = BPFTIME_TRY(synthetic(instructions, spacing));
    const auto reference = BPFTIME_TRY(interpret(program, {}));
    const std::uint64_t expected = run(*reference);
    for (const Kind& kind : kinds) {
        if (took_too_long(points, kind.name)) continue;
        progress(cat(kind.name, ", ", instructions, " instructions"));
        const double begin = cpu_ns();
        auto code = kind.make(program);
        double ms = (cpu_ns() - begin) / 1e6;
        if (!code) return fail(failure(kind.name, ", ", instructions, " instructions: ", to_string(code.error())));
        if (const std::uint64_t r0 = run(**code); r0 != expected)
            return fail(failure(kind.name, ", ", instructions, " instructions: r0 ", hex(r0), " instead of ",
                                hex(expected)));
        if (ms < kLongMs) ms = median_us(kind.repeats, cpu_ns, [&] { code = kind.make(program); }) / 1000;
        points.push_back({kind.name, instructions, ms, (*code)->code_size()});
    }
    return {};
}

}  // namespace

Result<std::vector<ScalePoint>> measure_scale(const std::function<void(const std::string&)>& progress) {
    const std::vector<Kind> simple = {
        {"interpreter", [](const Program& program) { return interpret(program, {}); }, 5},
        {"ubpf", [](const Program& program) { return ubpf_jit(program, {}); }, 5},
    };
    const std::vector<Kind> llvm = {
        {"aot", aot, 3},
        {"llvm jit", [](const Program& program) { return llvm_jit(program, {}); }, 3},
    };
    std::vector<ScalePoint> points;
    for (const std::size_t size : {10'000, 100'000, 1'000'000})
        BPFTIME_CHECK(measure_size(size, 10, simple, points, progress));
    if (!load_compiler()) return points;
    for (const std::size_t size : {1'000, 10'000, 30'000})
        BPFTIME_CHECK(measure_size(size, 5, llvm, points, progress));
    return points;
}

}  // namespace bpftime::benchmark
