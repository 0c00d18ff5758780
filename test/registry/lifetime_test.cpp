// How long objects of a shared registry live.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "runtime/registry/shared_registry.h"
#include "test/catch.h"
#include "test/registry/open_registry.h"
#include "vm/core/decode.h"

namespace bpftime::test {

namespace {

using How = ShmDirectory::Open;

// A hash of a few elements; the caller owns the descriptor.
int publish_map(SharedRegistry& registry, std::shared_ptr<MapObject>* made = nullptr) {
    auto map = std::make_shared<MapObject>();
    map->spec.name = "m";
    map->spec.type = 1;
    map->spec.key_size = map->spec.value_size = 4;
    map->spec.max_entries = 8;
    auto file = registry.make_file("map", *elements_file_size(map->spec));
    REQUIRE(file);
    auto elements = make_elements(map->spec, file->get());
    REQUIRE(elements);
    map->elements = *std::move(elements);
    if (made != nullptr) *made = map;
    const auto fd = registry.publish(map, *std::move(file));
    REQUIRE(fd);
    return *fd;
}

int publish_program(SharedRegistry& registry, const std::shared_ptr<MapObject>& map) {
    auto object = std::make_shared<ProgramObject>();
    const RawInsn code[] = {{.opcode = 0xb7}, {.opcode = 0x95}};
    object->program.name = "p";
    object->program.insns = *decode(std::span<const RawInsn>(code));
    object->program.subprograms = *validate(object->program.insns, 0);
    if (map) object->maps.push_back(map);
    const auto fd = registry.publish(object);
    REQUIRE(fd);
    return *fd;
}

std::size_t count(SharedRegistry& registry, ObjectKind kind) {
    registry.collect();
    return registry.ids(kind).size();
}

}  // namespace

TEST_CASE("an object goes when the last descriptor is closed") {
    const ShmName shm;
    const auto registry = open_registry(shm);
    const int fd = publish_map(*registry);
    const int copy = dup(fd);
    CHECK(count(*registry, ObjectKind::Map) == 1);
    close(fd);
    CHECK(count(*registry, ObjectKind::Map) == 1);
    close(copy);
    CHECK(count(*registry, ObjectKind::Map) == 0);
}

TEST_CASE("a program keeps its maps, and those bound to it") {
    const ShmName shm;
    const auto registry = open_registry(shm);
    std::shared_ptr<MapObject> used, bound;
    const int used_fd = publish_map(*registry, &used), bound_fd = publish_map(*registry, &bound);
    const int program = publish_program(*registry, used);
    auto object = registry->get<ProgramObject>(program);
    REQUIRE(object);
    REQUIRE(registry->bind(**object, bound));
    close(used_fd);
    close(bound_fd);
    CHECK(count(*registry, ObjectKind::Map) == 2);
    close(program);
    CHECK(count(*registry, ObjectKind::Map) == 0);
    CHECK(count(*registry, ObjectKind::Program) == 0);
}

TEST_CASE("a pinned object stays until it is unpinned") {
    const ShmName shm;
    const auto registry = open_registry(shm);
    std::shared_ptr<MapObject> map;
    const int fd = publish_map(*registry, &map);
    REQUIRE(registry->pin("/sys/fs/bpf/here", map));
    CHECK(registry->pin("/sys/fs/bpf/here", map).error().errnum == EEXIST);
    close(fd);
    CHECK(count(*registry, ObjectKind::Map) == 1);
    const auto found = open_registry(shm)->pinned("/sys/fs/bpf/here");
    REQUIRE(found);
    CHECK((*found)->id == map->id);
    CHECK(registry->pinned("/sys/fs/bpf/there").error().errnum == ENOENT);
    REQUIRE(registry->unpin("/sys/fs/bpf/here"));
    CHECK(count(*registry, ObjectKind::Map) == 0);
}

TEST_CASE("records that refer to each other in circles are refused") {
    const ShmName shm;
    const auto registry = open_registry(shm);
    auto outer = std::make_shared<MapObject>();
    outer->spec = {.name = "outer", .type = 12, .key_size = 4, .value_size = 4, .max_entries = 1};
    outer->inner = std::make_shared<MapObject>();
    outer->inner->id = 1;  // what the outer map itself will be
    auto file = registry->make_file("map", *elements_file_size(outer->spec));
    REQUIRE(file);
    outer->elements = *make_elements(outer->spec, file->get());
    const auto fd = registry->publish(outer, *std::move(file));
    REQUIRE(fd);
    REQUIRE(outer->id == 1);
    const auto other = open_registry(shm)->by_id(ObjectKind::Map, 1);
    REQUIRE_FALSE(other);
    CHECK(other.error().errnum == EBADMSG);
    close(*fd);
}

TEST_CASE("ids are not used again") {
    const ShmName shm;
    const auto registry = open_registry(shm);
    std::uint32_t last = 0;
    for (int round = 0; round < 5; ++round) {
        const int fd = publish_map(*registry);
        const std::uint32_t id = (*registry->at(fd))->id;
        CHECK(id > last);
        last = id;
        close(fd);
        registry->collect();
    }
}

TEST_CASE("a file that somebody was killed over before it took its place is collected") {
    const ShmName shm;
    const auto registry = open_registry(shm);
    std::shared_ptr<MapObject> map;
    const int fd = publish_map(*registry, &map);
    const std::vector<std::uint8_t> bytes(10);
    REQUIRE(registry->store_companion(*map, "code", bytes));
    const auto half = registry->directory().make_file(4096);
    REQUIRE(registry->directory().link(half->get(), "map.1.code.new"));
    registry->collect();
    CHECK_FALSE(registry->directory().open_file("map.1.code.new"));
    CHECK(registry->open_companion(*map, "code"));
    CHECK(registry->at(fd));
    close(fd);
}

TEST_CASE("what a killed process held is removed by the next comer, and nothing else") {
    const ShmName shm;
    const auto registry = open_registry(shm);
    const int mine = publish_map(*registry);
    const std::size_t files = registry->directory().names().size();
    for (int round = 0; round < 200; ++round) {
        int ends[2];
        REQUIRE(pipe(ends) == 0);
        const pid_t child = fork();
        if (child == 0) {
            const auto theirs = SharedRegistry::open(How::Existing, shm.name());
            for (bool told = false;; told = true) {
                std::shared_ptr<MapObject> map;
                publish_map(**theirs, &map);
                publish_program(**theirs, map);
                if (!told && write(ends[1], "", 1) != 1) _exit(1);
            }
        }
        char byte;
        REQUIRE(read(ends[0], &byte, 1) == 1);
        usleep(static_cast<useconds_t>(round * 7 % 900));
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
        close(ends[0]);
        close(ends[1]);
        CHECK(count(*open_registry(shm), ObjectKind::Map) == 1);
        CHECK(count(*registry, ObjectKind::Program) == 0);
    }
    CHECK(registry->directory().names().size() == files);
    CHECK(registry->at(mine));
}

}  // namespace bpftime::test
