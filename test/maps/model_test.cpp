// Random operations on our maps against std::map.
#include "runtime/maps/hash.h"
#include "runtime/maps/user_ops.h"
#include "test/catch.h"
#include "test/maps/map_view.h"
#include "test/support/options.h"
#include "vm/core/kernel_names.h"

using namespace bpftime;
using namespace bpftime::test;

namespace {

struct Row {
    MapType type;
    std::uint32_t key, value, entries;
};
constexpr Row kRows[] = {
    {MapType::Array, 4, 8, 17},        {MapType::Array, 4, 13, 100},     {MapType::PercpuArray, 4, 8, 9},
    {MapType::PercpuArray, 4, 5, 50},  {MapType::Hash, 4, 8, 1},         {MapType::Hash, 4, 8, 64},
    {MapType::Hash, 8, 24, 200},       {MapType::Hash, 16, 1, 33},       {MapType::Hash, 1, 3, 7},
    {MapType::Hash, 12, 100, 500},     {MapType::Hash, 67, 8, 100},      {MapType::PercpuHash, 4, 8, 64},
    {MapType::PercpuHash, 8, 12, 200}, {MapType::PercpuHash, 24, 4, 31},
    {MapType::LruHash, 4, 8, 64},      {MapType::LruHash, 12, 100, 500},   {MapType::LruPercpuHash, 8, 12, 200},
    {MapType::Queue, 0, 8, 5},         {MapType::Queue, 0, 13, 100},       {MapType::Stack, 0, 4, 5},
    {MapType::Stack, 0, 100, 33},      {MapType::LpmTrie, 8, 8, 60},       {MapType::LpmTrie, 5, 1, 20},
    {MapType::LpmTrie, 20, 40, 300},   {MapType::LpmTrie, 260, 8, 100},    {MapType::LpmTrie, 7, 3, 1},
};

// Eviction has tests of its own (lru_test.cpp): here so few keys that there is none.
MapSpec keys_of(MapSpec spec) {
    if (is_lru(spec)) spec.max_entries = spec.max_entries / 2 - 1;
    return spec;
}

}  // namespace

TEST_CASE("maps do what a model over std::map does") {
    constexpr std::uint32_t kRounds = 30;
    const auto count = static_cast<std::uint32_t>(test_option("count", 240'000) / kRounds);  // of each row
    for (const Row& row : kRows) {
        for (std::uint32_t flags : {0u, 1u}) {
            const MapSpec spec = spec_of(static_cast<std::uint32_t>(row.type), row.key, row.value, row.entries, flags);
            if (!map_storage(spec)) continue;  // types that refuse BPF_F_NO_PREALLOC
            // Each map hashes with a seed of its own: many maps, so that rare collisions of marks come up.
            for (std::uint64_t round = 0; round < kRounds; ++round) {
                auto map = create_map(spec);
                REQUIRE(map);
                const auto ours = view_of(**map), model = model_of(spec, (*map)->user_value_size());
                INFO(map_type_name(spec.type)
                     << " key " << row.key << " value " << row.value << " entries " << row.entries);
                CHECK(compare_views(*ours, *model, keys_of(spec), (*map)->user_value_size(), round, count) == "");
            }
        }
    }
}
