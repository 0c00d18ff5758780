// Maps through libbpftime: the commands of bpf(2) with sizes checked.
#include <linux/bpf.h>

#include <cstring>

#include "test/api/support.h"

using namespace test;

TEST_CASE("a hash: set, get, iterate, erase") {
    const auto registry = private_registry();
    const auto map = need(registry.create_map(BPF_MAP_TYPE_HASH, "ages", 4, 8, 2));
    const auto info = map.info();
    CHECK(std::string(info.name) == "ages");
    CHECK(info.user_value == 8);
    CHECK(info.max_entries == 2);
    REQUIRE(map.set(std::uint32_t{1}, std::uint64_t{10}));
    REQUIRE(map.set(std::uint32_t{2}, std::uint64_t{20}));
    CHECK(refusal(map.set(std::uint32_t{3}, std::uint64_t{30}), E2BIG) == "map 'ages': Argument list too long");
    CHECK(refusal(map.set(std::uint32_t{1}, std::uint64_t{11}, BPF_NOEXIST), EEXIST) == "map 'ages': File exists");
    CHECK(need(map.get<std::uint64_t>(std::uint32_t{2})) == 20);
    std::uint32_t sum = 0;
    REQUIRE(map.for_each_key<std::uint32_t>([&](std::uint32_t key) { sum += key; }));
    CHECK(sum == 3);
    REQUIRE(map.erase(std::uint32_t{1}));
    refusal(map.get<std::uint64_t>(std::uint32_t{1}), ENOENT);
    CHECK(refusal(map.get<std::uint32_t>(std::uint32_t{2}), EINVAL) == "the value has 4 bytes, and the map takes 8");
    CHECK(refusal(map.get<std::uint64_t>(std::uint64_t{2}), EINVAL) == "the key has 8 bytes, and the map takes 4");
}

TEST_CASE("an array in place") {
    const auto registry = private_registry();
    const auto map = need(registry.create_map(BPF_MAP_TYPE_ARRAY, "row", 4, 8, 5));
    const auto values = map.values<std::uint64_t>();
    REQUIRE(values.size() == 5);
    values[3] = 42;
    CHECK(need(map.get<std::uint64_t>(std::uint32_t{3})) == 42);
    CHECK(need(registry.create_map(BPF_MAP_TYPE_HASH, "h", 4, 8, 5)).values<std::uint64_t>().empty());
    CHECK(errno == EOPNOTSUPP);
}

TEST_CASE("a per-CPU array takes the values of all CPUs") {
    const auto registry = private_registry();
    const auto map = need(registry.create_map(BPF_MAP_TYPE_PERCPU_ARRAY, "each", 4, 4, 1));
    const std::size_t bytes = map.info().user_value;
    CHECK(bytes % 8 == 0);
    std::vector<std::byte> value(bytes), read(bytes);
    for (std::size_t at = 0; at < bytes; at += 8) value[at] = std::byte(at / 8 + 1);
    const std::uint32_t key = 0;
    REQUIRE(map.update(std::as_bytes(std::span(&key, 1)), value));
    REQUIRE(map.lookup(std::as_bytes(std::span(&key, 1)), read));
    CHECK(read == value);
}

TEST_CASE("a queue and a stack") {
    const auto registry = private_registry();
    const auto queue = need(registry.create_map(BPF_MAP_TYPE_QUEUE, "queue", 0, 4, 2));
    const auto stack = need(registry.create_map(BPF_MAP_TYPE_STACK, "stack", 0, 4, 2));
    for (const std::uint32_t value : {7u, 8u}) {
        REQUIRE(queue.push(value));
        REQUIRE(stack.push(value));
    }
    refusal(queue.push(9u), E2BIG);
    CHECK(need(queue.pop<std::uint32_t>()) == 7);
    CHECK(need(stack.pop<std::uint32_t>()) == 8);
    CHECK(need(queue.pop<std::uint32_t>()) == 8);
    refusal(queue.pop<std::uint32_t>(), ENOENT);
}

TEST_CASE("a map of programs holds ids, and only of programs") {
    const auto registry = private_registry();
    const auto program = need(registry.load(bytecode("simple")));
    const auto jumps = need(registry.create_map(BPF_MAP_TYPE_PROG_ARRAY, "jumps", 4, 4, 2));
    const std::uint32_t id = program.info().id;
    REQUIRE(id != 0);
    REQUIRE(jumps.set(std::uint32_t{1}, id));
    CHECK(need(jumps.get<std::uint32_t>(std::uint32_t{1})) == id);
    CHECK(refusal(jumps.set(std::uint32_t{0}, id + 100), ENOENT) == "there is no program " + std::to_string(id + 100));
    CHECK(jumps.values<std::uint32_t>().empty());
}

TEST_CASE("shapes that the kernel refuses") {
    const auto registry = private_registry();
    refusal(registry.create_map(BPF_MAP_TYPE_ARRAY, "a", 8, 8, 1), EINVAL);
    refusal(registry.create_map(BPF_MAP_TYPE_HASH, "a", 4, 8, 0), EINVAL);
    refusal(registry.create_map(9999, "a", 4, 8, 1), EINVAL);
    refusal(registry.create_map(BPF_MAP_TYPE_HASH, "a b", 4, 8, 1), EINVAL);
    refusal(registry.create_map(BPF_MAP_TYPE_HASH, "sixteen_letters_", 4, 8, 1), EINVAL);
    CHECK(registry.maps().empty());
}

TEST_CASE("maps of a registry, by id and by name") {
    const auto registry = private_registry();
    const auto one = need(registry.create_map(BPF_MAP_TYPE_ARRAY, "one", 4, 4, 1));
    const auto two = need(registry.create_map(BPF_MAP_TYPE_ARRAY, "two", 4, 4, 1));
    const auto other = need(registry.create_map(BPF_MAP_TYPE_ARRAY, "two", 4, 4, 1));
    REQUIRE(registry.maps().size() == 3);
    CHECK(std::string(registry.maps()[1].name) == "two");
    CHECK(need(registry.map("one")).info().id == one.info().id);
    CHECK(refusal(registry.map("two"), EEXIST) == "several maps are with the name 'two'; choose one by its id");
    CHECK(std::string(need(registry.map(other.info().id)).info().name) == "two");
    CHECK(refusal(registry.map("three"), ENOENT) == "there is no map with the name 'three'");
    CHECK(refusal(registry.map(99), ENOENT) == "there is no map 99");
}
