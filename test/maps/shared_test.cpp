// Maps whose storage several processes map: each sees what the others write.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#undef MAP_TYPE  // of <sys/mman.h>; the tables of map types use the name

#include <cstring>

#include "runtime/maps/cpus.h"
#include "runtime/maps/user_ops.h"
#include "test/catch.h"
#include "test/maps/map_view.h"
#include "vm/core/kernel_names.h"

namespace bpftime::test {

namespace {

int storage_file(std::uint64_t size) {
    const int fd = memfd_create("map", MFD_CLOEXEC);
    REQUIRE(fd >= 0);
    REQUIRE(ftruncate(fd, static_cast<off_t>(size)) == 0);
    return fd;
}

std::unique_ptr<Map> over(int fd, const MapSpec& spec, bool fresh) {
    auto pages = Pages::share(fd, *map_storage(spec));
    REQUIRE(pages);
    auto map = fresh ? create_map(spec, *std::move(pages)) : open_map(spec, *std::move(pages));
    REQUIRE(map);
    return *std::move(map);
}

Bytes bytes_of(std::uint32_t word) {
    Bytes bytes(4);
    std::memcpy(bytes.data(), &word, 4);
    return bytes;
}

}  // namespace

TEST_CASE("every type of map can be opened over the storage that another made") {
    for (const std::uint32_t type : supported_map_types()) {
        const MapSpec spec = spec_of(type, 4, 8, 64);
        if (!map_storage(spec)) continue;  // types without keys of 4 bytes have tests of their own
        if (type == static_cast<std::uint32_t>(MapType::StackTrace)) continue;  // as have those that programs alone fill
        INFO("type " << type);
        const int fd = storage_file(*map_storage(spec));
        const auto first = over(fd, spec, true);
        const Bytes key = bytes_of(7);
        Bytes value(first->user_value_size(), 0x5a), seen(value.size());
        REQUIRE(user_update(*first, key.data(), value.data(), 0) == 0);
        const auto second = over(fd, spec, false);
        CHECK(user_lookup(*second, key.data(), seen.data()) == 0);
        CHECK(seen == value);
        const pid_t child = fork();
        if (child == 0) {
            const auto third = over(fd, spec, false);
            const Bytes other = bytes_of(9);
            _exit(user_update(*third, other.data(), value.data(), 0) == 0 ? 0 : 1);
        }
        int status = -1;
        REQUIRE(waitpid(child, &status, 0) == child);
        CHECK(status == 0);
        CHECK(user_lookup(*first, bytes_of(9).data(), seen.data()) == 0);
        CHECK(seen == value);
        close(fd);
    }
}

TEST_CASE("a map is not opened over less than it needs") {
    const MapSpec spec = spec_of(2, 4, 8, 4096);
    const int fd = storage_file(4096);
    auto pages = Pages::share(fd, 4096);
    REQUIRE(pages);
    CHECK(!open_map(spec, *std::move(pages)));
    close(fd);
}

TEST_CASE("storage needs whole pages and says what a shape cannot be") {
    CHECK(map_storage(spec_of(2, 4, 8, 1)).value_or(0) == 4096);
    CHECK(map_storage(spec_of(2, 4, 8, 513)).value_or(0) == 8192);
    CHECK(map_storage(spec_of(6, 4, 8, 1)).value_or(0) == 4096 * possible_cpus());
    CHECK(map_storage(spec_of(2, 8, 8, 1)).error().errnum == EINVAL);
    CHECK(map_storage(spec_of(1, 4, 5u << 20, 1)).error().errnum == E2BIG);
}

}  // namespace bpftime::test
