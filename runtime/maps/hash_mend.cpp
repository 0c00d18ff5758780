// Elements that leave a hash table other than by their key: those evicted, and those that dead writers had in hand.
#include <time.h>

#include <algorithm>

#include "runtime/maps/hash_head.h"
#include "runtime/maps/hash_table.h"
#include "runtime/maps/task_lock.h"

namespace bpftime {

using namespace hash_detail;

// The element's key names its bucket, if nobody is filling the element at the time; whether it hangs there is seen
// under the lock.
bool HashTable::remove_if_present(std::uint32_t number) const {
    HashBucket& bucket = buckets_[hash(element(number)) & mask_];
    if (bucket.owner.load(std::memory_order_relaxed) != 0 || !lock_bucket(bucket)) return false;
    HashPlace place;
    place.bucket = &bucket;
    place.element = number;
    const std::uint64_t marks = bucket.marks.load(std::memory_order_relaxed);
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
        if ((marks >> (slot * 8) & 0xff) == 0 || bucket.slots[slot].load(std::memory_order_relaxed) != number) continue;
        place.slot = slot;
        remove(place);
        return true;
    }
    place.slot = kSlots;
    std::uint32_t at = bucket.overflow.load(std::memory_order_relaxed);
    for (; at != 0 && at != number; at = link(at).load(std::memory_order_relaxed)) place.previous = at;
    if (at != number) return false;
    remove(place);
    return true;
}

// A hand goes round over the elements: those used since it came by last get another round.
bool HashTable::evict() const {
    constexpr std::uint32_t kRounds = 4;
    const std::uint32_t elements = shape_.max_entries + shape_.spares;
    for (std::uint64_t left = std::uint64_t{kRounds} * elements; left > 0; --left) {
        const std::uint32_t number = head_->hand.fetch_add(1, std::memory_order_relaxed) % elements + 1;
        if (used_[number].load(std::memory_order_relaxed) != 0)
            used_[number].store(0, std::memory_order_relaxed);
        else if (remove_if_present(number))
            return true;
    }
    return false;
}

// Looking costs a cache line a bucket. The interval grows with that.
bool HashTable::due_to_look() const {
    constexpr std::uint64_t kLeast = 5'000'000, kForBucket = 1'000;
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
    const std::uint64_t now =
        static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
    std::uint64_t last = head_->looked.load(std::memory_order_relaxed);
    if (now - last < std::max(kLeast, buckets() * kForBucket)) return false;
    return head_->looked.compare_exchange_strong(last, now, std::memory_order_relaxed);
}

bool HashTable::look_for_dead() const {
    for (std::uint32_t i = 0; i < buckets(); ++i) {
        const std::uint32_t owner = buckets_[i].owner.load(std::memory_order_relaxed);
        if (owner == 0 || !task_gone(owner)) continue;
        HashPlace place;
        if (lock_bucket(buckets_[i])) place.bucket = &buckets_[i];
    }
    return head_->lost.load(std::memory_order_acquire) != 0;
}

bool HashTable::mend() const {
    if (head_->lost.load(std::memory_order_acquire) == 0 && !(due_to_look() && look_for_dead())) return false;
    const TaskLock lock(head_->collecting);
    if (!lock.held()) return false;
    if (head_->lost.load(std::memory_order_acquire) == 0) return true;  // another thread did it meanwhile
    std::uint32_t locked = 0;
    while (locked < buckets() && lock_bucket(buckets_[locked])) ++locked;
    const bool all = locked == buckets();  // else this thread interrupted an operation of its own
    if (all) collect();
    while (locked > 0) unlock_task_word(buckets_[--locked].owner);
    return all;
}

// Numbers that someone spoilt stay inside the storage, and lists end.
void HashTable::mark_reached(const HashBucket& bucket) const {
    const std::uint32_t elements = shape_.max_entries + shape_.spares;
    const auto mark = [&](std::uint32_t number) {
        if (number <= elements) reached_[number].store(1, std::memory_order_relaxed);
    };
    const std::uint64_t marks = bucket.marks.load(std::memory_order_relaxed);
    for (std::uint32_t slot = 0; slot < kSlots; ++slot)
        if ((marks >> (slot * 8) & 0xff) != 0) mark(bucket.slots[slot].load(std::memory_order_relaxed));
    std::uint32_t number = bucket.overflow.load(std::memory_order_relaxed);
    for (std::uint32_t left = elements; number != 0 && number <= elements && left > 0; --left) {
        mark(number);
        number = link(number).load(std::memory_order_relaxed);
    }
}

// With every bucket locked, nobody has an element in hand: what no bucket holds becomes spare or free. A thread killed
// in here leaves fewer of these, each once, and `lost` set.
void HashTable::collect() const {
    const std::uint32_t elements = shape_.max_entries + shape_.spares;
    const std::uint32_t fresh = std::min(head_->fresh.load(std::memory_order_relaxed), shape_.max_entries);
    for (std::uint32_t i = 0; i < shape_.spares; ++i) spares_[i].store(0, std::memory_order_relaxed);
    head_->free.store(((head_->free.load(std::memory_order_relaxed) >> 32) + 1) << 32, std::memory_order_relaxed);
    for (std::uint32_t number = 1; number <= elements; ++number) reached_[number].store(0, std::memory_order_relaxed);
    for (std::uint32_t i = 0; i < buckets(); ++i) mark_reached(buckets_[i]);
    std::uint32_t spares = 0;
    for (std::uint32_t number = 1; number <= elements; ++number) {
        const bool untouched = number > fresh && number <= shape_.max_entries;
        if (untouched || reached_[number].load(std::memory_order_relaxed) != 0) continue;
        if (spares < shape_.spares)
            spares_[spares++].store(number, std::memory_order_release);
        else
            give_back(number);
    }
    head_->lost.store(0, std::memory_order_release);
}

}  // namespace bpftime
