// What programs reach through the ids in a map while they run: programs by tail calls, maps in maps. Each runs more than
// once, so that checked and compiled code do.
#include <array>
#include <vector>

#include "scenario.h"

namespace bpftime::test {

namespace {

using Code = std::vector<RawInsn>;
constexpr std::uint32_t kRepeat = 3;

constexpr RawInsn kExit{0x95, 0, 0, 0};
constexpr RawInsn set(int reg, int value) { return {0xb7, static_cast<std::uint8_t>(reg), 0, value}; }
constexpr RawInsn move(int to, int from) { return {0xbf, static_cast<std::uint8_t>(to | from << 4), 0, 0}; }
constexpr RawInsn add(int to, int value) { return {0x07, static_cast<std::uint8_t>(to), 0, value}; }
constexpr RawInsn call(int helper) { return {0x85, 0, 0, helper}; }
constexpr RawInsn if_zero(int reg, int off) { return {0x15, static_cast<std::uint8_t>(reg), static_cast<std::int16_t>(off), 0}; }

void operator+=(Code& code, const Code& more) { code.insert(code.end(), more.begin(), more.end()); }
Code map_in(int reg, const Handle& map) { return {{0x18, static_cast<std::uint8_t>(reg | 0x10), 0, map.get()}, {0, 0, 0, 0}}; }
// The key `value` on the stack, its address in r2.
Code key(int value) { return {{0x62, 10, -4, value}, move(2, 10), add(2, -4)}; }

long load_xdp(const BpfFunction& bpf, const Code& code) {
    bpf_attr attr = empty_attr();
    attr.prog_type = BPF_PROG_TYPE_XDP;
    attr.insns = address(code.data());
    attr.insn_cnt = static_cast<std::uint32_t>(code.size());
    attr.license = address("GPL");
    return bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
}

std::string returned(const BpfFunction& bpf, const Handle& program, std::uint32_t repeat = kRepeat) {
    std::array<std::uint8_t, 64> packet{};
    bpf_attr attr = empty_attr();
    attr.test.prog_fd = static_cast<std::uint32_t>(program.get());
    attr.test.data_in = address(packet.data());
    attr.test.data_size_in = packet.size();
    attr.test.repeat = repeat;
    const long result = bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr));
    return result == 0 ? cat(attr.test.retval) : cat("error ", result);
}

long put(const BpfFunction& bpf, const Handle& map, int at, int fd) { return element(bpf, BPF_MAP_UPDATE_ELEM, map.get(), &at, &fd); }

Code tail_call_of(const Handle& programs, int index) {
    Code code = map_in(2, programs);
    code += {set(3, index), call(12)};
    return code;
}

std::string tail_calls(const BpfFunction& bpf) {
    const Handle programs(create(bpf, BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 4));
    const Handle seven(load_xdp(bpf, {set(0, 7), kExit})), eight(load_xdp(bpf, {set(0, 8), kExit}));
    std::string out;
    for (const int index : {0, 1, 3, 4, -1}) {
        Code code = tail_call_of(programs, index);
        code += {set(0, 1), kExit};
        const Handle caller(load_xdp(bpf, code));
        out += returned(bpf, caller);
        for (const Handle* program : {&seven, &eight}) {
            out += cat(' ', put(bpf, programs, 0, program->get()));
            out += cat(' ', returned(bpf, caller));
        }
        const int zero = 0;
        out += cat(' ', element(bpf, BPF_MAP_DELETE_ELEM, programs.get(), &zero, nullptr));
        out += cat(' ', returned(bpf, caller), "; ");
    }
    return out;
}

// A program that calls itself, and counts how often it ran.
std::string tail_calls_in_circles(const BpfFunction& bpf) {
    const Handle programs(create(bpf, BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 1)), counts(create(bpf, BPF_MAP_TYPE_ARRAY, 4, 8, 1));
    Code code{move(6, 1)};
    code += key(0);
    code += map_in(1, counts);
    code += {call(1), if_zero(0, 3), {0x79, 0x01, 0, 0}, add(1, 1), {0x7b, 0x10, 0, 0}, move(1, 6)};
    code += tail_call_of(programs, 0);
    code += {set(0, 3), kExit};
    const Handle program(load_xdp(bpf, code));
    std::string out = cat(put(bpf, programs, 0, program.get()), ':');
    for (const std::uint32_t repeat : {1u, 2u}) {
        const std::string result = returned(bpf, program, repeat);
        const int zero = 0;
        std::uint64_t count = 0;
        element(bpf, BPF_MAP_LOOKUP_ELEM, counts.get(), &zero, &count);
        out += cat(' ', result, '/', count);
    }
    return out;
}

std::string maps_in_maps(const BpfFunction& bpf, std::uint32_t type) {
    const Handle inner(create(bpf, BPF_MAP_TYPE_ARRAY, 4, 8, 2)), other(create(bpf, BPF_MAP_TYPE_ARRAY, 4, 8, 2));
    bpf_attr attr = empty_attr();
    attr.map_type = type;
    attr.key_size = attr.value_size = 4;
    attr.max_entries = 4;
    attr.inner_map_fd = static_cast<std::uint32_t>(inner.get());
    const Handle outer(bpf(BPF_MAP_CREATE, &attr, sizeof(attr)));
    // Element 0 of the map at 1.
    Code code = key(1);
    code += map_in(1, outer);
    code += {call(1), if_zero(0, 8), move(1, 0)};
    code += key(0);
    code += {call(1), if_zero(0, 2), {0x79, 0x00, 0, 0}, kExit, set(0, -1), kExit};
    const Handle program(load_xdp(bpf, code));
    const int zero = 0, one = 1;
    const std::uint64_t values[] = {5, 6};
    element(bpf, BPF_MAP_UPDATE_ELEM, inner.get(), &zero, &values[0]);
    element(bpf, BPF_MAP_UPDATE_ELEM, other.get(), &zero, &values[1]);
    std::string out = returned(bpf, program);
    for (const Handle* map : {&inner, &other}) {
        out += cat(' ', put(bpf, outer, 1, map->get()));
        out += cat(' ', returned(bpf, program));
    }
    out += cat(' ', element(bpf, BPF_MAP_DELETE_ELEM, outer.get(), &one, nullptr));
    return out + cat(' ', returned(bpf, program));
}

const Scenario kScenarios[] = {
    {"tail calls", tail_calls, "1 0 7 0 8 0 1; 1 0 1 0 1 0 1; 1 0 1 0 1 0 1; 1 0 1 0 1 0 1; 1 0 1 0 1 0 1; "},
    {"a program that calls itself", tail_calls_in_circles, "0: 3/34 3/102"},
    {"an array of maps", [](const BpfFunction& bpf) { return maps_in_maps(bpf, BPF_MAP_TYPE_ARRAY_OF_MAPS); },
     "4294967295 0 5 0 6 0 4294967295"},
    {"a hash of maps", [](const BpfFunction& bpf) { return maps_in_maps(bpf, BPF_MAP_TYPE_HASH_OF_MAPS); },
     "4294967295 0 5 0 6 0 4294967295"},
};

}  // namespace

std::span<const Scenario> live_scenarios() { return kScenarios; }

}  // namespace bpftime::test
