// Threaded interpreter over decoded instructions, and its checked mode.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "vm/core/engine.h"

namespace bpftime {

// The fast interpreter. Trusts the program's memory accesses, as native code does.
Result<std::unique_ptr<Executable>> interpret(const Program& program, const Bindings& bindings);

// Memory a checked run may touch beside the context, the stack and map values.
struct MemoryRegion {
    std::uint64_t address = 0;
    std::uint64_t size = 0;
    bool writable = true;
};

struct CheckedLimits {
    std::uint64_t max_insns = 0;        // stop after so many instructions; 0: no limit
    std::vector<MemoryRegion> regions;
};

// Runs with every access bounded by the context, the live stack frames, the map values of `bindings` (max_entries * stride from
// `values`, pointers returned by map_lookup_elem, and what helpers return by prototype) and `limits.regions`. Stops with program,
// instruction and address otherwise. The debugging engine, and the oracle of the fuzzers.
Result<std::uint64_t> run_checked(const Program& program, const Bindings& bindings, void* ctx, std::uint64_t size,
                                  const CheckedLimits& limits = {});

}  // namespace bpftime
