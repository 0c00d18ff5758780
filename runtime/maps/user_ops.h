// The map commands of bpf(2) on a map of this process. Values are user_value_size() bytes: of a per-CPU map those of
// all possible CPUs in a row, each rounded up to 8 bytes. Results are 0 or a negative errno, as the system call's.
#pragma once

#include "runtime/maps/map.h"

namespace bpftime {

int user_lookup(Map& map, const void* key, void* value, std::uint64_t flags = 0);
int user_update(Map& map, const void* key, const void* value, std::uint64_t flags = 0);
int user_delete(Map& map, const void* key);
int user_lookup_and_delete(Map& map, const void* key, void* value, std::uint64_t flags = 0);
int user_next_key(Map& map, const void* key, void* next);

}  // namespace bpftime
