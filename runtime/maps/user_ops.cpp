#include "runtime/maps/user_ops.h"

namespace bpftime {

namespace {

// Whatever the flag says, values with a lock are read under it.
bool lookup_flags_valid(const Map& map, std::uint64_t flags) {
    return flags == 0 || (flags == kUpdateLock && map.has_spin_lock());
}

}  // namespace

int user_lookup(Map& map, const void* key, void* value, std::uint64_t flags) {
    return lookup_flags_valid(map, flags) ? map.copy_out(key, value) : -EINVAL;
}

int user_update(Map& map, const void* key, const void* value, std::uint64_t flags) {
    if (map.frozen()) return -EPERM;
    return (flags & kUpdateLock) != 0 && !map.has_spin_lock() ? -EINVAL : map.copy_in(key, value, flags);
}

int user_delete(Map& map, const void* key) { return map.frozen() ? -EPERM : map.erase(key); }

int user_lookup_and_delete(Map& map, const void* key, void* value, std::uint64_t flags) {
    if (!lookup_flags_valid(map, flags)) return -EINVAL;
    return map.frozen() ? -EPERM : map.take(key, value);
}

int user_next_key(Map& map, const void* key, void* next) { return map.next_key(key, next); }

}  // namespace bpftime
