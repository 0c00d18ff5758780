// What a case runs in: its memory, maps, variables and a few helpers with exactly known results.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "test/conformance/case.h"
#include "vm/core/engine.h"

namespace bpftime::test {

// Helpers on offer:
//   1   map_lookup_elem(map, key)         array maps: the address of value number *(u32 *)key, or 0
//   5   ktime_get_ns()                    not 0
//   11  l4_csum_replace(a, b, c, d, e)    a + 2b + 4c + 8d + 16e
//   12  tail_call(ctx, map, index)        index 0: a function that returns 0x7a11 + size; others: falls through
//   181 loop(n, callback, context, 0)     callback(i, context) until it returns 1 or i reaches n; the number of calls
// One world per run: programs change it. Neither copied nor moved, since bindings point into it.
class World {
public:
    explicit World(const Case& one);
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    Bindings bindings;
    std::vector<std::uint8_t> memory;

    void* context() { return memory.empty() ? nullptr : memory.data(); }

private:
    struct Map {
        MapSpec spec;
        std::vector<std::uint8_t> values;
    };
    static std::uint64_t lookup(std::uint64_t map, std::uint64_t key, std::uint64_t, std::uint64_t, std::uint64_t);

    std::vector<std::unique_ptr<Map>> maps_;
    std::vector<std::vector<std::uint8_t>> variables_;
};

// The case's program with its maps, decoded and validated.
Result<Program> program_of(const Case& one);

}  // namespace bpftime::test
