#include "vm/core/page_pool.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

namespace bpftime {

namespace {

#if defined(__aarch64__)
constexpr std::uintptr_t kReach = std::uintptr_t{1} << 27;
#else
constexpr std::uintptr_t kReach = std::uintptr_t{1} << 31;
#endif
constexpr std::uintptr_t kBelow = 64u << 20;  // leaves room for what the loader and the heap put around a module

// True when displacements lead from anywhere in [base, base + size) to `target`.
bool within_reach(std::uintptr_t base, std::size_t size, const void* target) {
    const auto to = reinterpret_cast<std::uintptr_t>(target);
    const std::uintptr_t furthest = std::max(to > base ? to - base : 0, base + size > to ? base + size - to : 0);
    return furthest < kReach - 4096;
}
bool within_reach(const std::uint8_t* base, std::size_t size, const void* target) {
    return target == nullptr || within_reach(reinterpret_cast<std::uintptr_t>(base), size, target);
}

}  // namespace

std::uint8_t* map_near(std::size_t size, const void* near, int flags) {
    // Downwards from the last piece: a hint that is taken already makes the kernel choose some far place.
    static std::atomic<std::uintptr_t> last{0};
    std::uintptr_t hint = 0;
    if (near != nullptr) {
        const auto address = reinterpret_cast<std::uintptr_t>(near);
        hint = address > kBelow + size ? address - kBelow - size : 0;
        const std::uintptr_t previous = last.load(std::memory_order_relaxed);
        if (previous > size && within_reach(previous - size, size, near)) hint = previous - size;
    }
    void* const base = mmap(reinterpret_cast<void*>(hint & ~std::uintptr_t{0xfff}), size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    if (base == MAP_FAILED) return nullptr;
    if (near != nullptr) last.store(reinterpret_cast<std::uintptr_t>(base), std::memory_order_relaxed);
    return static_cast<std::uint8_t*>(base);
}

PagePool::PagePool() {
    for (auto& runs : returned_) runs.reserve(kMaxKept);
}

std::size_t PagePool::page_size() {
    static const auto kSize = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    return kSize;
}

PagePool& PagePool::instance() {
    static PagePool* const pool = new PagePool;  // never destroyed: programs may outlive every other object
    return *pool;
}

std::uint8_t* PagePool::take(std::size_t size, const void* near) {
    const std::size_t pages = size / page_size();
    if (pages == 0 || pages > kMaxPages) return nullptr;
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock) return nullptr;
    if (std::uint8_t* const run = reuse(pages, near)) return run;
    const std::size_t guard = page_size();  // inaccessible, behind every run
    if (left_ < size + guard && !map_batch(near)) return nullptr;
    if (!within_reach(next_, size, near) || mprotect(next_ + size, guard, PROT_NONE) != 0) return nullptr;
    left_ -= size + guard;
    return std::exchange(next_, next_ + size + guard);
}

std::uint8_t* PagePool::reuse(std::size_t pages, const void* near) {
    auto& runs = returned_[pages];
    if (runs.empty() || !within_reach(runs.back(), pages * page_size(), near)) return nullptr;
    std::uint8_t* const run = runs.back();
    runs.pop_back();
    return run;
}

bool PagePool::map_batch(const void* near) {
    const std::size_t size = kBatchPages * page_size();
    if (left_ != 0) munmap(next_, left_);
    next_ = map_near(size, near, MAP_POPULATE);
    left_ = next_ != nullptr ? size : 0;
    return next_ != nullptr;
}

bool PagePool::give_back(std::uint8_t* base, std::size_t size) {
    const std::size_t pages = size / page_size();
    if (pages == 0 || pages > kMaxPages) return false;
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock || returned_[pages].size() >= kMaxKept) return false;
    if (mprotect(base, size, PROT_READ | PROT_WRITE) != 0) return false;
    std::memset(base, 0, size);  // the next program starts from nothing, and finds data zeroed
    returned_[pages].push_back(base);
    return true;
}

}  // namespace bpftime
