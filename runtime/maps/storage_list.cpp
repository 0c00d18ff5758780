#include "runtime/maps/storage_list.h"

namespace bpftime {

// An entry that no object has is claimed by its object word; the range is empty until all is written.
bool StorageList::add(const void* base, std::size_t size, void* object) {
    for (std::uint32_t i = 0; i < kEntries; ++i) {
        Entry& entry = entries_[i];
        void* none = nullptr;
        if (!entry.object.compare_exchange_strong(none, object, std::memory_order_acquire)) continue;
        entry.version.fetch_add(1, std::memory_order_relaxed);
        std::atomic_thread_fence(std::memory_order_release);
        entry.base.store(reinterpret_cast<std::uintptr_t>(base), std::memory_order_relaxed);
        entry.end.store(reinterpret_cast<std::uintptr_t>(base) + size, std::memory_order_relaxed);
        entry.version.fetch_add(1, std::memory_order_release);
        std::uint32_t used = used_.load(std::memory_order_relaxed);
        while (used < i + 1 && !used_.compare_exchange_weak(used, i + 1, std::memory_order_release)) {
        }
        return true;
    }
    return false;
}

void StorageList::remove(const void* object) {
    for (Entry& entry : entries_) {
        if (entry.object.load(std::memory_order_relaxed) != object) continue;
        entry.version.fetch_add(1, std::memory_order_relaxed);
        std::atomic_thread_fence(std::memory_order_release);
        entry.end.store(0, std::memory_order_relaxed);
        entry.base.store(0, std::memory_order_relaxed);
        entry.version.fetch_add(1, std::memory_order_release);
        entry.object.store(nullptr, std::memory_order_release);
        return;
    }
}

}  // namespace bpftime
