// What maps of records answer where other types have elements.
#pragma once

#include "runtime/maps/map.h"

namespace bpftime {

// Elements cannot be reached by key.
class KeylessMap : public Map {
public:
    void* lookup(const void*) final { return nullptr; }
    int update(const void*, const void*, std::uint64_t) final { return -kEnotsupp; }
    int erase(const void*) final { return -kEnotsupp; }
    bool next(MapCursor&, MapEntry&) final { return false; }
    int copy_out(const void*, void*) final { return -kEnotsupp; }
    int copy_in(const void*, const void*, std::uint64_t) final { return -kEnotsupp; }
    int next_key(const void*, void*) final { return -kEnotsupp; }

protected:
    using Map::Map;
};

}  // namespace bpftime
