#include <cstring>
#include <set>

#include "runtime/maps/cpus.h"
#include "runtime/maps/hash_table.h"
#include "runtime/maps/user_ops.h"
#include "test/catch.h"
#include "test/maps/map_view.h"
#include "vm/core/kernel_names.h"

using namespace bpftime;
using namespace bpftime::test;

namespace {

// A table with storage of its own.
class OwnTable {
public:
    explicit OwnTable(const HashShape& shape)
        : pages_(*Pages::reserve(*HashTable::storage_size(shape))), table_(shape, pages_.data(), true) {}
    const HashTable& operator*() const { return table_; }
    const HashTable* operator->() const { return &table_; }

private:
    Pages pages_;
    HashTable table_;
};

constexpr auto kHash = static_cast<std::uint32_t>(MapType::Hash);
constexpr auto kPercpuHash = static_cast<std::uint32_t>(MapType::PercpuHash);

std::unique_ptr<Map> make(const MapSpec& spec) {
    auto map = create_map(spec);
    REQUIRE(map);
    return std::move(*map);
}

std::uint64_t value_at(Map& map, std::uint64_t key) {
    const auto* value = static_cast<std::uint64_t*>(map.lookup(&key));
    return value == nullptr ? ~std::uint64_t{0} : *value;
}

// Puts `count` keys into one bucket of `table`, found by trying; their values are their numbers.
std::vector<std::uint64_t> colliding_keys(const HashTable& table, std::size_t count) {
    std::vector<std::uint64_t> keys;
    HashBucket* bucket = nullptr;
    for (std::uint64_t key = 0; keys.size() < count; ++key) {
        HashPlace place;
        table.lock(&key, place);
        if (bucket == nullptr) bucket = place.bucket;
        if (place.bucket == bucket) keys.push_back(key);
    }
    return keys;
}

std::uint32_t put(const HashTable& table, std::uint64_t key) {
    HashPlace place;
    table.lock(&key, place);
    REQUIRE(place.element == 0);
    const std::uint32_t number = table.allocate();
    if (number == 0) return 0;
    std::memcpy(table.element(number), &key, sizeof key);
    table.add(place, number);
    return number;
}

void drop(const HashTable& table, std::uint64_t key) {
    HashPlace place;
    table.lock(&key, place);
    REQUIRE(place.element != 0);
    table.remove(place);
}

std::set<std::uint64_t> walk(const HashTable& table) {
    std::set<std::uint64_t> keys;
    MapCursor cursor;
    std::uint64_t key;
    while (table.step(cursor, &key) != 0) REQUIRE(keys.insert(key).second);
    return keys;
}

}  // namespace

TEST_CASE("a value looked up keeps what it held when its key is updated") {
    const auto map = make(spec_of(kHash, 8, 8, 4));
    std::uint64_t key = 5, value = 1;
    REQUIRE(map->update(&key, &value, kUpdateAny) == 0);
    const auto* before = static_cast<std::uint64_t*>(map->lookup(&key));
    value = 2;
    REQUIRE(map->update(&key, &value, kUpdateExist) == 0);
    CHECK(*before == 1);
    CHECK(value_at(*map, 5) == 2);
}

TEST_CASE("a full hash map takes no new key, updates old ones, and takes another after a delete") {
    for (const std::uint32_t type : {kHash, kPercpuHash}) {
        const auto map = make(spec_of(type, 8, 8, 3));
        std::uint64_t key = 0;
        const std::uint64_t value = 9;
        for (; key < 3; ++key) REQUIRE(map->update(&key, &value, kUpdateNoExist) == 0);
        CHECK(map->update(&key, &value, kUpdateAny) == -E2BIG);
        CHECK(map->update(&key, &value, kUpdateExist) == -ENOENT);
        key = 1;
        for (int i = 0; i < 100; ++i) CHECK(map->update(&key, &value, kUpdateAny) == 0);
        CHECK(map->erase(&key) == 0);
        CHECK(map->erase(&key) == -ENOENT);
        key = 77;
        CHECK(map->update(&key, &value, kUpdateAny) == 0);
        CHECK(value_at(*map, 77) == 9);
        CHECK(map->lookup(&key) != nullptr);
    }
}

TEST_CASE("keys that collide beyond a bucket's slots are found, walked, replaced and removed") {
    const OwnTable made({.key_size = 8, .element_size = 8, .max_entries = 64, .spares = 4});
    const HashTable& table = *made;
    const auto keys = colliding_keys(table, 20);
    for (const std::uint64_t key : keys) REQUIRE(put(table, key) != 0);
    CHECK(table.overflowing() == 12);
    for (const std::uint64_t key : keys) CHECK(table.find<8>(&key) != 0);
    CHECK(walk(table) == std::set(keys.begin(), keys.end()));

    for (const std::uint64_t key : keys) {  // replace each, in slots and in the list
        HashPlace place;
        table.lock(&key, place);
        const std::uint32_t spare = table.take_spare();
        std::memcpy(table.element(spare), &key, sizeof key);
        table.replace(place, spare);
    }
    for (const std::uint64_t key : keys) CHECK(table.find<8>(&key) != 0);
    CHECK(walk(table) == std::set(keys.begin(), keys.end()));

    for (std::size_t i = 0; i < keys.size(); i += 2) drop(table, keys[i]);
    for (std::size_t i = 0; i < keys.size(); ++i) CHECK((table.find<8>(&keys[i]) != 0) == (i % 2 == 1));
    CHECK(walk(table).size() == 10);
    for (std::size_t i = 1; i < keys.size(); i += 2) drop(table, keys[i]);
    CHECK(walk(table).empty());
    for (std::uint64_t key = 1000; key < 1064; ++key) CHECK(put(table, key) != 0);  // every element came back
    CHECK(put(table, 2000) == 0);
}

TEST_CASE("an empty slot never looks like a key's, whatever lies below it") {
    using namespace hash_detail;
    for (std::uint64_t top = 0; top < 256; ++top) {
        const std::uint8_t mark = mark_of(top << 56);
        CHECK(matching(mark, mark) == 0x80);  // slot 0 taken, seven empty above
        CHECK(matching(std::uint64_t{mark} << 56, mark) == std::uint64_t{0x80} << 56);
        CHECK(first_slot(matching(mark, 0)) == 1);
    }
}

TEST_CASE("a walk may delete each element that it meets") {
    const OwnTable made({.key_size = 8, .element_size = 8, .max_entries = 64});
    const auto keys = colliding_keys(*made, 20);
    for (const std::uint64_t key : keys) REQUIRE(put(*made, key) != 0);
    MapCursor cursor;
    std::uint64_t key;
    std::size_t met = 0;
    for (; made->step(cursor, &key) != 0; ++met) drop(*made, key);
    CHECK(met == keys.size());
    CHECK(walk(*made).empty());
}

TEST_CASE("an operation inside another on the same bucket is busy, not stuck") {
    const auto map = make(spec_of(kHash, 8, 8, 1));
    const OwnTable made({.key_size = 8, .element_size = 8, .max_entries = 1});
    const std::uint64_t key = 1;
    HashPlace outer, inner;
    made->lock(&key, outer);
    made->lock(&key, inner);
    CHECK(outer.bucket != nullptr);
    CHECK(inner.bucket == nullptr);
}

TEST_CASE("keys spread over the buckets whatever their pattern") {
    // Half the slots are filled on average; were keys thrown at random, 2 to 3 in 100 would overflow.
    constexpr std::uint32_t kCount = 1 << 16;
    for (const std::uint64_t step : {1ull, 8ull, 4096ull, 1ull << 32, 1ull << 44, 0x10001ull, 0x9e3779b97f4a7c15ull}) {
        const OwnTable made({.key_size = 8, .element_size = 8, .max_entries = kCount});
        for (std::uint64_t i = 0; i < kCount; ++i) put(*made, i * step);
        INFO("step " << step);
        CHECK(made->overflowing() < kCount / 25);
    }
}

TEST_CASE("a new key of a per-CPU hash is zero on other CPUs, also in a reused element") {
    const auto map = make(spec_of(kPercpuHash, 8, 8, 1));
    std::uint64_t key = 1;
    const std::vector<std::uint64_t> all(possible_cpus(), 7);
    REQUIRE(user_update(*map, &key, all.data()) == 0);
    REQUIRE(map->erase(&key) == 0);
    key = 2;
    const std::uint64_t value = 3;
    REQUIRE(map->update(&key, &value, kUpdateAny) == 0);
    std::vector<std::uint64_t> read(possible_cpus());
    REQUIRE(user_lookup(*map, &key, read.data()) == 0);
    std::uint64_t sum = 0;
    for (const std::uint64_t one : read) sum += one;
    CHECK(sum == 3);
    CHECK(map->lookup_cpu(&key, possible_cpus()) == nullptr);
    CHECK(map->lookup_cpu(&key, 0) != nullptr);
}

TEST_CASE("elements cost memory only when used") {
    const auto map = make(spec_of(kHash, 8, 64, 100'000'000));  // gigabytes of address space
    const std::uint64_t key = 1, value[8] = {};
    CHECK(map->update(&key, value, kUpdateAny) == 0);
}
