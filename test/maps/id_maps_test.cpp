// Maps whose values stand for other things: ids, stacks.
#include <cstring>

#include "runtime/maps/hash_of_maps.h"
#include "runtime/maps/stack_trace.h"
#include "runtime/maps/user_ops.h"
#include "test/catch.h"
#include "test/maps/map_view.h"

using namespace bpftime;
using namespace bpftime::test;

namespace {

std::unique_ptr<Map> make(const MapSpec& spec) {
    auto map = create_map(spec);
    REQUIRE(map);
    return *std::move(map);
}

// The map of id 7.
std::uint64_t seven(std::uint32_t id, void* context) { return id == 7 ? static_cast<Map*>(context)->handle() : 0; }

}  // namespace

TEST_CASE("programs get the handle of the map that an id stands for") {
    const auto inner = make(spec_of(2, 4, 8, 1));
    const std::uint32_t key = 1, other = 2, id = 7, unknown = 8;
    for (const std::uint32_t type : {12u, 13u}) {
        const auto map = make(spec_of(type, 4, 4, 4));
        CHECK(map->lookup(&key) == nullptr);
        REQUIRE(user_update(*map, &key, &id) == 0);
        REQUIRE(user_update(*map, &other, &unknown) == 0);
        CHECK(map->lookup(&key) == nullptr);  // nobody has said what ids mean
        if (type == 12)
            static_cast<IdArrayMap&>(*map).set_resolver({seven, inner.get()});
        else
            static_cast<HashOfMapsMap&>(*map).set_resolver({seven, inner.get()});
        CHECK(map->lookup(&key) == inner.get());
        CHECK(map->lookup(&other) == nullptr);
        CHECK(map->update(&key, &id, kUpdateAny) == -EINVAL);
        std::uint32_t seen = 0;
        CHECK(user_lookup(*map, &key, &seen) == 0);
        CHECK(seen == 7);
        CHECK(user_delete(*map, &key) == 0);
        CHECK(map->lookup(&key) == nullptr);
    }
}

TEST_CASE("a prog array gives ids by index") {
    const auto map = make(spec_of(3, 4, 4, 2));
    const auto& programs = static_cast<const IdArrayMap&>(*map);
    const std::uint32_t key = 1, id = 99;
    REQUIRE(user_update(*map, &key, &id) == 0);
    CHECK(programs.id_at(1) == 99);
    CHECK(programs.id_at(0) == 0);
    CHECK(programs.id_at(2) == 0);
    CHECK(map->lookup(&key) == nullptr);
    MapCursor cursor;
    MapEntry entry;
    REQUIRE(map->next(cursor, entry));
    CHECK(std::memcmp(entry.key, &key, 4) == 0);
    CHECK(std::memcmp(entry.value, &id, 4) == 0);
    CHECK(!map->next(cursor, entry));
}

TEST_CASE("stacks have one id each until their place is taken") {
    for (const std::uint32_t flags : {0u, 32u}) {
        const std::uint32_t frame = flags == 0 ? 8 : 32;
        const auto map = make(spec_of(7, 4, 4 * frame, 1, flags));  // one place: every stack's
        auto& stacks = static_cast<StackTraceMap&>(*map);
        const std::uint64_t first[] = {1, 2, 3}, second[] = {4, 5, 6, 7, 8};
        CHECK(stacks.put({}, 0) == -EFAULT);
        CHECK(stacks.put(first, 0) == 0);
        CHECK(stacks.put(first, 0) == 0);
        CHECK(stacks.put(first, StackTraceMap::kFastCompare) == 0);
        CHECK(stacks.put(second, 0) == -EEXIST);
        std::uint32_t id = 0, next = 9;
        Bytes value(4 * frame, 0xaa);
        const auto address = [&](std::uint32_t index) {
            std::uint64_t found;
            std::memcpy(&found, value.data() + index * frame + frame - 8, 8);
            return found;
        };
        CHECK(user_lookup(*map, &id, value.data()) == 0);
        for (std::uint32_t i = 0; i < 4; ++i) CHECK(address(i) == (i < 3 ? first[i] : 0));
        CHECK(value[0] == (flags == 0 ? 1 : 2));
        CHECK(user_next_key(*map, nullptr, &next) == 0);
        CHECK(next == 0);
        CHECK(user_next_key(*map, &next, &next) == -ENOENT);
        CHECK(stacks.put(second, StackTraceMap::kReuse) == 0);
        CHECK(user_lookup_and_delete(*map, &id, value.data()) == 0);
        for (std::uint32_t i = 0; i < 4; ++i) CHECK(address(i) == second[i]);
        CHECK(user_lookup(*map, &id, value.data()) == -ENOENT);
        CHECK(user_delete(*map, &id) == -ENOENT);
        id = 1;
        CHECK(user_delete(*map, &id) == -E2BIG);
        CHECK(stacks.put(second, 0) == 0);
    }
    const auto map = make(spec_of(7, 4, 127 * 8, 1000));
    auto& stacks = static_cast<StackTraceMap&>(*map);
    std::uint64_t addresses[200];
    for (std::uint64_t i = 0; i < 200; ++i) addresses[i] = i + 1;
    const std::int64_t id = stacks.put(addresses, 0);
    CHECK((id >= 0 && id < 1024));
    CHECK(stacks.put(std::span(addresses, 127), 0) == id);  // as much as a value holds
}
