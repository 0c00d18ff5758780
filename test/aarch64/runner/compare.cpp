#include "test/aarch64/runner/compare.h"

#include "test/fuzz/generator.h"
#include "vm/core/decode.h"
#include "vm/interpreter/interpreter.h"
#include "vm/ubpf-jit/ubpf_jit.h"

namespace bpftime::test {

namespace {

using u64 = std::uint64_t;

u64 weighted_sum(u64 a, u64 b, u64 c, u64 d, u64 e) { return (a ^ (b << 1)) + 3 * c + 5 * d + 7 * e; }

// What a run leaves behind: its result, the context's memory and the map's value.
struct Outcome {
    u64 r0 = 0;
    std::vector<std::uint8_t> memory, value;
    bool operator==(const Outcome&) const = default;
};

MapSpec map_spec() {
    MapSpec spec;
    spec.name = "value";
    spec.type = 2;  // array
    spec.key_size = 4;
    spec.value_size = kMapValueSize;
    spec.max_entries = 1;
    return spec;
}

// The map's handle is the address of its only value.
u64 lookup(u64 map, u64 key, u64, u64, u64) { return *reinterpret_cast<const std::uint32_t*>(key) == 0 ? map : 0; }

using Load = Result<std::unique_ptr<Executable>> (*)(const Program&, const Bindings&);

Result<Outcome> run(Load load, const Program& program, const Generated& generated) {
    Outcome outcome{.memory = generated.memory, .value = generated.value};
    Bindings bindings;
    bindings.helpers[kLookupHelper] = lookup;
    bindings.helpers[kSumHelper] = weighted_sum;
    const u64 value = reinterpret_cast<u64>(outcome.value.data());
    if (!outcome.value.empty()) bindings.maps.push_back({.spec = map_spec(), .handle = value, .values = value, .stride = kMapValueSize});
    const auto executable = BPFTIME_TRY(load(program, bindings));
    outcome.r0 = executable->run(outcome.memory.data(), outcome.memory.size());
    return outcome;
}

Result<bool> agree(u64 seed) {
    const Generated generated = generate(seed);
    Program program;
    program.insns = generated.insns;
    if (!generated.value.empty()) program.maps.push_back(map_spec());
    program.subprograms = BPFTIME_TRY(validate(program.insns, program.maps.size()));
    return BPFTIME_TRY(run(interpret, program, generated)) == BPFTIME_TRY(run(ubpf_jit, program, generated));
}

}  // namespace

std::string compare_engines(u64 seed, u64 count) {
    for (u64 i = 0; i < count; ++i) {
        const auto same = agree(seed + i);
        if (!same) return cat("error seed ", seed + i, ": ", to_string(same.error()));
        if (!*same) return cat("error seed ", seed + i, ": the engines disagree");
    }
    return cat("agreed ", count);
}

}  // namespace bpftime::test
