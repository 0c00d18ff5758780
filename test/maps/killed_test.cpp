// Writers killed with kill -9 at any instant of an operation. What must hold afterwards, for those who live: no
// operation takes longer than 100 ms, keys that nobody deletes are there, no value of a map that replaces elements is
// torn, and the map holds exactly as many elements as it should.
#include <algorithm>
#include <cstring>
#include <random>
#include <set>

#include "runtime/maps/hash_table.h"
#include "runtime/maps/task_lock.h"
#include "runtime/maps/user_ops.h"
#include "test/maps/killed_child.h"
#include "test/maps/map_view.h"
#include "test/maps/shared_map.h"
#include "vm/core/kernel_names.h"

using namespace bpftime;
using namespace bpftime::test;

namespace {

constexpr std::uint32_t kEntries = 48, kStable = 8, kDeaths = 500;

struct Value {
    std::uint64_t key, number, same;  // `same` equals `number`
    std::uint8_t more[200];
};

// A key of 8 bytes for every type: of a trie 32 bits, which end in the number.
std::uint64_t key_of(MapType type, std::uint32_t number) {
    if (type != MapType::LpmTrie) return number;
    return std::uint64_t{__builtin_bswap32(number)} << 32 | 32;
}

Value value_of(std::uint64_t key, std::uint64_t number) {
    Value value{};
    value.key = key;
    value.number = value.same = number;
    std::memset(value.more, static_cast<int>(number), sizeof value.more);
    return value;
}

bool whole(const Value& value, std::uint64_t key) {
    const auto byte = static_cast<std::uint8_t>(value.number);
    return value.key == key && value.number == value.same &&
           std::ranges::all_of(value.more, [byte](std::uint8_t other) { return other == byte; });
}

class KeyedTest {
public:
    KeyedTest(MapType type, std::uint32_t flags)
        : type_(type),
          in_place_(type == MapType::PercpuHash || type == MapType::LruPercpuHash),
          evicts_(type == MapType::LruHash || type == MapType::LruPercpuHash),
          shared_(spec_of(static_cast<std::uint32_t>(type), 8, sizeof(Value), kEntries, flags)) {
        for (std::uint32_t i = 0; i < kStable; ++i) REQUIRE(put(*shared_.map, i, 1) == 0);
    }

    void run() {
        std::mt19937 random(static_cast<std::uint32_t>(type_));
        for (std::uint32_t i = 0; i < kDeaths; i += 2) {
            pid_t children[2];
            for (pid_t& child : children) {
                const std::uint32_t seed = random();
                child = start_doomed(random() % 600, [&] { write_for_ever(seed); });
            }
            bool wrongly = false;
            slowest_.alone = false;
            for (const pid_t child : children) {
                while (!has_died(child, wrongly)) write_once(random);
                REQUIRE(!wrongly);
            }
            slowest_.alone = true;
            for (int operations = 0; operations < 20; ++operations) write_once(random);
            check_values();
            if (i % 20 == 0) check_capacity();
        }
        INFO(map_type_name(static_cast<std::uint32_t>(type_)) << ", slowest operation " << slowest_.us << " us, " << slowest_.beyond << " beyond 100 ms");
        CHECK(slowest_.hung == 0);
        CHECK(refused_ == 0);
    }

private:
    int put(Map& map, std::uint32_t key, std::uint64_t number, std::uint64_t flags = kUpdateAny) const {
        const std::uint64_t name = key_of(type_, key);
        const Value value = value_of(name, number);
        return map.update(&name, &value, flags);
    }
    int remove(Map& map, std::uint32_t key) const {
        const std::uint64_t name = key_of(type_, key);
        return map.erase(&name);
    }

    int operation(Map& map, std::mt19937& random) const {
        const std::uint32_t key = random() % (kEntries * 2);
        if (key < kStable) return put(map, key, random());
        return random() % 2 == 0 ? remove(map, key) : put(map, key, random());
    }
    [[noreturn]] void write_for_ever(std::uint32_t seed) const {
        const auto mine = shared_.open();
        std::mt19937 random(seed);
        for (;;) operation(*mine, random);
    }
    void write_once(std::mt19937& random) {
        const int status = slowest_.time([&] { return operation(*shared_.map, random); });
        refused_ += status != 0 && status != -ENOENT && status != -E2BIG && status != -ENOSPC;
    }

    std::set<std::uint64_t> keys() {
        std::set<std::uint64_t> found;
        std::uint64_t key = 0, next = 0;
        const std::uint64_t* from = nullptr;
        while (slowest_.time([&] { return shared_.map->next_key(from, &next); }) == 0) {
            REQUIRE(found.insert(next).second);
            key = next;
            from = &key;
        }
        return found;
    }
    void check_values() {
        const auto there = keys();
        REQUIRE(there.size() <= kEntries);
        for (std::uint32_t i = 0; !evicts_ && i < kStable; ++i) REQUIRE(there.contains(key_of(type_, i)));
        Bytes copy(shared_.map->user_value_size());
        for (const std::uint64_t key : there) {
            REQUIRE(slowest_.time([&] { return user_lookup(*shared_.map, &key, copy.data()); }) == 0);
            Value value;
            std::memcpy(&value, copy.data(), sizeof value);
            if (!in_place_) REQUIRE(whole(value, key));
        }
    }
    // Every element that is not a stable key's goes; then as many new ones fit as there should, and no more.
    void check_capacity() {
        for (const std::uint64_t key : keys()) REQUIRE(shared_.map->erase(&key) == 0);
        for (std::uint32_t i = 0; i < kEntries; ++i) {
            int status = 1;
            for (const std::uint64_t begin = now_us(); status != 0 && now_us() - begin < 100'000;)
                status = slowest_.time([&] { return put(*shared_.map, i, i, kUpdateNoExist); });
            REQUIRE(status == 0);
        }
        if (!evicts_) REQUIRE(put(*shared_.map, kEntries, 1) == (type_ == MapType::LpmTrie ? -ENOSPC : -E2BIG));
        REQUIRE(keys().size() == kEntries);
        // As many updates in place of elements as there are spares, and more.
        for (std::uint32_t i = 0; i < kEntries; ++i) REQUIRE(put(*shared_.map, i, i + 1, kUpdateExist) == 0);
        for (std::uint32_t i = kStable; i < kEntries; ++i) REQUIRE(remove(*shared_.map, i) == 0);
    }

    MapType type_;
    bool in_place_, evicts_;
    SharedMap shared_;
    Slowest slowest_;
    std::uint64_t refused_ = 0;
};

}  // namespace

TEST_CASE("writers killed inside a hash") { KeyedTest(MapType::Hash, 0).run(); }
TEST_CASE("writers killed inside a per-CPU hash") { KeyedTest(MapType::PercpuHash, 0).run(); }
TEST_CASE("writers killed inside an LRU hash") { KeyedTest(MapType::LruHash, 0).run(); }
TEST_CASE("writers killed inside an LRU per-CPU hash") { KeyedTest(MapType::LruPercpuHash, 0).run(); }
TEST_CASE("writers killed inside an LPM trie") { KeyedTest(MapType::LpmTrie, 1).run(); }

TEST_CASE("writers killed inside a queue or a stack") {
    for (const MapType type : {MapType::Queue, MapType::Stack}) {
        SharedMap shared(spec_of(static_cast<std::uint32_t>(type), 0, sizeof(Value), 16));
        std::mt19937 random(7);
        Slowest slowest;
        Value value;
        for (std::uint32_t i = 0; i < kDeaths; ++i) {
            const pid_t child = start_doomed(random() % 400, [&] {
                const auto mine = shared.open();
                Value held;
                for (std::uint64_t number = 0;; ++number) {
                    if (mine->push(&(held = value_of(1, number)), kUpdateAny) != 0)
                        for (int pops = 0; pops < 9; ++pops) mine->pop(&held);
                }
            });
            bool wrongly = false;
            slowest.alone = false;
            while (!has_died(child, wrongly))
                if (slowest.time([&] { return shared.map->pop(&value); }) == 0) REQUIRE(whole(value, 1));
            REQUIRE(!wrongly);
            slowest.alone = true;
            while (slowest.time([&] { return shared.map->pop(&value); }) == 0) REQUIRE(whole(value, 1));
            value = value_of(1, i);
            for (int pushed = 0; pushed < 16; ++pushed) REQUIRE(shared.map->push(&value, kUpdateAny) == 0);
            REQUIRE(shared.map->push(&value, kUpdateAny) == -E2BIG);
        }
        INFO("slowest operation " << slowest.us << " us");
        CHECK(slowest.hung == 0);
    }
}

TEST_CASE("an element comes back though nobody touches the bucket that its writer died in") {
    constexpr std::uint32_t kZeroSeed = 1u << 6, kFull = 64;
    SharedMap shared(spec_of(static_cast<std::uint32_t>(MapType::Hash), 8, 8, kFull, kZeroSeed));
    for (std::uint64_t key = 0; key < kFull; ++key) REQUIRE(shared.map->update(&key, &key, kUpdateAny) == 0);
    auto* buckets = static_cast<HashBucket*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, shared.fd(), 0));
    REQUIRE(buckets != MAP_FAILED);
    const pid_t child = fork();
    if (child == 0) {
        for (;;) pause();
    }
    const std::uint32_t token = make_task_token(static_cast<std::uint32_t>(child));
    CHECK(!task_gone(token));
    kill(child, SIGKILL);
    REQUIRE(waitpid(child, nullptr, 0) == child);
    CHECK(task_gone(token));

    // As if killed in a delete, between taking the element out and giving it back.
    const auto bucket_of = [](std::uint64_t key) { return hash_key<8>(&key, 8, HashSeed{}) % (kFull / 4); };
    const auto left = bucket_of(0);
    const std::uint64_t marks = buckets[left].marks.load();
    REQUIRE((marks & 0xff) != 0);  // its first slot is taken
    buckets[left].marks.store(marks & ~std::uint64_t{0xff});
    buckets[left].owner.store(token);

    std::uint64_t added = kFull;
    while (bucket_of(added) == left) ++added;
    int status = -E2BIG;
    for (const std::uint64_t begin = now_us(); status == -E2BIG && now_us() - begin < 100'000;)
        status = shared.map->update(&added, &added, kUpdateAny);
    CHECK(status == 0);
    CHECK(buckets[left].owner.load() == 0);
    while (bucket_of(++added) == left) {
    }
    CHECK(shared.map->update(&added, &added, kUpdateAny) == -E2BIG);
    munmap(buckets, 4096);
}
