// Basic blocks of a subprogram.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "vm/core/program.h"

namespace bpftime {

inline constexpr std::uint32_t kNoBlock = ~std::uint32_t{0};

// Slots [begin, end) that run one after the other; control enters at `begin` only, and only the last may jump.
struct Block {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    std::uint32_t taken = kNoBlock;  // index of the block that a jump leads to
    std::uint32_t next = kNoBlock;   // index of the block that control falls into
};

// The blocks that control may go to from a block, each once: where it jumps, then where it falls through.
class Successors {
public:
    explicit Successors(const Block& block) {
        if (block.taken != kNoBlock) blocks_[size_++] = block.taken;
        if (block.next != kNoBlock && block.next != block.taken) blocks_[size_++] = block.next;
    }
    const std::uint32_t* begin() const { return blocks_.data(); }
    const std::uint32_t* end() const { return blocks_.data() + size_; }
    std::size_t size() const { return size_; }
    std::uint32_t operator[](std::size_t i) const { return blocks_[i]; }

private:
    std::array<std::uint32_t, 2> blocks_{};
    std::size_t size_ = 0;
};
inline Successors successors(const Block& block) { return Successors(block); }

// The blocks of `sub`, reachable or not, in order of `begin`. The program must have passed validate().
std::vector<Block> basic_blocks(const Program& program, const Subprogram& sub);

// The last slot of a block that holds an instruction (an lddw's second half is none).
std::uint32_t last_insn(const Program& program, const Block& block);

}  // namespace bpftime
