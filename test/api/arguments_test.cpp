// No argument crashes the library: NULL, wrong sizes, flags and ids of chance are EINVAL or another errno.
#include <linux/bpf.h>

#include <cstring>
#include <random>

#include "test/api/support.h"

using namespace test;

namespace {

struct Handles {
    bpftime_registry* registry = nullptr;
    bpftime_program* program = nullptr;
    bpftime_map* map = nullptr;

    Handles() {
        REQUIRE(bpftime_registry_private(&registry) == 0);
        REQUIRE(bpftime_load(registry, bytecode("simple").c_str(), nullptr, &program) == 0);
        REQUIRE(bpftime_map_create(registry, BPF_MAP_TYPE_HASH, "map", 4, 8, 4, 0, &map) == 0);
    }
    ~Handles() {
        bpftime_map_close(map);
        bpftime_program_close(program);
        bpftime_registry_close(registry);
    }
};

}  // namespace

#define REFUSED(call)                    \
    do {                                 \
        errno = 0;                       \
        CHECK((call) == -EINVAL);        \
        CHECK(errno == EINVAL);          \
        CHECK(*bpftime_error() != '\0'); \
    } while (0)

TEST_CASE("NULL") {
    Handles have;
    bpftime_registry* registry = nullptr;
    bpftime_program* program = nullptr;
    bpftime_map* map = nullptr;
    const char bytes[8] = {};
    char room[8] = {};
    bpftime_program_info program_info{};
    bpftime_map_info map_info{};
    REFUSED(bpftime_registry_private(nullptr));
    REFUSED(bpftime_registry_open("name", 0, nullptr));
    REFUSED(bpftime_load(nullptr, "x", nullptr, &program));
    REFUSED(bpftime_load(have.registry, nullptr, nullptr, &program));
    REFUSED(bpftime_load(have.registry, "x", nullptr, nullptr));
    REFUSED(bpftime_load_memory(nullptr, bytes, 8, "x", nullptr, &program));
    REFUSED(bpftime_load_memory(have.registry, nullptr, 8, "x", nullptr, &program));
    REFUSED(bpftime_load_memory(have.registry, bytes, 8, nullptr, nullptr, &program));
    REFUSED(bpftime_load_memory(have.registry, bytes, 8, "x", nullptr, nullptr));
    REFUSED(bpftime_program_by_id(nullptr, 1, nullptr, &program));
    REFUSED(bpftime_program_by_id(have.registry, 1, nullptr, nullptr));
    REFUSED(bpftime_program_by_name(nullptr, "x", nullptr, &program));
    REFUSED(bpftime_program_by_name(have.registry, nullptr, nullptr, &program));
    REFUSED(bpftime_program_by_name(have.registry, "x", nullptr, nullptr));
    REFUSED(bpftime_program_get_info(nullptr, &program_info));
    REFUSED(bpftime_program_get_info(have.program, nullptr));
    REFUSED(bpftime_program_next(nullptr, 0, &program_info));
    REFUSED(bpftime_program_next(have.registry, 0, nullptr));
    REFUSED(bpftime_program_run(nullptr, room, 8, nullptr));
    REFUSED(bpftime_program_run(have.program, nullptr, 8, nullptr));
    CHECK(bpftime_program_run(have.program, room, 8, nullptr) == 0);
    CHECK(bpftime_program_entry(nullptr) == nullptr);
    REFUSED(bpftime_program_map(nullptr, "x", &map));
    REFUSED(bpftime_program_map(have.program, nullptr, &map));
    REFUSED(bpftime_program_map(have.program, "x", nullptr));
    REFUSED(bpftime_map_create(nullptr, 1, "x", 4, 4, 1, 0, &map));
    REFUSED(bpftime_map_create(have.registry, 1, nullptr, 4, 4, 1, 0, &map));
    REFUSED(bpftime_map_create(have.registry, 1, "x", 4, 4, 1, 0, nullptr));
    REFUSED(bpftime_map_by_id(nullptr, 1, &map));
    REFUSED(bpftime_map_by_id(have.registry, 1, nullptr));
    REFUSED(bpftime_map_by_name(nullptr, "x", &map));
    REFUSED(bpftime_map_by_name(have.registry, nullptr, &map));
    REFUSED(bpftime_map_by_name(have.registry, "x", nullptr));
    REFUSED(bpftime_map_get_info(nullptr, &map_info));
    REFUSED(bpftime_map_get_info(have.map, nullptr));
    REFUSED(bpftime_map_next(nullptr, 0, &map_info));
    REFUSED(bpftime_map_next(have.registry, 0, nullptr));
    REFUSED(bpftime_map_lookup(nullptr, bytes, 4, room, 8));
    REFUSED(bpftime_map_lookup(have.map, nullptr, 4, room, 8));
    REFUSED(bpftime_map_lookup(have.map, bytes, 4, nullptr, 8));
    REFUSED(bpftime_map_update(nullptr, bytes, 4, bytes, 8, 0));
    REFUSED(bpftime_map_update(have.map, nullptr, 4, bytes, 8, 0));
    REFUSED(bpftime_map_update(have.map, bytes, 4, nullptr, 8, 0));
    REFUSED(bpftime_map_delete(nullptr, bytes, 4));
    REFUSED(bpftime_map_delete(have.map, nullptr, 4));
    REFUSED(bpftime_map_take(nullptr, bytes, 4, room, 8));
    REFUSED(bpftime_map_take(have.map, nullptr, 4, room, 8));
    REFUSED(bpftime_map_take(have.map, bytes, 4, nullptr, 8));
    REFUSED(bpftime_map_next_key(nullptr, nullptr, room, 4));
    REFUSED(bpftime_map_next_key(have.map, nullptr, nullptr, 4));
    CHECK(bpftime_map_values(nullptr, nullptr) == nullptr);
    bpftime_registry_close(nullptr);
    bpftime_program_close(nullptr);
    bpftime_map_close(nullptr);
    CHECK(registry == nullptr);
    CHECK(program == nullptr);
    CHECK(map == nullptr);
}

TEST_CASE("structures of a wrong size") {
    Handles have;
    bpftime_map_info info{};
    REFUSED(bpftime_map_get_info(have.map, &info));
    info.size = 1u << 20;
    REFUSED(bpftime_map_get_info(have.map, &info));
    // One of an older header gets what it has room for.
    info.size = offsetof(bpftime_map_info, key_size);
    info.key_size = 77;
    CHECK(bpftime_map_get_info(have.map, &info) == 0);
    CHECK(info.type == BPF_MAP_TYPE_HASH);
    CHECK(info.key_size == 77);
    CHECK(info.size == offsetof(bpftime_map_info, key_size));
    bpftime_program* program = nullptr;
    bpftime_load_options options{};
    REFUSED(bpftime_load(have.registry, "x", &options, &program));
    struct {
        bpftime_load_options options;
        std::uint64_t later = 0;
    } newer{};
    newer.options.size = sizeof(newer);
    CHECK(bpftime_load(have.registry, bytecode("simple").c_str(), &newer.options, &program) == 0);
    bpftime_program_close(program);
    newer.later = 1;
    CHECK(bpftime_load(have.registry, bytecode("simple").c_str(), &newer.options, &program) == -E2BIG);
    options.size = sizeof(options);
    for (const auto spoil : {+[](bpftime_load_options& it) { it.flags = 4; }, +[](bpftime_load_options& it) { it.reserved = 1; },
                             +[](bpftime_load_options& it) { it.map_count = 1; },
                             +[](bpftime_load_options& it) { it.trusted_key_count = 1; }}) {
        bpftime_load_options wrong = options;
        spoil(wrong);
        REFUSED(bpftime_load(have.registry, bytecode("simple").c_str(), &wrong, &program));
    }
    CHECK(bpftime_registry_open("name", ~0u, &have.registry) == -EINVAL);
    CHECK(bpftime_registry_open("../name", BPFTIME_CREATE, &have.registry) == -EINVAL);
}

// Every function with what chance gives, on maps of every type.
TEST_CASE("arguments of chance") {
    Handles have;
    std::mt19937 random(7);
    const auto pick = [&](auto... choices) {
        const std::common_type_t<decltype(choices)...> all[] = {choices...};
        return all[random() % sizeof...(choices)];
    };
    char room[4096];
    std::vector<bpftime_map*> maps = {nullptr, have.map};
    for (std::uint32_t round = 0; round < 20000; ++round) {
        bpftime_map* map = nullptr;
        if (round % 8 == 0 && maps.size() < 200) {
            const std::uint32_t key = pick(0u, 4u, 4u, 8u, 16u, static_cast<unsigned>(random() >> 28)),
                                value = pick(0u, 4u, 8u, 8u, static_cast<unsigned>(random() >> 26)),
                                entries = pick(0u, 1u, 8u, 4096u, static_cast<unsigned>(random() >> 20)),
                                flags = pick(0u, 0u, 1u, static_cast<unsigned>(random()), 1u << (random() % 20));
            if (bpftime_map_create(have.registry, random() % 36, "chance", key, value, entries, flags, &map) == 0)
                maps.push_back(map);
        }
        map = maps[random() % maps.size()];
        bpftime_map_info info{};
        info.size = sizeof(info);
        bpftime_map_get_info(map, &info);
        for (char& byte : std::span(room, 64)) byte = static_cast<char>(pick(0u, 0u, 1u, static_cast<unsigned>(random())));
        const std::size_t key_size = pick(std::size_t{info.key_size}, std::size_t{info.key_size}, std::size_t{random() % 64}),
                          value_size = pick(std::size_t{info.user_value}, std::size_t{info.user_value}, std::size_t{random() % 64});
        if (std::max(key_size, value_size) > sizeof(room) / 2) continue;
        void* const key = pick(static_cast<void*>(room), static_cast<void*>(room), static_cast<void*>(nullptr));
        void* const value = pick(static_cast<void*>(room + sizeof(room) / 2), static_cast<void*>(nullptr));
        switch (random() % 6) {
            case 0: bpftime_map_lookup(map, key, key_size, value, value_size); break;
            case 1: bpftime_map_update(map, key, key_size, value, value_size, pick(0u, 1u, 2u, 4u, 99u)); break;
            case 2: bpftime_map_delete(map, key, key_size); break;
            case 3: bpftime_map_take(map, key, key_size, value, value_size); break;
            case 4: bpftime_map_next_key(map, key, value, key_size); break;
            case 5: bpftime_map_values(map, nullptr); break;
        }
    }
    CHECK(maps.size() > 100);
    for (bpftime_map* map : maps)
        if (map != have.map) bpftime_map_close(map);
}
