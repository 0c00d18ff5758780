// Pages for small programs: mapped ahead in batches and taken back when a program goes, so that publishing one costs an mprotect
// instead of an mmap, page faults and a munmap. An inaccessible page parts each run from the next: code that runs on faults, and a
// change of protection neither splits the kernel's areas nor merges them, which makes it three times as fast.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace bpftime {

// `size` bytes of fresh read + write memory, within reach of `near` by 32-bit displacements (26-bit ones on AArch64) if it is not
// null and there is room. `flags` are added to mmap's. Null on failure, with errno set.
std::uint8_t* map_near(std::size_t size, const void* near, int flags = 0);

// Every page of the pool is read + write while it is in the pool and never executable there. Thread-safe; a thread that finds the
// pool busy (for ever, in a child forked at the wrong moment) is told that it has nothing.
class PagePool {
public:
    static constexpr std::size_t kMaxPages = 4;  // of one request

    PagePool();
    static PagePool& instance();
    static std::size_t page_size();

    // `size` bytes, a multiple of the page size, within reach of `near` unless that is null. Null: the caller maps its own.
    std::uint8_t* take(std::size_t size, const void* near);
    // Takes back pages whatever their protection and origin. False: the caller unmaps them.
    bool give_back(std::uint8_t* base, std::size_t size);

private:
    static constexpr std::size_t kBatchPages = 16;
    static constexpr std::size_t kMaxKept = 64;  // returned runs of one size

    std::uint8_t* reuse(std::size_t pages, const void* near);
    bool map_batch(const void* near);

    std::mutex mutex_;
    std::uint8_t* next_ = nullptr;  // rest of the current batch
    std::size_t left_ = 0;
    std::array<std::vector<std::uint8_t*>, kMaxPages + 1> returned_;  // by number of pages
};

}  // namespace bpftime
