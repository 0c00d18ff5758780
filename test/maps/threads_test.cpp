// Several threads on one map. What must hold: stable keys are always found, values are never torn, nothing is lost or
// leaked.
#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "runtime/maps/user_ops.h"
#include "test/catch.h"
#include "vm/core/kernel_names.h"

using namespace bpftime;

namespace {

struct Pair {
    std::uint64_t first, second;  // equal when whole
};

std::unique_ptr<Map> make(MapType type, std::uint32_t value_size, std::uint32_t entries, std::uint32_t key_size = 8) {
    MapSpec spec;
    spec.name = "threads";
    spec.type = static_cast<std::uint32_t>(type);
    spec.key_size = key_size;
    spec.value_size = value_size;
    spec.max_entries = entries;
    auto map = create_map(spec);
    REQUIRE(map);
    return std::move(*map);
}

template <class Work>
void in_threads(std::uint32_t count, Work work) {
    std::vector<std::thread> threads;
    for (std::uint32_t i = 0; i < count; ++i) threads.emplace_back([=] { work(i); });
    for (auto& thread : threads) thread.join();
}

}  // namespace

TEST_CASE("a key that stays is found while all around it come, go and are replaced") {
    // 40 stable keys among 64 that churn, in a table small enough to overflow its buckets.
    const auto map = make(MapType::Hash, sizeof(Pair), 104);
    for (std::uint64_t key = 0; key < 40; ++key) {
        const Pair value{key, key};
        REQUIRE(map->update(&key, &value, kUpdateAny) == 0);
    }
    std::atomic<std::uint64_t> missed{0}, torn{0}, refused{0};
    std::atomic<bool> done{false};
    Map* m = map.get();
    in_threads(4, [&, m](std::uint32_t me) {
        std::mt19937_64 random(me);
        for (int i = 0; me < 2 && i < 300'000; ++i) {
            const std::uint64_t key = random() % 104;
            const Pair value{random(), 0};
            const Pair equal{value.first, value.first};
            if (key < 40)
                refused += m->update(&key, &equal, kUpdateExist) != 0;
            else if (random() % 2 == 0)
                m->update(&key, &equal, kUpdateAny);
            else
                m->erase(&key);
        }
        if (me < 2) done = true;
        while (me >= 2 && !done) {
            const std::uint64_t key = random() % 40;
            Pair copy{};
            missed += m->lookup(&key) == nullptr;
            missed += user_lookup(*m, &key, &copy) != 0;
            torn += copy.first != copy.second && copy.first != key;
        }
    });
    CHECK(missed == 0);
    CHECK(torn == 0);
    CHECK(refused == 0);
}

TEST_CASE("an element reused for another key while a reader compares it is not taken for an absence") {
    // Long keys make the comparison long; each replacement reuses the element that the one before gave back.
    struct Key {
        std::uint64_t words[128];
    };
    const auto map = make(MapType::Hash, 8, 2, sizeof(Key));
    static Key keys[2] = {};
    keys[1].words[127] = 1;  // the last that is compared
    for (const Key& key : keys) REQUIRE(map->update(&key, &key, kUpdateAny) == 0);
    Map* m = map.get();
    std::atomic<bool> done{false};
    std::atomic<std::uint64_t> missed{0};
    in_threads(2, [&, m](std::uint32_t me) {
        for (int i = 0; me == 0 && i < 2'000'000; ++i) m->update(&keys[i % 2], &keys[i % 2], kUpdateExist);
        if (me == 0) done = true;
        for (int i = 0; me == 1 && !done; ++i) missed += m->lookup(&keys[i % 2]) == nullptr;
    });
    CHECK(missed == 0);
}

TEST_CASE("inserts and deletes of several threads leave no element behind") {
    for (const MapType type : {MapType::Hash, MapType::PercpuHash}) {
        constexpr std::uint32_t kEntries = 1000;
        const auto map = make(type, 8, kEntries);
        Map* m = map.get();
        std::atomic<std::uint64_t> failures{0};
        in_threads(4, [&, m](std::uint32_t me) {
            for (std::uint64_t round = 0; round < 200; ++round) {
                for (std::uint64_t i = 0; i < 250; ++i) {
                    const std::uint64_t key = me * 1'000'000 + round * 250 + i;
                    failures += m->update(&key, &key, kUpdateNoExist) != 0;
                }
                for (std::uint64_t i = 0; i < 250; ++i) {
                    const std::uint64_t key = me * 1'000'000 + round * 250 + i;
                    failures += m->erase(&key) != 0;
                }
            }
        });
        CHECK(failures == 0);
        std::uint64_t key;
        CHECK(map->next_key(nullptr, &key) == -ENOENT);
        for (key = 0; key < kEntries; ++key) REQUIRE(map->update(&key, &key, kUpdateNoExist) == 0);
        CHECK(map->update(&key, &key, kUpdateNoExist) == -E2BIG);
    }
}

TEST_CASE("one of several threads wins a NOEXIST update") {
    const auto map = make(MapType::Hash, 8, 20'000);
    Map* m = map.get();
    std::atomic<std::uint64_t> won{0};
    in_threads(4, [&, m](std::uint32_t me) {
        const std::uint64_t value = me;
        for (std::uint64_t key = 0; key < 20'000; ++key) won += m->update(&key, &value, kUpdateNoExist) == 0;
    });
    CHECK(won == 20'000);
}

TEST_CASE("walks end and meet every key that stays while others churn") {
    const auto map = make(MapType::Hash, 8, 200);
    for (std::uint64_t key = 0; key < 50; ++key) REQUIRE(map->update(&key, &key, kUpdateAny) == 0);
    Map* m = map.get();
    std::atomic<bool> done{false};
    std::atomic<std::uint64_t> wrong{0};
    in_threads(2, [&, m](std::uint32_t me) {
        std::mt19937_64 random(me);
        while (me == 0 && !done) {
            const std::uint64_t key = 50 + random() % 150;
            if (random() % 2 == 0)
                m->update(&key, &key, kUpdateAny);
            else
                m->erase(&key);
        }
        for (int round = 0; me == 1 && round < 2000; ++round) {
            std::vector<int> met(200);
            MapCursor cursor;
            MapEntry entry;
            while (m->next(cursor, entry)) {
                const std::uint64_t key = *static_cast<const std::uint64_t*>(entry.key);
                if (key >= 200)
                    wrong += 1;
                else
                    ++met[key];
            }
            for (std::size_t key = 0; key < 50; ++key) wrong += met[key] != 1;
        }
        if (me == 1) done = true;
    });
    CHECK(wrong == 0);
}

TEST_CASE("the longest prefix that stays is found while others come and go") {
    MapSpec spec;
    spec.type = static_cast<std::uint32_t>(MapType::LpmTrie);
    spec.key_size = 8;
    spec.value_size = sizeof(Pair);
    spec.max_entries = 600;
    spec.flags = 1;
    const auto map = *create_map(spec);
    struct Key {
        std::uint32_t count;
        std::uint8_t bits[4];
    };
    // Whole addresses that stay, and prefixes of theirs, among which walks lead, that come and go.
    constexpr std::uint32_t kStays = 64;
    const auto address = [](std::uint32_t i, std::uint32_t count) {
        return Key{count,
                   {static_cast<std::uint8_t>(i * 4), static_cast<std::uint8_t>(i * 37),
                    static_cast<std::uint8_t>(i * 11), 1}};
    };
    for (std::uint32_t i = 0; i < kStays; ++i) {
        const Key key = address(i, 32);
        const Pair value{i, i};
        REQUIRE(map->update(&key, &value, kUpdateAny) == 0);
    }
    std::atomic<std::uint64_t> wrong{0}, refused{0};
    std::atomic<bool> done{false};
    Map* m = map.get();
    in_threads(4, [&, m](std::uint32_t me) {
        std::mt19937 random(me);
        for (int i = 0; me < 2 && i < 100'000; ++i) {
            const auto which = static_cast<std::uint32_t>(random());
            const Key key = address(which % kStays, static_cast<std::uint32_t>(random() % 32));
            const Pair value{~0ull, ~0ull};
            const int status = random() % 2 == 0 ? m->erase(&key) : m->update(&key, &value, kUpdateAny);
            refused += status != 0 && status != -ENOENT && status != -ENOSPC;
        }
        done = done || me < 2;
        while (me >= 2 && !done) {
            const auto which = static_cast<std::uint32_t>(random() % kStays);
            const Key key = address(which, 32);
            const auto* value = static_cast<const Pair*>(m->lookup(&key));
            wrong += value == nullptr || value->first != which || value->second != which;
        }
    });
    CHECK(wrong == 0);
    CHECK(refused == 0);
}
