// What a hash table counts, beside its buckets and elements.
#pragma once

#include <atomic>

#include "runtime/maps/hash_table.h"

namespace bpftime {

struct HashTable::Head {
    HashSeed seed;
    alignas(kCacheLine)
        std::atomic<std::uint64_t> free;  // element number low, a count high that changes with every push and pop
    alignas(kCacheLine) std::atomic<std::uint32_t> fresh;  // elements 1..fresh have been handed out at least once
    std::atomic<std::uint32_t> hand;                       // where evict() goes on
    std::atomic<std::uint32_t> lost;        // a dead writer's bucket was taken over: it may have had elements in hand
    std::atomic<std::uint32_t> collecting;  // the lock of mend()
    std::atomic<std::uint64_t> looked;      // when buckets of dead owners were looked for last, in ns
};

}  // namespace bpftime
