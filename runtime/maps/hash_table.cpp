#include "runtime/maps/hash_table.h"

#include <sched.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "runtime/maps/hash_head.h"
#include "runtime/maps/task_lock.h"
#include "runtime/maps/thread_id.h"

namespace bpftime {

using namespace hash_detail;

namespace {

constexpr std::uint32_t kMaxEntries = 1u << 31;
constexpr std::uint32_t kMeanLoad = 4;  // elements in a bucket when the map is full: half its slots

std::uint64_t with_mark(std::uint64_t marks, std::uint32_t slot, std::uint8_t mark) {
    return (marks & ~(std::uint64_t{0xff} << (slot * 8))) | (std::uint64_t{mark} << (slot * 8));
}

}  // namespace

HashSeed random_hash_seed() {
    HashSeed seed;
    if (getrandom(&seed, sizeof seed, 0) == sizeof seed) return seed;
    timespec now{};  // before the kernel has entropy, or where a filter forbids the call
    clock_gettime(CLOCK_MONOTONIC, &now);
    seed.a = static_cast<std::uint64_t>(now.tv_nsec) * kOdd;
    seed.b = fold(seed.a, reinterpret_cast<std::uintptr_t>(&seed));
    return seed;
}

static void pause_briefly(std::uint32_t round) {
    if (round % 64 == 63)
        sched_yield();
    else
        __asm__ volatile("" ::: "memory");
}

// False when this thread holds the bucket already: a program run from a signal handler, or by a probe, inside an
// operation. The version tells readers who were in the bucket with a dead writer that an element may have left.
bool HashTable::lock_bucket(HashBucket& bucket) const {
    const LockResult result = lock_task_word(bucket.owner);
    if (result == LockResult::TakenOver) {
        bucket.version.store(bucket.version.load(std::memory_order_relaxed) + 1, std::memory_order_release);
        head_->lost.store(1, std::memory_order_release);
    }
    return result != LockResult::Mine;
}

struct HashTable::Layout {
    explicit Layout(const HashShape& shape)
        : buckets(std::bit_ceil(std::max(1u, shape.max_entries / kMeanLoad))),
          numbers(std::uint64_t{shape.max_entries} + shape.spares + 1),
          links(round_up(buckets * sizeof(HashBucket), kCacheLine)),
          spares(round_up(links + numbers * sizeof(std::uint32_t), kCacheLine)),
          used(round_up(spares + shape.spares * sizeof(std::uint32_t), kCacheLine)),
          reached(used + (shape.evicts ? numbers : 0)),
          head(round_up(reached + numbers, kCacheLine)),
          elements(round_up(head + sizeof(Head), kPage)),
          end(round_up(elements + numbers * shape.element_size, kPage)) {}

    std::uint64_t buckets, numbers;                                   // how many
    std::uint64_t links, spares, used, reached, head, elements, end;  // offsets
};

Result<std::uint64_t> HashTable::storage_size(const HashShape& shape) {
    if (shape.max_entries > kMaxEntries)
        return fail(failure("max entries ", shape.max_entries, " exceed ", kMaxEntries).with_errno(E2BIG));
    return Layout(shape).end;
}

HashTable::HashTable(const HashShape& shape, std::uint8_t* base, bool fresh) : shape_(shape) {
    const Layout at(shape);
    buckets_ = reinterpret_cast<HashBucket*>(base);
    links_ = reinterpret_cast<std::atomic<std::uint32_t>*>(base + at.links);
    spares_ = reinterpret_cast<std::atomic<std::uint32_t>*>(base + at.spares);
    used_ = reinterpret_cast<std::atomic<std::uint8_t>*>(base + at.used);
    reached_ = reinterpret_cast<std::atomic<std::uint8_t>*>(base + at.reached);
    head_ = reinterpret_cast<Head*>(base + at.head);
    elements_ = base + at.elements;
    mask_ = static_cast<std::uint32_t>(at.buckets - 1);
    if (fresh) {
        if (!shape.zero_seed) head_->seed = random_hash_seed();
        for (std::uint32_t i = 0; i < shape.spares; ++i) spares_[i] = shape.max_entries + 1 + i;
    }
    seed_ = head_->seed;
}

std::uint64_t HashTable::hash(const void* key) const {
    switch (shape_.key_size) {
        case 4: return hash_key<4>(key, 4, seed_);
        case 8: return hash_key<8>(key, 8, seed_);
        case 16: return hash_key<16>(key, 16, seed_);
        default: return hash_key<kAnyKey>(key, shape_.key_size, seed_);
    }
}

std::uint32_t HashTable::find(const void* key) const {
    switch (shape_.key_size) {
        case 4: return find<4>(key);
        case 8: return find<8>(key);
        case 16: return find<16>(key);
        default: return find<kAnyKey>(key);
    }
}

// The rare end of find(): the bucket has an overflow list, or an element left it while we looked.
template <std::uint32_t Size>
std::uint32_t HashTable::find_again(const void* key, const HashBucket& bucket, std::uint8_t mark) const {
    for (std::uint32_t round = 0;; ++round) {
        const std::uint32_t version = bucket.version.load(std::memory_order_acquire);
        const auto unchanged = [&] {
            std::atomic_thread_fence(std::memory_order_acquire);
            return bucket.version.load(std::memory_order_relaxed) == version;
        };
        const std::uint64_t marks = bucket.marks.load(std::memory_order_acquire);
        for (std::uint64_t left = matching(marks, mark); left != 0; left &= left - 1) {
            const std::uint32_t number = bucket.slots[first_slot(left)].load(std::memory_order_acquire);
            if (equal_keys<Size>(element(number), key, shape_.key_size)) return number;
        }
        // An element that leaves takes its link into another list; the version tells, so no step is trusted without it.
        std::uint32_t number = bucket.overflow.load(std::memory_order_acquire);
        while (number != 0 && !equal_keys<Size>(element(number), key, shape_.key_size) && unchanged())
            number = link(number).load(std::memory_order_acquire);
        if (unchanged()) return number;
        pause_briefly(round);
    }
}

template std::uint32_t HashTable::find_again<4>(const void*, const HashBucket&, std::uint8_t) const;
template std::uint32_t HashTable::find_again<8>(const void*, const HashBucket&, std::uint8_t) const;
template std::uint32_t HashTable::find_again<16>(const void*, const HashBucket&, std::uint8_t) const;
template std::uint32_t HashTable::find_again<kAnyKey>(const void*, const HashBucket&, std::uint8_t) const;

void HashTable::lock(const void* key, HashPlace& place) const {
    const std::uint64_t h = hash(key);
    HashBucket& bucket = buckets_[h & mask_];
    if (!lock_bucket(bucket)) return;
    place.bucket = &bucket;
    place.mark = mark_of(h);
    const std::uint64_t marks = bucket.marks.load(std::memory_order_relaxed);
    for (std::uint64_t left = matching(marks, place.mark); left != 0; left &= left - 1) {
        place.slot = first_slot(left);
        place.element = bucket.slots[place.slot].load(std::memory_order_relaxed);
        if (equal_keys<kAnyKey>(element(place.element), key, shape_.key_size)) return;
    }
    place.slot = kSlots;
    place.element = bucket.overflow.load(std::memory_order_relaxed);
    while (place.element != 0 && !equal_keys<kAnyKey>(element(place.element), key, shape_.key_size)) {
        place.previous = place.element;
        place.element = link(place.element).load(std::memory_order_relaxed);
    }
}

std::uint32_t HashTable::allocate() const {
    std::uint64_t head = head_->free.load(std::memory_order_acquire);
    while (static_cast<std::uint32_t>(head) != 0) {
        const std::uint64_t count = (head >> 32) + 1;
        const std::uint64_t following = link(static_cast<std::uint32_t>(head)).load(std::memory_order_relaxed);
        if (head_->free.compare_exchange_weak(head, count << 32 | following, std::memory_order_acquire))
            return static_cast<std::uint32_t>(head);
    }
    std::uint32_t fresh = head_->fresh.load(std::memory_order_relaxed);
    while (fresh < shape_.max_entries)
        if (head_->fresh.compare_exchange_weak(fresh, fresh + 1, std::memory_order_relaxed)) return fresh + 1;
    return 0;
}

void HashTable::add(const HashPlace& place, std::uint32_t number) const {
    HashBucket& bucket = *place.bucket;
    const std::uint64_t marks = bucket.marks.load(std::memory_order_relaxed);
    if (const std::uint64_t empty = matching(marks, 0); empty != 0) {
        const std::uint32_t slot = first_slot(empty);
        bucket.slots[slot].store(number, std::memory_order_release);
        bucket.marks.store(with_mark(marks, slot, place.mark), std::memory_order_release);
        return;
    }
    link(number).store(bucket.overflow.load(std::memory_order_relaxed), std::memory_order_relaxed);
    bucket.overflow.store(number, std::memory_order_release);
}

std::uint32_t HashTable::take_spare() const {
    constexpr std::uint32_t kPatience = 1u << 14;  // each is back within one update, unless its holder is not running
    for (std::uint32_t at = thread_id() & (shape_.spares - 1), round = 0; round < kPatience;
         at = (at + 1) & (shape_.spares - 1), ++round) {
        if (spares_[at].load(std::memory_order_relaxed) == 0) {
            pause_briefly(round);
            continue;
        }
        if (const std::uint32_t number = spares_[at].exchange(0, std::memory_order_acquire)) return number;
    }
    return 0;
}

void HashTable::replace(const HashPlace& place, std::uint32_t number) const {
    HashBucket& bucket = *place.bucket;
    if (place.slot < kSlots) {
        bucket.slots[place.slot].store(number, std::memory_order_release);
    } else {
        link(number).store(link(place.element).load(std::memory_order_relaxed), std::memory_order_relaxed);
        auto& before = place.previous == 0 ? bucket.overflow : link(place.previous);
        before.store(number, std::memory_order_release);
    }
    bucket.version.store(bucket.version.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    for (std::uint32_t at = thread_id() & (shape_.spares - 1);; at = (at + 1) & (shape_.spares - 1)) {
        std::uint32_t taken = 0;
        if (spares_[at].compare_exchange_strong(taken, place.element, std::memory_order_release)) return;
    }
}

void HashTable::unlink(const HashPlace& place) const {
    HashBucket& bucket = *place.bucket;
    if (place.slot < kSlots) {
        const std::uint64_t marks = bucket.marks.load(std::memory_order_relaxed);
        bucket.marks.store(with_mark(marks, place.slot, 0), std::memory_order_release);
    } else {
        auto& before = place.previous == 0 ? bucket.overflow : link(place.previous);
        before.store(link(place.element).load(std::memory_order_relaxed), std::memory_order_release);
    }
    bucket.version.store(bucket.version.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

void HashTable::remove(const HashPlace& place) const {
    unlink(place);
    give_back(place.element);
}

void HashTable::give_back(std::uint32_t number) const {
    if (shape_.evicts) used_[number].store(0, std::memory_order_relaxed);
    std::uint64_t head = head_->free.load(std::memory_order_relaxed);
    std::uint64_t count;
    do {
        link(number).store(static_cast<std::uint32_t>(head), std::memory_order_relaxed);
        count = (head >> 32) + 1;
    } while (!head_->free.compare_exchange_weak(head, count << 32 | number, std::memory_order_release));
}

}  // namespace bpftime
