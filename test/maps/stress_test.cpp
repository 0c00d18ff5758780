// Four writers and two readers on one map, for --seconds in all (2): no value torn that the kernel would not tear, no key
// lost, every addition in the sum.
#include <atomic>
#include <chrono>
#include <random>
#include <thread>

#include "runtime/maps/program_run.h"
#include "runtime/maps/spin_lock.h"
#include "runtime/maps/user_ops.h"
#include "test/catch.h"
#include "test/maps/map_view.h"
#include "test/support/options.h"
#include "vm/core/kernel_names.h"

using namespace bpftime;
using namespace bpftime::test;

namespace {

constexpr std::uint32_t kWriters = 4, kReaders = 2;
constexpr std::uint32_t kCounters = 8, kWhole = 8, kChurned = 64;  // keys: counted in, replaced, and of each writer

struct Value {
    std::uint64_t number = 0;
    std::uint32_t lock = 0, low = 0;  // `low` and `rest` follow from `number`
    std::uint64_t rest[5] = {};
    static Value of(std::uint64_t number) {
        Value value;
        value.number = number;
        value.low = static_cast<std::uint32_t>(number);
        for (std::uint64_t& word : value.rest) word = ~number;
        return value;
    }
    bool whole() const {
        for (const std::uint64_t word : rest)
            if (word != ~number) return false;
        return low == static_cast<std::uint32_t>(number);
    }
};

struct Row {
    MapType type;
    bool locked;  // values have a spin lock
};
constexpr Row kRows[] = {{MapType::Array, false}, {MapType::Array, true},    {MapType::Hash, false},
                         {MapType::Hash, true},   {MapType::LruHash, false}, {MapType::LpmTrie, false}};
constexpr MapType kPercpu[] = {MapType::PercpuArray, MapType::PercpuHash, MapType::LruPercpuHash};

// The rows share the time.
std::chrono::duration<double> slice() {
    return std::chrono::duration<double>(static_cast<double>(test_option("seconds", 2)) /
                                         (std::size(kRows) + std::size(kPercpu)));
}

struct Key {
    std::uint32_t words[2];
};

// A key of 4 bytes, or of a trie 32 bits.
Key key_of(MapType type, std::uint32_t number) {
    return type == MapType::LpmTrie ? Key{{32, __builtin_bswap32(number)}} : Key{{number, 0}};
}

std::unique_ptr<Map> make(MapType type, std::uint32_t value_size) {
    const bool trie = type == MapType::LpmTrie;
    constexpr std::uint32_t kEntries = kCounters + kWhole + kWriters * kChurned;
    auto map = create_map(spec_of(static_cast<std::uint32_t>(type), trie ? 8 : 4, value_size, kEntries, trie ? 1 : 0));
    REQUIRE(map);
    return *std::move(map);
}

// Runs writers until the time is up, and readers until the writers are done.
template <class Write, class Read>
void for_a_while(Write write, Read read) {
    std::atomic<bool> done{false};
    std::vector<std::thread> threads;
    const auto end = std::chrono::steady_clock::now() + slice();
    for (std::uint32_t me = 0; me < kWriters; ++me)
        threads.emplace_back([=] {
            while (std::chrono::steady_clock::now() < end) write(me);
        });
    for (std::uint32_t me = 0; me < kReaders; ++me)
        threads.emplace_back([&done, read] {
            while (!done) read();
        });
    for (std::uint32_t i = 0; i < kWriters; ++i) threads[i].join();
    done = true;
    for (std::uint32_t i = kWriters; i < threads.size(); ++i) threads[i].join();
}

struct Found {
    std::atomic<std::uint64_t> torn{0}, lost{0}, refused{0}, added{0}, reads{0};
};

class Stress {
public:
    explicit Stress(const Row& row) : type_(row.type), locked_(row.locked), map_(make(row.type, sizeof(Value))) {
        if (locked_) map_->set_spin_lock(offsetof(Value, lock));
        for (std::uint32_t number = 0; number < kCounters + kWhole; ++number) {
            const Key key = key_of(type_, number);
            const Value value = number < kCounters ? Value() : Value::of(number);
            REQUIRE(map_->update(&key, &value, kUpdateAny) == 0);
        }
    }

    void run() {
        std::mt19937 random[kWriters];
        std::vector<std::uint64_t> there(kWriters * kChurned);  // what each writer left; 0: nothing
        std::uint64_t numbers[kWriters] = {};
        for_a_while(
            [&](std::uint32_t me) {
                for (int i = 0; i < 64; ++i) {
                    count(random[me]() % kCounters);
                    replace(kCounters + random[me]() % kWhole, ++numbers[me] * kWriters + me);
                    if (type_ != MapType::Array) churn(me, random[me], there, numbers[me]);
                }
            },
            [&] { look(); });
        std::uint64_t sum = 0;
        for (std::uint32_t number = 0; number < kCounters; ++number) sum += counter(number);
        CHECK(sum == found.added);
        for (std::uint32_t i = 0; type_ != MapType::Array && i < there.size(); ++i) {
            const Key key = key_of(type_, kCounters + kWhole + i);
            Value value;
            const int error = user_lookup(*map_, &key, &value);
            CHECK((there[i] == 0 ? error == -ENOENT : error == 0 && value.number == there[i] && value.whole()));
        }
    }

    Found found;

private:
    std::uint64_t& counter(std::uint32_t number) {
        const Key key = key_of(type_, number);
        static std::uint64_t nowhere = 0;
        auto* const value = static_cast<Value*>(map_->lookup(&key));
        found.lost += value == nullptr;
        return value == nullptr ? nowhere : value->number;
    }
    void count(std::uint32_t number) {
        std::atomic_ref(counter(number)).fetch_add(1, std::memory_order_relaxed);
        found.added.fetch_add(1, std::memory_order_relaxed);
    }
    // What the kernel promises to show whole: values of a hash, which are replaced; others under their lock; else words.
    void replace(std::uint32_t number, std::uint64_t content) {
        const Key key = key_of(type_, number);
        const Value value = Value::of(content);
        if (type_ == MapType::Array && !locked_)
            std::atomic_ref(static_cast<Value*>(map_->lookup(&key))->number)
                .store(content << 32 | (content & 0xffffffff), std::memory_order_relaxed);
        else
            found.refused += map_->update(&key, &value, kUpdateExist | (locked_ ? kUpdateLock : 0)) != 0;
    }
    void churn(std::uint32_t me, std::mt19937& random, std::vector<std::uint64_t>& there, std::uint64_t content) {
        const std::uint32_t at = me * kChurned + random() % kChurned;
        const Key key = key_of(type_, kCounters + kWhole + at);
        const Value value = Value::of(content);
        const bool present = there[at] != 0;
        const bool removes = present && random() % 2 == 0;
        const int error = removes ? map_->erase(&key) : map_->update(&key, &value, present ? kUpdateExist : kUpdateNoExist);
        found.lost += error != 0;
        there[at] = removes ? 0 : content;
    }
    void look() {
        for (std::uint32_t number = kCounters; number < kCounters + kWhole; ++number) {
            const Key key = key_of(type_, number);
            Value value;
            const int error = user_lookup(*map_, &key, &value, locked_ ? kUpdateLock : 0);
            found.lost += error != 0;
            if (type_ == MapType::Array && !locked_)
                found.torn += value.number != number && (value.number >> 32) != (value.number & 0xffffffff);
            else
                found.torn += error == 0 && !value.whole();
            found.reads.fetch_add(1, std::memory_order_relaxed);
        }
    }

    MapType type_;
    bool locked_;
    std::unique_ptr<Map> map_;
};

}  // namespace

TEST_CASE("four writers and two readers: nothing torn, nothing lost, sums exact") {
    for (const Row& row : kRows) {
        INFO(map_type_name(static_cast<std::uint32_t>(row.type)) << (row.locked ? " with a lock" : ""));
        Stress stress(row);
        stress.run();
        CHECK(stress.found.torn == 0);
        CHECK(stress.found.lost == 0);
        CHECK(stress.found.refused == 0);
        CHECK(stress.found.added > 100);
        CHECK(stress.found.reads > 100);
    }
}

TEST_CASE("four writers add plainly to per-CPU values while two readers look: sums exact") {
    for (const MapType type : kPercpu) {
        INFO(map_type_name(static_cast<std::uint32_t>(type)));
        const auto map = make(type, 8);
        const std::vector<std::uint64_t> zeros(possible_cpus());
        for (std::uint32_t key = 0; key < kCounters; ++key) REQUIRE(user_update(*map, &key, zeros.data()) == 0);
        Found found;
        for_a_while(
            [&](std::uint32_t me) {
                const ProgramRun run(private_cpu_slots());
                for (std::uint32_t i = 0; i < 64; ++i) {
                    const std::uint32_t key = (me + i) % kCounters;
                    auto* const value = static_cast<volatile std::uint64_t*>(map->lookup(&key));
                    found.lost += value == nullptr;
                    if (value != nullptr) *value = *value + 1;
                }
                found.added.fetch_add(64, std::memory_order_relaxed);
            },
            [&] {
                std::vector<std::uint64_t> values(possible_cpus());
                for (std::uint32_t key = 0; key < kCounters; ++key)
                    found.lost += user_lookup(*map, &key, values.data()) != 0;
            });
        std::uint64_t sum = 0;
        for (std::uint32_t key = 0; key < kCounters; ++key) {
            std::vector<std::uint64_t> values(possible_cpus());
            REQUIRE(user_lookup(*map, &key, values.data()) == 0);
            for (const std::uint64_t value : values) sum += value;
        }
        CHECK(sum == found.added);
        CHECK(found.lost == 0);
        CHECK(found.added > 100);
    }
}
