// Finds an object of this process by an address inside its storage.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace bpftime {

// Finding takes no lock; the object must stay while somebody looks for an address in it.
class StorageList {
public:
    bool add(const void* base, std::size_t size, void* object);  // false: the list is full
    void remove(const void* object);
    void* find(const void* address) const;

private:
    static constexpr std::uint32_t kEntries = 1024;
    struct Entry {
        std::atomic<std::uint32_t> version;  // changes with the range
        std::atomic<std::uintptr_t> base, end;
        std::atomic<void*> object;  // null: free
    };
    static void* in_entry(const Entry& entry, std::uintptr_t address);

    Entry entries_[kEntries]{};
    std::atomic<std::uint32_t> used_{0};  // entries that have ever been used
};

inline void* StorageList::in_entry(const Entry& entry, std::uintptr_t address) {
    const std::uint32_t version = entry.version.load(std::memory_order_acquire);
    if (address < entry.base.load(std::memory_order_relaxed) || address >= entry.end.load(std::memory_order_relaxed))
        return nullptr;
    void* object = entry.object.load(std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_acquire);
    return entry.version.load(std::memory_order_relaxed) == version && version % 2 == 0 ? object : nullptr;
}

inline void* StorageList::find(const void* pointer) const {
    const auto address = reinterpret_cast<std::uintptr_t>(pointer);
    const std::uint32_t used = used_.load(std::memory_order_acquire);
    for (std::uint32_t i = 0; i < used; ++i)
        if (void* object = in_entry(entries_[i], address)) return object;
    return nullptr;
}

}  // namespace bpftime
