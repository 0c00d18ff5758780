#include "runtime/maps/user_ops.h"

namespace bpftime {

namespace {

// BPF_F_LOCK needs a bpf_spin_lock in the value, which BTF alone declares; these maps know none, so it is EINVAL as in
// the kernel.
constexpr bool lookup_flags_valid(std::uint64_t flags) { return flags == 0; }

}  // namespace

int user_lookup(Map& map, const void* key, void* value, std::uint64_t flags) {
    return lookup_flags_valid(flags) ? map.copy_out(key, value) : -EINVAL;
}

int user_update(Map& map, const void* key, const void* value, std::uint64_t flags) {
    if (map.frozen()) return -EPERM;
    return (flags & kUpdateLock) != 0 ? -EINVAL : map.copy_in(key, value, flags);
}

int user_delete(Map& map, const void* key) { return map.frozen() ? -EPERM : map.erase(key); }

int user_lookup_and_delete(Map& map, const void* key, void* value, std::uint64_t flags) {
    if (!lookup_flags_valid(flags)) return -EINVAL;
    return map.frozen() ? -EPERM : map.take(key, value);
}

int user_next_key(Map& map, const void* key, void* next) { return map.next_key(key, next); }

}  // namespace bpftime
