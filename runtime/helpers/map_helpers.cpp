// Map operations and iteration over maps.
#include "runtime/helpers/functions.h"
#include "runtime/maps/map.h"
#include "runtime/maps/spin_lock.h"

namespace bpftime::helpers {

namespace {

Map& map_of(u64 handle) { return *pointer<Map>(handle); }

}  // namespace

u64 map_lookup_elem(u64 map, u64 key, u64, u64, u64) { return address(map_of(map).lookup(pointer(key))); }

u64 map_update_elem(u64 map, u64 key, u64 value, u64 flags, u64) {
    return result(map_of(map).update(pointer(key), pointer(value), flags));
}

u64 map_delete_elem(u64 map, u64 key, u64, u64, u64) { return result(map_of(map).erase(pointer(key))); }

u64 map_lookup_percpu_elem(u64 map, u64 key, u64 cpu, u64, u64) {
    return address(map_of(map).lookup_cpu(pointer(key), static_cast<std::uint32_t>(cpu)));
}

u64 spin_lock(u64 lock, u64, u64, u64, u64) {
    bpftime::spin_lock(pointer(lock));
    return 0;
}

u64 spin_unlock(u64 lock, u64, u64, u64, u64) {
    bpftime::spin_unlock(pointer(lock));
    return 0;
}

// callback(map, key, value, context) for each element until it returns non-zero; the number of elements visited.
u64 for_each_map_elem(u64 map, u64 callback, u64 context, u64 flags, u64) {
    if (flags != 0) return result(-EINVAL);
    MapCursor cursor;
    MapEntry entry;
    u64 visited = 0;
    while (map_of(map).next(cursor, entry)) {
        ++visited;
        if (pointer<u64(u64, u64, u64, u64, u64)>(callback)(map, address(entry.key), address(entry.value), context,
                                                            0) != 0)
            break;
    }
    return visited;
}

}  // namespace bpftime::helpers
