// Zeroed pages that a map's elements live in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "vm/core/result.h"

namespace bpftime {

// Owns a mapping: private to this process, or of a file that other processes map as well. Private pages cost memory only once
// they are written. Move-only.
class Pages {
public:
    Pages() = default;
    Pages(Pages&& other) noexcept : base_(std::exchange(other.base_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    Pages& operator=(Pages&& other) noexcept {
        std::swap(base_, other.base_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~Pages();

    // Private pages. ENOMEM.
    static Result<Pages> reserve(std::uint64_t size);
    // Pages that children of this process share with it. ENOMEM.
    static Result<Pages> inherit(std::uint64_t size);
    // The first `size` bytes of `fd`, shared. The file must be that long; the descriptor may be closed afterwards.
    static Result<Pages> share(int fd, std::uint64_t size);

    std::uint8_t* data() const { return base_; }
    std::size_t size() const { return size_; }

private:
    static Result<Pages> make(std::uint64_t size, int flags, int fd);
    Pages(std::uint8_t* base, std::size_t size) : base_(base), size_(size) {}

    std::uint8_t* base_ = nullptr;
    std::size_t size_ = 0;
};

// `bytes` rounded up to a multiple of `unit`, a power of two.
constexpr std::uint64_t round_up(std::uint64_t bytes, std::uint64_t unit) { return (bytes + unit - 1) & ~(unit - 1); }

inline constexpr std::uint64_t kPage = 4096;  // what per-CPU planes are aligned to, so that CPUs share no line
inline constexpr std::uint64_t kCacheLine = 64;

}  // namespace bpftime
