// What a checked run knows of helpers from their prototypes: the memory they take and the memory they hand out.
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <unordered_set>

#include "vm/core/engine.h"
#include "vm/interpreter/memory_map.h"

namespace bpftime::interpreter {

// The values of `map` that a program can address directly; empty when there are none.
Region values_of(const MapBinding& map);

class HelperChecks {
public:
    using Arguments = std::array<std::uint64_t, 5>;

    HelperChecks(const Bindings& bindings, MemoryMap& memory) : bindings_(bindings), memory_(memory) {}

    // Refuses arguments that point to memory which the program may not touch.
    Status before(const HelperInfo& helper, const Arguments& args);
    // Notes the memory that `result` gives access to.
    void after(const HelperInfo& helper, const Arguments& args, std::uint64_t result);

private:
    Status check_dynptr(const HelperInfo& helper, const Arguments& args, std::size_t index);
    Status check_argument(const HelperInfo& helper, const Arguments& args, std::size_t index);
    const MapBinding* map_of(const HelperInfo& helper, const Arguments& args) const;

    const Bindings& bindings_;
    MemoryMap& memory_;
    std::unordered_set<std::uint64_t> inner_maps_;  // handles that a map of maps returned
    using DynptrBytes = std::array<std::uint8_t, 16>;
    std::unordered_map<std::uint64_t, DynptrBytes> dynptrs_;  // what a helper made, by address
};

}  // namespace bpftime::interpreter
