// Code that is added to while other threads run what is there: pages that are mapped executable for good, and written through a
// second mapping of the same memory which exists only meanwhile. No mapping is ever writable and executable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "vm/core/result.h"

namespace bpftime {

// Unmaps on destruction: nothing may run there any more. Move-only.
class CodeChunk {
public:
    // `size` bytes (whole pages) at exactly `address`, or wherever the kernel likes when that is 0. EEXIST when something is there,
    // ENOMEM, or what kept the memory from being made.
    static Result<CodeChunk> map(std::uint64_t address, std::size_t size);

    CodeChunk(CodeChunk&& other) noexcept;
    CodeChunk& operator=(CodeChunk&& other) noexcept;
    ~CodeChunk();

    std::uint64_t address() const { return reinterpret_cast<std::uint64_t>(base_); }
    std::size_t size() const { return size_; }

    // `fill` writes `count` bytes from offset `at` on through the pointer it is given; what it wrote runs from address() + at.
    // Instruction caches are in step afterwards.
    Status write(std::size_t at, std::size_t count, const std::function<Status(std::uint8_t*)>& fill);

    // The first `size` bytes once more, executable, in place of whatever is mapped at `address`. The caller unmaps them.
    bool map_again(void* address, std::size_t size) const;

private:
    CodeChunk() = default;
    std::uint8_t* base_ = nullptr;
    std::size_t size_ = 0;
    int fd_ = -1;
};

}  // namespace bpftime
