// What LRU maps promise about eviction (runtime/maps/hash.h).
#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "runtime/maps/cpus.h"
#include "runtime/maps/user_ops.h"
#include "test/catch.h"
#include "test/maps/map_view.h"

using namespace bpftime;
using namespace bpftime::test;

namespace {

constexpr std::uint32_t kLruTypes[] = {9, 10};

std::unique_ptr<Map> make(std::uint32_t type, std::uint32_t entries, std::uint32_t flags = 0) {
    auto map = create_map(spec_of(type, 4, 8, entries, flags));
    REQUIRE(map);
    return *std::move(map);
}

int put(Map& map, std::uint32_t key, std::uint64_t flags = kUpdateAny) {
    const std::uint64_t value = key * 3ull;
    return map.update(&key, &value, flags);
}

// Keys there are; their values are right.
std::set<std::uint32_t> keys_of(Map& map) {
    std::set<std::uint32_t> keys;
    MapCursor cursor;
    MapEntry entry;
    while (map.next(cursor, entry)) {
        std::uint32_t key;
        std::memcpy(&key, entry.key, sizeof key);
        CHECK(keys.insert(key).second);
    }
    return keys;
}

}  // namespace

TEST_CASE("an LRU map that is full loses one element for each new key") {
    for (const std::uint32_t type : kLruTypes) {
        const auto map = make(type, 100);
        std::set<std::uint32_t> before;
        for (std::uint32_t key = 0; key < 1'000; ++key) {
            REQUIRE(put(*map, key) == 0);
            before.insert(key);
            const auto now = keys_of(*map);
            REQUIRE(now.contains(key));
            REQUIRE(std::ranges::includes(before, now));
            REQUIRE(now.size() == std::min(key + 1, 100u));
            REQUIRE(before.size() - now.size() == (key < 100 ? 0 : 1));
            before = now;
            if (key % 7 == 0) CHECK(map->lookup(&key) != nullptr);
        }
    }
}

TEST_CASE("elements that were used outlive those that were not") {
    for (const std::uint32_t type : kLruTypes) {
        const auto map = make(type, 200);
        std::mt19937 random(type);
        std::uint32_t fresh = 1'000;
        for (std::uint32_t key = 0; key < 200; ++key) REQUIRE(put(*map, key) == 0);
        for (int round = 0; round < 50; ++round) {
            // Everything unused once the hand has gone round, then some are used, by a lookup or an update.
            for (int i = 0; i < 400; ++i) put(*map, fresh++);
            const auto there = keys_of(*map);
            std::set<std::uint32_t> used;
            for (const std::uint32_t key : there) {
                if (random() % 3 != 0) continue;
                used.insert(key);
                if (random() % 2 == 0)
                    REQUIRE(map->lookup(&key) != nullptr);
                else
                    REQUIRE(put(*map, key, kUpdateExist) == 0);
            }
            for (std::size_t i = used.size(); i < 200; ++i) REQUIRE(put(*map, fresh++) == 0);
            const auto now = keys_of(*map);
            REQUIRE(std::ranges::includes(now, used));
        }
    }
}

TEST_CASE("updates that are refused evict nothing, and deletes make room") {
    for (const std::uint32_t type : kLruTypes) {
        const auto map = make(type, 10);
        for (std::uint32_t key = 0; key < 10; ++key) REQUIRE(put(*map, key) == 0);
        CHECK(put(*map, 3, kUpdateNoExist) == -EEXIST);
        CHECK(put(*map, 30, kUpdateExist) == -ENOENT);
        CHECK(put(*map, 30, 4) == -EINVAL);
        CHECK(keys_of(*map).size() == 10);
        const std::uint32_t gone = 4;
        CHECK(map->erase(&gone) == 0);
        CHECK(put(*map, 30) == 0);
        CHECK(keys_of(*map) == std::set<std::uint32_t>{0, 1, 2, 3, 5, 6, 7, 8, 9, 30});
    }
}

TEST_CASE("lookups through bpf(2) do not count as use") {
    const auto map = make(9, 50);
    for (std::uint32_t key = 0; key < 50; ++key) REQUIRE(put(*map, key) == 0);
    std::uint64_t value = 0;
    for (std::uint32_t key = 0; key < 25; ++key) REQUIRE(user_lookup(*map, &key, &value) == 0);
    for (std::uint32_t key = 100; key < 150; ++key) REQUIRE(put(*map, key) == 0);
    for (std::uint32_t key = 0; key < 50; ++key) CHECK(user_lookup(*map, &key, &value) == -ENOENT);
}

TEST_CASE("an LRU map of one element, and the capacity with BPF_F_NO_COMMON_LRU") {
    const auto one = make(9, 1);
    for (std::uint32_t key = 0; key < 100; ++key) {
        REQUIRE(put(*one, key) == 0);
        CHECK(keys_of(*one) == std::set<std::uint32_t>{key});
    }
    const std::uint32_t cpus = possible_cpus();
    const auto rounded = make(9, cpus + 1, 2);
    for (std::uint32_t key = 0; key < 10 * cpus; ++key) REQUIRE(put(*rounded, key) == 0);
    CHECK(keys_of(*rounded).size() == (cpus == 1 ? 2 : 2 * cpus));
}

TEST_CASE("threads that evict from each other lose nothing else") {
    for (const std::uint32_t type : kLruTypes) {
        const auto map = make(type, 64);
        std::atomic<std::uint64_t> refused{0}, wrong{0};
        std::vector<std::thread> threads;
        for (std::uint32_t me = 0; me < 4; ++me)
            threads.emplace_back([&, me] {
                std::mt19937 random(me);
                for (int i = 0; i < 100'000; ++i) {
                    const std::uint32_t key = random() % 300;
                    if (random() % 4 == 0) {
                        map->erase(&key);
                    } else if (random() % 2 == 0) {
                        refused += put(*map, key) != 0;
                    } else if (type == 9) {  // an element that is evicted meanwhile shows another key's value, whole
                        const auto* found = static_cast<const std::uint64_t*>(map->lookup(&key));
                        wrong += found != nullptr && __atomic_load_n(found, __ATOMIC_RELAXED) % 3 != 0;
                    }
                }
            });
        for (auto& thread : threads) thread.join();
        CHECK(refused == 0);
        CHECK(wrong == 0);
        CHECK(keys_of(*map).size() <= 64);
        // All elements are still there to be used.
        for (std::uint32_t key = 1'000; key < 1'064; ++key) REQUIRE(put(*map, key) == 0);
        CHECK(keys_of(*map).size() == 64);
        for (const std::uint32_t key : keys_of(*map)) CHECK(map->erase(&key) == 0);
        for (std::uint32_t key = 2'000; key < 2'064; ++key) REQUIRE(put(*map, key) == 0);
        CHECK(keys_of(*map).size() == 64);
    }
}
