// The table under hash and per-CPU hash: which element holds which key. Lookups take no lock; writers lock one bucket.
//
// A bucket is one cache line: eight slots with a mark byte each, taken from the key's hash, and the elements' numbers.
// Elements beyond eight hang off the bucket as a list. Elements are preallocated (in address space; pages cost memory
// once touched), numbered from 1, and never move. A removed element is reused at once, as in the kernel's preallocated
// maps.
//
// Writers that die. A bucket is changed by single stores, so that it is whole at any instant, and a thread has elements
// in hand only while it holds a bucket. Who waits for a bucket whose owner died takes it over (task_lock.h). What the
// dead one had in hand is missed by whoever finds the map full, or no spare: then buckets of dead owners are looked for
// (at intervals that keep the cost of looking about a hundredth), and collect() makes the free list and the spares anew
// out of what no bucket holds.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>

#include "runtime/maps/hash_key.h"
#include "runtime/maps/map.h"

namespace bpftime {

inline constexpr std::uint32_t kSlots = 8;

struct alignas(kCacheLine) HashBucket {
    std::atomic<std::uint64_t> marks;     // a byte a slot: 0 empty, else 2..255 from the key's hash
    std::atomic<std::uint32_t> owner;     // token of the writer inside (task_lock.h), 0: free
    std::atomic<std::uint32_t> version;   // grows when an element leaves: a reader that was comparing it looks again
    std::atomic<std::uint32_t> overflow;  // first element of the list, 0: none
    std::atomic<std::uint32_t> slots[kSlots];
};
static_assert(sizeof(HashBucket) == kCacheLine);

struct HashShape {
    std::uint32_t key_size = 0;
    std::uint32_t element_size = 0;  // the key first, at a multiple of 8 bytes
    std::uint32_t max_entries = 0;
    std::uint32_t spares = 0;  // elements beyond max_entries, for replacing: 0 or a power of two
    bool zero_seed = false;
    bool evicts = false;  // remembers which elements were used, for evict()
};

// Where a key is, or would go, while its bucket is locked. Unlocks on destruction.
class HashPlace {
public:
    HashPlace() = default;
    HashPlace(const HashPlace&) = delete;
    HashPlace& operator=(const HashPlace&) = delete;
    ~HashPlace() { unlock(); }
    void unlock() {
        if (bucket != nullptr) bucket->owner.store(0, std::memory_order_release);
        bucket = nullptr;
        element = slot = previous = 0;
    }

    HashBucket* bucket = nullptr;  // null: the calling thread holds this bucket already; the operation is -EBUSY
    std::uint32_t element = 0;     // 0: the key is absent
    std::uint32_t slot = 0;        // kSlots: in the overflow list, after `previous` (0: at its head)
    std::uint32_t previous = 0;
    std::uint8_t mark = 0;
};

class HashTable {
public:
    // In storage_size() bytes from `base` on, page-aligned; `fresh` ones are zero.
    HashTable(const HashShape& shape, std::uint8_t* base, bool fresh);
    // E2BIG.
    static Result<std::uint64_t> storage_size(const HashShape& shape);

    std::uint8_t* element(std::uint32_t number) const {
        return elements_ + std::uint64_t{number} * shape_.element_size;
    }

    // Number of the element that holds `key`, 0 when there is none. Size is the key size where there is code
    // for it (hash_key.h), else kAnyKey.
    template <std::uint32_t Size>
    std::uint32_t find(const void* key) const;
    std::uint32_t find(const void* key) const;  // of whatever size the table's keys have

    // Locks the bucket of `key` and looks for it.
    void lock(const void* key, HashPlace& place) const;

    // With the place locked: take an element for a new key (0: the map is full), fill it, then add it; or give it back.
    std::uint32_t allocate() const;
    void give_back(std::uint32_t number) const;
    void add(const HashPlace& place, std::uint32_t number) const;
    // With the place locked: take a spare (0: there has been none for long, mend()), fill it, then put it where the
    // place's element is; that one becomes the spare.
    std::uint32_t take_spare() const;
    void replace(const HashPlace& place, std::uint32_t number) const;
    void remove(const HashPlace& place) const;
    // Of a table that evicts. Marks an element as used.
    void use(std::uint32_t number) const {
        if (used_[number].load(std::memory_order_relaxed) == 0) used_[number].store(1, std::memory_order_relaxed);
    }
    // With no place locked: removes an element that was not used since it was passed over last. False: all are being
    // changed by others.
    bool evict() const;

    // With no place locked, for whoever found the map full or no spare: true when the elements of dead writers came
    // back.
    bool mend() const;

    // Number of the next element, 0 at the end; copies its key when `key` is not null.
    std::uint32_t step(MapCursor& cursor, void* key = nullptr) const;
    // Cursor just behind the element at a locked place.
    MapCursor cursor_behind(const HashPlace& place) const;

    std::uint32_t buckets() const { return mask_ + 1; }
    // Elements that did not find a slot in their bucket; walks the table.
    std::uint32_t overflowing() const;

private:
    struct Head;
    struct Layout;

    template <std::uint32_t Size>
    HashPlace& search(const void* key, std::uint64_t hash, HashPlace& place) const;
    std::uint64_t hash(const void* key) const;
    template <std::uint32_t Size>
    std::uint32_t find_again(const void* key, const HashBucket& bucket, std::uint8_t mark) const;
    std::uint32_t walk_overflow(const HashBucket& bucket, const MapCursor& cursor) const;
    bool lock_bucket(HashBucket& bucket) const;
    bool remove_if_present(std::uint32_t number) const;
    bool due_to_look() const;
    bool look_for_dead() const;
    void collect() const;
    void mark_reached(const HashBucket& bucket) const;
    void unlink(const HashPlace& place) const;
    std::uint32_t step_in_bucket(HashBucket& bucket, MapCursor& cursor, void* key) const;
    std::atomic<std::uint32_t>& link(std::uint32_t number) const { return links_[number]; }

    HashBucket* buckets_ = nullptr;
    std::uint8_t* elements_ = nullptr;
    std::uint32_t mask_ = 0;
    HashShape shape_;
    HashSeed seed_;
    std::atomic<std::uint32_t>* links_ = nullptr;   // next element, in an overflow list or the free list
    std::atomic<std::uint32_t>* spares_ = nullptr;  // 0: taken
    std::atomic<std::uint8_t>* used_ = nullptr;     // of tables that evict: 1 since the element was used
    std::atomic<std::uint8_t>* reached_ = nullptr;  // of collect()
    Head* head_ = nullptr;
};

namespace hash_detail {

inline constexpr std::uint64_t kEachByte = 0x0101010101010101u;

// A bit (7, 15, ...) for every byte of `marks` that equals `mark`. A byte above a true match that differs from it in
// bit 0 alone is reported too: another key's slot, never an empty one, as no mark is 1. The lowest byte reported is
// always true.
inline std::uint64_t matching(std::uint64_t marks, std::uint8_t mark) {
    const std::uint64_t difference = marks ^ (mark * kEachByte);
    return (difference - kEachByte) & ~difference & (kEachByte << 7);
}
inline std::uint32_t first_slot(std::uint64_t matches) {
    return static_cast<std::uint32_t>(std::countr_zero(matches)) / 8;
}

// 2..255 from the bits that do not choose the bucket.
inline std::uint8_t mark_of(std::uint64_t hash) {
    const auto mark = static_cast<std::uint8_t>(hash >> 56);
    return mark < 2 ? mark + 2 : mark;
}

}  // namespace hash_detail

template <std::uint32_t Size>
inline std::uint32_t HashTable::find(const void* key) const {
    const std::uint64_t hash = hash_key<Size>(key, shape_.key_size, seed_);
    const HashBucket& bucket = buckets_[hash & mask_];
    const std::uint8_t mark = hash_detail::mark_of(hash);
    const std::uint32_t version = bucket.version.load(std::memory_order_acquire);
    const std::uint64_t marks = bucket.marks.load(std::memory_order_acquire);
    for (std::uint64_t left = hash_detail::matching(marks, mark); left != 0; left &= left - 1) {
        const std::uint32_t number = bucket.slots[hash_detail::first_slot(left)].load(std::memory_order_acquire);
        if (equal_keys<Size>(element(number), key, shape_.key_size)) return number;
    }
    std::atomic_thread_fence(std::memory_order_acquire);
    if (bucket.overflow.load(std::memory_order_relaxed) == 0 &&
        bucket.version.load(std::memory_order_relaxed) == version)
        return 0;
    return find_again<Size>(key, bucket, mark);
}

}  // namespace bpftime
