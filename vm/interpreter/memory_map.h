// The memory that a checked run may touch, and the words for an access that misses it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "vm/core/result.h"

namespace bpftime::interpreter {

struct Region {
    std::uint64_t begin = 0;
    std::uint64_t size = 0;
    bool writable = true;
    std::string name;  // "the context", "stack frame 0", "map 'counts'"

    bool contains(std::uint64_t address, std::uint64_t bytes) const {
        return address >= begin && bytes <= size && address - begin <= size - bytes;
    }
};

enum class Access : std::uint8_t { Read, Write };

class MemoryMap {
public:
    // Fixed regions: searched in order, the last one can be taken away again. Regions may overlap.
    void push(Region region) { fixed_.push_back(std::move(region)); }
    void pop() { fixed_.pop_back(); }

    // Memory that a helper has handed out, by its address; replaces what was known there.
    void add(Region region);
    // Forgets what was handed out at `begin`; false if nothing was.
    bool remove(std::uint64_t begin) { return handed_out_.erase(begin) != 0; }

    // Refuses an access that is not inside one region, or that writes a read-only one. `what` begins the message: "load".
    Status check(Access access, std::uint64_t address, std::uint64_t bytes, std::string_view what) const;

private:
    const Region* find(std::uint64_t address, std::uint64_t bytes) const;
    const Region* nearest(std::uint64_t address, std::uint64_t bytes) const;

    std::vector<Region> fixed_;
    std::map<std::uint64_t, Region> handed_out_;
};

}  // namespace bpftime::interpreter
