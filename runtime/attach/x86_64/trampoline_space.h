// Memory for trampolines near the code that jumps to them.
#pragma once

#include <memory>
#include <vector>

#include "vm/core/code_chunk.h"

namespace bpftime::attach::x86_64 {

class TrampolineSpace {
public:
    struct Slot {
        CodeChunk* chunk = nullptr;
        std::size_t at = 0;
        std::uint64_t address() const { return chunk->address() + at; }
    };
    // `size` bytes at a target that a jump at `from` may have (jump.h). They are never given back: a thread may be in there.
    // ENOMEM when no such place is free.
    Result<Slot> take(std::uint64_t from, std::uint32_t boundaries, std::size_t size);

private:
    struct Chunk {
        std::unique_ptr<CodeChunk> code;
        std::size_t used = 0;
    };
    static bool fit(Chunk& chunk, std::uint64_t from, std::uint32_t boundaries, std::size_t size, Slot& slot);
    Result<std::size_t> map_chunk(std::uint64_t from, std::uint32_t boundaries, std::size_t size);

    std::vector<Chunk> chunks_;
};

}  // namespace bpftime::attach::x86_64
