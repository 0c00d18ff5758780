#include "test/aarch64/runner/compare.h"

#include "test/fuzz/generator.h"
#include "vm/core/decode.h"
#include "vm/interpreter/interpreter.h"
#include "vm/ubpf-jit/ubpf_jit.h"

namespace bpftime::test {

namespace {

using u64 = std::uint64_t;

u64 weighted_sum(u64 a, u64 b, u64 c, u64 d, u64 e) { return (a ^ (b << 1)) + 3 * c + 5 * d + 7 * e; }

struct Outcome {
    u64 r0 = 0;
    std::vector<std::uint8_t> memory;
    bool operator==(const Outcome&) const = default;
};

Outcome run(const Executable& executable, std::vector<std::uint8_t> memory) {
    const u64 r0 = executable.run(memory.data(), memory.size());
    return {r0, std::move(memory)};
}

Result<bool> agree(u64 seed, const Bindings& bindings) {
    Generated generated = generate(seed);
    Program program;
    program.subprograms = BPFTIME_TRY(validate(generated.insns, 0));
    program.insns = std::move(generated.insns);
    const auto interpreted = BPFTIME_TRY(interpret(program, bindings));
    const auto native = BPFTIME_TRY(ubpf_jit(program, bindings));
    return run(*interpreted, generated.memory) == run(*native, generated.memory);
}

}  // namespace

std::string compare_engines(u64 seed, u64 count) {
    Bindings bindings;
    bindings.helpers[kSumHelper] = weighted_sum;
    for (u64 i = 0; i < count; ++i) {
        const auto same = agree(seed + i, bindings);
        if (!same) return cat("error seed ", seed + i, ": ", to_string(same.error()));
        if (!*same) return cat("error seed ", seed + i, ": the engines disagree");
    }
    return cat("agreed ", count);
}

}  // namespace bpftime::test
