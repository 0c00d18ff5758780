#include "test/conformance/world.h"

#include <chrono>
#include <cstring>

#include "vm/core/decode.h"

namespace bpftime::test {

namespace {

using u64 = std::uint64_t;

u64 ktime(u64, u64, u64, u64, u64) {
    return static_cast<u64>(std::chrono::steady_clock::now().time_since_epoch().count()) | 1;
}
u64 weighted_sum(u64 a, u64 b, u64 c, u64 d, u64 e) { return a + 2 * b + 4 * c + 8 * d + 16 * e; }

u64 tail_target(void*, u64 size) { return 0x7a11 + size; }
u64 tail_call(u64, u64, u64 index, u64, u64) { return index == 0 ? reinterpret_cast<u64>(&tail_target) : 0; }

u64 loop(u64 count, u64 callback, u64 context, u64, u64) {
    for (u64 i = 0; i < count; ++i)
        if (reinterpret_cast<HelperFn>(callback)(i, context, 0, 0, 0) != 0) return i + 1;
    return count;
}

}  // namespace

u64 World::lookup(u64 map, u64 key, u64, u64, u64) {
    auto* self = reinterpret_cast<Map*>(map);
    std::uint32_t index = 0;
    std::memcpy(&index, reinterpret_cast<const void*>(key), sizeof(index));
    if (index >= self->spec.max_entries) return 0;
    return reinterpret_cast<u64>(self->values.data()) + u64{index} * self->spec.value_size;
}

World::World(const Case& one) : memory(one.memory), variables_(one.variables) {
    bindings.helpers[1] = lookup;
    bindings.helpers[5] = ktime;
    bindings.helpers[11] = weighted_sum;
    bindings.helpers[kTailCallHelper] = tail_call;
    bindings.helpers[181] = loop;
    for (const CaseMap& map : one.maps) {
        auto& copy = *maps_.emplace_back(std::make_unique<Map>(Map{map.spec, map.values}));
        bindings.maps.push_back({.spec = map.spec,
                                 .handle = reinterpret_cast<u64>(&copy),
                                 .values = reinterpret_cast<u64>(copy.values.data()),
                                 .stride = map.spec.value_size});
    }
    for (const auto& variable : variables_) bindings.variables.push_back(reinterpret_cast<u64>(variable.data()));
}

Result<Program> program_of(const Case& one) {
    Program program;
    program.name = one.name;
    program.insns = BPFTIME_TRY(decode(std::span<const std::uint8_t>(one.bytecode)));
    program.subprograms = BPFTIME_TRY(validate(program.insns, one.maps.size()));
    for (std::size_t i = 0; i < one.maps.size(); ++i) {
        program.maps.push_back(one.maps[i].spec);
        program.maps.back().number = static_cast<std::uint32_t>(i);
    }
    return program;
}

}  // namespace bpftime::test
