// A map whose storage is a file in memory, as processes share it.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#undef MAP_TYPE  // of <sys/mman.h>; the tables of map types use the name

#include <memory>
#include <utility>

#include "runtime/maps/map.h"
#include "test/catch.h"

namespace bpftime::test {

class SharedMap {
public:
    explicit SharedMap(MapSpec spec) : spec_(std::move(spec)), fd_(memfd_create("map", MFD_CLOEXEC)) {
        REQUIRE(fd_ >= 0);
        REQUIRE(map_storage(spec_));
        REQUIRE(ftruncate(fd_, static_cast<off_t>(*map_storage(spec_))) == 0);
        map = open(true);
    }
    SharedMap(const SharedMap&) = delete;
    SharedMap& operator=(const SharedMap&) = delete;
    ~SharedMap() { close(fd_); }

    // Another view of it, as another process has one.
    std::unique_ptr<Map> open(bool fresh = false) const {
        auto pages = Pages::share(fd_, *map_storage(spec_));
        if (!pages) return nullptr;
        auto made = fresh ? create_map(spec_, *std::move(pages)) : open_map(spec_, *std::move(pages));
        return made ? *std::move(made) : nullptr;
    }
    int fd() const { return fd_; }

    std::unique_ptr<Map> map;

private:
    MapSpec spec_;
    int fd_;
};

}  // namespace bpftime::test
