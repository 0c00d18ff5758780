// Our maps against the running kernel's: the same operations, the same errnos, the same values. Needs the right to
// create maps.
#include "runtime/maps/user_ops.h"
#include "test/catch.h"
#include "test/maps/map_view.h"
#include "test/support/options.h"
#include "test/support/skip.h"
#include "vm/core/kernel_names.h"

using namespace bpftime;
using namespace bpftime::test;

namespace {

constexpr std::uint32_t kTypes[] = {1, 2, 5, 6, 9, 10, 11, 22, 23};
constexpr std::uint32_t kMoreTypes[] = {3, 4, 7, 12, 13, 30, 31};  // with tests of their own
constexpr std::uint32_t kCount = std::size(kTypes);

bool is_array(std::uint32_t type) { return type == 2 || type == 6; }
bool is_queue(std::uint32_t type) { return type == 22 || type == 23; }
bool evicts(std::uint32_t type) { return type == 9 || type == 10; }

MapSpec random_spec(std::uint32_t type, std::mt19937_64& random, bool other_flags) {
    const auto value = static_cast<std::uint32_t>(1 + random() % 64);
    const auto entries = static_cast<std::uint32_t>(1 + random() % 200);
    if (type == 11) return spec_of(type, static_cast<std::uint32_t>(5 + random() % 20), value, entries, 1);
    if (is_array(type)) return spec_of(type, 4, value, entries);
    if (is_queue(type)) return spec_of(type, 0, value, entries);
    const auto key = static_cast<std::uint32_t>(1 + random() % 40);
    if (evicts(type)) return spec_of(type, key, value, entries + 64, other_flags ? 2 : 0);
    return spec_of(type, key, value, entries, other_flags ? 1 : 0);
}

const bool kChecked = [] {
    if (auto map = kernel_map(spec_of(2, 4, 8, 1)); !map)
        skip_binary("the kernel gives this process no maps to compare with (" + map.error().cause + ")");
    return true;
}();

}  // namespace

TEST_CASE("random operations give the kernel's results") {
    std::mt19937_64 random(7);
    constexpr std::uint32_t kRounds = 15;
    const auto count = static_cast<std::uint32_t>(test_option("count", 300'000) / kRounds);  // of each type
    for (std::uint32_t round = 0; round < kRounds * kCount; ++round) {
        const MapSpec spec = random_spec(kTypes[round % kCount], random, round / kCount % 2 == 0);
        MapSpec keys = spec;  // the kernel's LRU maps evict before they are full: few keys
        if (evicts(spec.type)) keys.max_entries = spec.max_entries / 16;
        auto map = create_map(spec);
        auto kernel = kernel_map(spec);
        REQUIRE(map);
        REQUIRE(kernel);
        INFO(map_type_name(spec.type) << " key " << spec.key_size << " value " << spec.value_size << " entries "
                                      << spec.max_entries);
        CHECK(compare_views(*view_of(**map), **kernel, keys, (*map)->user_value_size(), round, count) == "");
    }
}

TEST_CASE("maps of maps and of programs do what the kernel's do") {
    for (const std::uint32_t type : {3u, 12u, 13u}) {
        for (std::uint64_t seed = 0; seed < 2; ++seed) {
            const MapSpec spec = spec_of(type, 4, 4, 20);
            const auto objects = kernel_objects(type);
            REQUIRE(objects.size() == 3);
            // In the kernel each update waits for readers: few operations. An update with 0 is one with a bad
            // descriptor.
            std::vector<std::uint32_t> ids{0};
            for (const KernelObject& object : objects) ids.push_back(object.id);
            auto map = create_map(spec);
            auto kernel = kernel_map(spec);
            REQUIRE(map);
            REQUIRE(kernel);
            const auto theirs = by_id(*std::move(kernel), objects);
            INFO(map_type_name(type));
            CHECK(compare_views(*view_of(**map), *theirs, spec, 4, seed, 400, ids) == "");
        }
    }
}

TEST_CASE("maps that only programs fill refuse as the kernel's do") {
    for (const MapSpec& spec : {spec_of(7, 4, 64, 20), spec_of(7, 4, 320, 16, 32)}) {
        auto map = create_map(spec);
        auto kernel = kernel_map(spec);
        REQUIRE(map);
        REQUIRE(kernel);
        INFO(map_type_name(spec.type));
        CHECK(compare_views(*view_of(**map), **kernel, spec, spec.value_size, 1, 3'000) == "");
    }
    const MapSpec events = spec_of(4, 4, 4, 3);
    auto map = create_map(events);
    auto kernel = kernel_map(events);
    REQUIRE(map);
    REQUIRE(kernel);
    const auto ours = view_of(**map);
    for (const std::uint8_t index : {0, 2, 3, 200}) {
        Bytes key{index, 0, 0, 0}, value(4), next(4);
        CHECK(ours->lookup(key, value, 0) == (*kernel)->lookup(key, value, 0));
        CHECK(ours->erase(key) == (*kernel)->erase(key));
        CHECK(ours->take(key, value) == (*kernel)->take(key, value));
        CHECK(ours->next_key(&key, next) == (*kernel)->next_key(&key, next));
        for (const std::uint64_t flags : {0, 1, 2, 4})
            CHECK(ours->update(key, value, flags) == (*kernel)->update(key, Bytes(4, 0xff), flags));
    }
}

TEST_CASE("shapes are accepted and refused as the kernel does") {
    constexpr std::uint32_t kKeys[] = {0, 0, 1, 4, 4, 5, 8, 260, 261, 512, 4 << 20};
    constexpr std::uint32_t kValues[] = {
        0,    1,    4,     8,     8,       8,       32,      1016,          1024,
        4064, 4096, 32768, 32769, 4194024, 4194025, 4 << 20, (4 << 20) + 1, 0x80000000};
    constexpr std::uint32_t kEntries[] = {0, 1, 2, 100};
    std::mt19937_64 random(11);
    std::uint32_t accepted = 0;
    for (std::uint32_t round = 0; round < 40'000; ++round) {
        MapSpec spec =
            spec_of(random() % 2 == 0 ? kMoreTypes[random() % std::size(kMoreTypes)] : kTypes[random() % kCount],
                    kKeys[random() % std::size(kKeys)], kValues[random() % std::size(kValues)], kEntries[random() % 4],
                    random() % 2 == 0 ? 1u << (random() % 13) : random() % 2);
        if (random() % 8 == 0) spec.flags |= 1u << (random() % 13);
        if (random() % 50 == 0) spec.extra = random() % 20;
        const auto ours = create_map(spec);
        const auto kernel = kernel_map(spec);
        INFO(map_type_name(spec.type) << " key " << spec.key_size << " value " << spec.value_size << " entries "
                                      << spec.max_entries << " flags " << spec.flags << " extra " << spec.extra);
        REQUIRE((ours ? 0 : ours.error().errnum) == (kernel ? 0 : kernel.error().errnum));
        accepted += ours.has_value();
    }
    CHECK(accepted > 500);
}

TEST_CASE("a bloom filter answers as the kernel's, but for values that were not pushed") {
    std::mt19937_64 random(3);
    for (const std::uint64_t extra : {0, 1, 3, 15}) {
        MapSpec spec = spec_of(30, 0, 8, 500);
        spec.extra = extra;
        auto map = create_map(spec);
        auto kernel = kernel_map(spec);
        REQUIRE(map);
        REQUIRE(kernel);
        const auto ours = view_of(**map);
        Bytes key, next, value(8);
        const auto both = [&](auto call) {
            const int a = call(*ours), b = call(**kernel);
            CHECK(a == b);
            return a;
        };
        for (const std::uint64_t flags : {1, 2, 3, 4, 8})
            CHECK(both([&](MapView& view) { return view.update(key, value, flags); }) < 0);
        CHECK(both([&](MapView& view) { return view.lookup(key, value, 4); }) < 0);
        CHECK(both([&](MapView& view) { return view.erase(key); }) < 0);
        CHECK(both([&](MapView& view) { return view.take(key, value); }) < 0);
        CHECK(both([&](MapView& view) { return view.next_key(nullptr, next); }) < 0);
        std::vector<Bytes> pushed;
        for (int i = 0; i < 500; ++i) {
            for (auto& byte : value) byte = static_cast<std::uint8_t>(random());
            CHECK(both([&](MapView& view) { return view.update(key, value, 0); }) == 0);
            pushed.push_back(value);
        }
        for (Bytes& known : pushed) CHECK(both([&](MapView& view) { return view.lookup(key, known, 0); }) == 0);
        int mistaken = 0, kernel_mistaken = 0;
        for (int i = 0; i < 20'000; ++i) {
            for (auto& byte : value) byte = static_cast<std::uint8_t>(random());
            mistaken += ours->lookup(key, value, 0) == 0;
            kernel_mistaken += (*kernel)->lookup(key, value, 0) == 0;
        }
        INFO("hashes " << extra << ": mistakes " << mistaken << ", the kernel's " << kernel_mistaken << " of 20000");
        CHECK(mistaken < kernel_mistaken * 5 / 4 + 40);
    }
}
