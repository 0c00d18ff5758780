#include <cstring>

#include "runtime/maps/cpus.h"
#include "runtime/maps/user_ops.h"
#include "test/catch.h"
#include "test/maps/map_view.h"
#include "vm/core/kernel_names.h"

using namespace bpftime;
using namespace bpftime::test;

namespace {

constexpr auto kArray = static_cast<std::uint32_t>(MapType::Array);
constexpr auto kPercpuArray = static_cast<std::uint32_t>(MapType::PercpuArray);

std::unique_ptr<Map> make(const MapSpec& spec) {
    auto map = create_map(spec);
    REQUIRE(map);
    return std::move(*map);
}

}  // namespace

TEST_CASE("an array's values lie in a row, 8 bytes apart at least") {
    const auto map = make(spec_of(kArray, 4, 5, 3));
    CHECK(map->stride() == 8);
    for (std::uint32_t i = 0; i < 3; ++i) CHECK(map->lookup(&i) == map->values() + i * 8);
    const std::uint32_t beyond = 3;
    CHECK(map->lookup(&beyond) == nullptr);
    const MapBinding binding = map->binding();
    CHECK(binding.handle == reinterpret_cast<std::uintptr_t>(map.get()));
    CHECK(binding.values == reinterpret_cast<std::uintptr_t>(map->values()));
    CHECK(binding.stride == 8);
}

TEST_CASE("updating an array writes value_size bytes and no more") {
    const auto map = make(spec_of(kArray, 4, 5, 2));
    std::memset(map->values(), 0xee, 16);
    const std::uint32_t index = 0;
    CHECK(map->update(&index, "abcde", kUpdateAny) == 0);
    CHECK(std::memcmp(map->values(), "abcde\xee\xee\xee\xee", 9) == 0);
}

TEST_CASE("initial contents become the first value and freezing stops user writes only") {
    MapSpec spec = spec_of(kArray, 4, 8, 1, 0x80);
    spec.contents = {1, 2, 3};
    spec.frozen = true;
    const auto map = make(spec);
    const std::uint32_t index = 0;
    std::uint64_t value = 0;
    CHECK(user_lookup(*map, &index, &value) == 0);
    CHECK(value == 0x030201);
    CHECK(user_update(*map, &index, &value) == -EPERM);
    CHECK(user_delete(*map, &index) == -EPERM);
    CHECK(map->update(&index, &value, kUpdateAny) == 0);
    spec.contents.resize(9);
    const auto refused = create_map(spec);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().cause == "map 'test': initial contents of 9 bytes exceed the value size 8");
}

TEST_CASE("a type that is missing is named beside those that are there") {
    const auto refused = create_map(spec_of(static_cast<std::uint32_t>(MapType::Sockmap), 4, 4, 4));
    REQUIRE_FALSE(refused);
    CHECK(to_string(refused.error()).starts_with("map 'test': type sockmap is not supported here; supported are hash, array, "));
    for (const std::uint32_t type : supported_map_types())
        CHECK(to_string(refused.error()).find(map_type_name(type)) != std::string::npos);
}

TEST_CASE("programs see their CPU's values of a per-CPU array, users all of them") {
    const auto map = make(spec_of(kPercpuArray, 4, 5, 2));
    const std::uint32_t index = 1, beyond = 2;
    CHECK(map->user_value_size() == 8 * possible_cpus());
    for (std::uint32_t cpu = 0; cpu < possible_cpus(); ++cpu) {
        auto* value = static_cast<std::uint8_t*>(map->lookup_cpu(&index, cpu));
        REQUIRE(value != nullptr);
        *value = static_cast<std::uint8_t>(cpu + 1);
    }
    CHECK(map->lookup_cpu(&index, possible_cpus()) == nullptr);
    CHECK(map->lookup_cpu(&beyond, 0) == nullptr);
    Bytes all(map->user_value_size());
    REQUIRE(user_lookup(*map, &index, all.data()) == 0);
    for (std::uint32_t cpu = 0; cpu < possible_cpus(); ++cpu) CHECK(all[cpu * 8] == cpu + 1);
    const auto* mine = static_cast<std::uint8_t*>(map->lookup(&index));
    CHECK((*mine >= 1 && *mine <= possible_cpus()));
}

TEST_CASE("lists of CPUs") {
    CHECK(cpus_in_list("0\n") == 1);
    CHECK(cpus_in_list("0-3\n") == 4);
    CHECK(cpus_in_list("0-3,8-11") == 12);
    CHECK(cpus_in_list("") == 0);
    CHECK(cpus_in_list("none") == 0);
    CHECK(cpus_in_list("0-3;") == 0);
}

TEST_CASE("iteration meets every index in order") {
    for (const std::uint32_t type : {kArray, kPercpuArray}) {
        const auto map = make(spec_of(type, 4, 8, 5));
        MapCursor cursor;
        MapEntry entry;
        std::uint32_t expected = 0;
        for (; map->next(cursor, entry); ++expected) {
            CHECK(std::memcmp(entry.key, &expected, 4) == 0);
            if (type == kArray) CHECK(entry.value == map->values() + expected * 8);
        }
        CHECK(expected == 5);
    }
}
