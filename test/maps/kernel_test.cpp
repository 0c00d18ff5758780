// Our maps against the running kernel's: the same operations, the same errnos, the same values. Needs the right to
// create maps.
#include "runtime/maps/user_ops.h"
#include "test/catch.h"
#include "test/maps/map_view.h"
#include "test/support/skip.h"
#include "vm/core/kernel_names.h"

using namespace bpftime;
using namespace bpftime::test;

namespace {

constexpr std::uint32_t kTypes[] = {1, 2, 5, 6, 9, 10};

const bool kChecked = [] {
    if (auto map = kernel_map(spec_of(2, 4, 8, 1)); !map)
        skip_binary("the kernel gives this process no maps to compare with (" + map.error().cause + ")");
    return true;
}();

}  // namespace

TEST_CASE("random operations give the kernel's results") {
    std::mt19937_64 random(7);
    for (std::uint32_t round = 0; round < 90; ++round) {
        const std::uint32_t type = kTypes[round % 6];
        const bool array = type == 2 || type == 6;
        const auto key = static_cast<std::uint32_t>(array ? 4 : 1 + random() % 40);
        const auto value = static_cast<std::uint32_t>(1 + random() % 64);
        const auto entries = static_cast<std::uint32_t>(1 + random() % 200 + (type == 9 || type == 10 ? 64 : 0));
        const bool lru = type == 9 || type == 10;
        const MapSpec spec = spec_of(type, key, value, entries, array ? 0 : lru ? round / 6 % 2 * 2 : round / 6 % 2);
        MapSpec keys = spec;  // the kernel's LRU maps evict before they are full: few keys
        if (lru) keys.max_entries = std::max(1u, entries / 16);
        auto map = create_map(spec);
        auto kernel = kernel_map(spec);
        REQUIRE(map);
        REQUIRE(kernel);
        INFO(map_type_name(type) << " key " << key << " value " << value << " entries " << entries);
        CHECK(compare_views(*view_of(**map), **kernel, keys, (*map)->user_value_size(), round, 20'000) == "");
    }
}

TEST_CASE("shapes are accepted and refused as the kernel does") {
    constexpr std::uint32_t kKeys[] = {0, 1, 4, 4, 4, 8, 512, 4 << 20};
    constexpr std::uint32_t kValues[] = {0, 1, 8, 8, 32768, 32769, 4 << 20, 0x80000000};
    constexpr std::uint32_t kEntries[] = {0, 1, 2, 100};
    std::mt19937_64 random(11);
    std::uint32_t accepted = 0;
    for (std::uint32_t round = 0; round < 20'000; ++round) {
        MapSpec spec =
            spec_of(kTypes[random() % 6], kKeys[random() % 8], kValues[random() % 8], kEntries[random() % 4]);
        if (random() % 2 == 0) spec.flags = 1u << (random() % 13);
        if (random() % 8 == 0) spec.flags |= 1u << (random() % 13);
        if (random() % 50 == 0) spec.extra = 1;
        const auto ours = create_map(spec);
        const auto kernel = kernel_map(spec);
        INFO(map_type_name(spec.type) << " key " << spec.key_size << " value " << spec.value_size << " entries "
                                      << spec.max_entries << " flags " << spec.flags << " extra " << spec.extra);
        REQUIRE((ours ? 0 : ours.error().errnum) == (kernel ? 0 : kernel.error().errnum));
        accepted += ours.has_value();
    }
    CHECK(accepted > 500);
}
