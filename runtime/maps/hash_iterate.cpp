// Walking a hash table while others change it.
#include <cstring>

#include "runtime/maps/hash_table.h"

namespace bpftime {

using namespace hash_detail;

// The element of the locked bucket's overflow list that follows the cursor's: behind the element last given if that is
// still there, else the one that followed it then; else the list is done.
std::uint32_t HashTable::walk_overflow(const HashBucket& bucket, const MapCursor& cursor) const {
    const std::uint32_t first = bucket.overflow.load(std::memory_order_relaxed);
    if (cursor.element == 0) return first;
    std::uint32_t fallback = 0;
    for (std::uint32_t number = first; number != 0; number = link(number).load(std::memory_order_relaxed)) {
        if (number == cursor.element) return link(number).load(std::memory_order_relaxed);
        if (number == cursor.following) fallback = number;
    }
    return fallback;
}

// Moves the cursor within a bucket that is locked; 0 when the bucket has no more.
std::uint32_t HashTable::step_in_bucket(HashBucket& bucket, MapCursor& cursor, void* key) const {
    const std::uint64_t marks = bucket.marks.load(std::memory_order_acquire);
    std::uint32_t number = 0;
    while (number == 0 && cursor.slot < kSlots) {
        const std::uint32_t slot = cursor.slot++;
        if ((marks >> (slot * 8) & 0xff) != 0) number = bucket.slots[slot].load(std::memory_order_acquire);
    }
    if (number == 0) {
        number = walk_overflow(bucket, cursor);
        if (number == 0) return 0;
        cursor.element = number;
        cursor.following = link(number).load(std::memory_order_relaxed);
    }
    if (key != nullptr) std::memcpy(key, element(number), shape_.key_size);
    return number;
}

std::uint32_t HashTable::step(MapCursor& cursor, void* key) const {
    for (; cursor.index < buckets(); cursor = MapCursor{.index = cursor.index + 1}) {
        HashBucket& bucket = buckets_[cursor.index];
        if (bucket.marks.load(std::memory_order_relaxed) == 0 && bucket.overflow.load(std::memory_order_relaxed) == 0)
            continue;
        HashPlace hold;
        if (!lock_bucket(bucket)) continue;
        hold.bucket = &bucket;
        if (const std::uint32_t number = step_in_bucket(bucket, cursor, key)) return number;
    }
    return 0;
}

MapCursor HashTable::cursor_behind(const HashPlace& place) const {
    MapCursor cursor{.index = static_cast<std::uint64_t>(place.bucket - buckets_)};
    cursor.slot = place.slot < kSlots ? place.slot + 1 : kSlots;
    if (place.slot == kSlots) {
        cursor.element = place.element;
        cursor.following = link(place.element).load(std::memory_order_relaxed);
    }
    return cursor;
}

std::uint32_t HashTable::overflowing() const {
    std::uint32_t count = 0;
    for (std::uint32_t i = 0; i < buckets(); ++i) {
        std::uint32_t number = buckets_[i].overflow.load(std::memory_order_acquire);
        for (; number != 0; number = link(number).load(std::memory_order_acquire)) ++count;
    }
    return count;
}

}  // namespace bpftime
