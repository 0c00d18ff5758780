// The C interface (bpftime/rt.h) and the symbols that native objects call.
#include "bpftime/rt.h"

#include <algorithm>
#include <cstring>

#include "runtime/helpers/functions.h"
#include "runtime/helpers/helpers.h"
#include "runtime/maps/program_run.h"
#include "runtime/maps/user_ops.h"
#include "runtime/rt/map_table.h"

#define BPFTIME_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

using bpftime::Map;
using bpftime::MapSpec;
using std::uint32_t;
using std::uint64_t;

constinit bpftime::rt::MapTable table;
thread_local char last_error[512];

Map* map_of(bpftime_map* map) { return reinterpret_cast<Map*>(map); }
bpftime_map* handle_of(Map* map) { return reinterpret_cast<bpftime_map*>(map); }

MapSpec spec_of(const bpftime_rt_map& row) {
    MapSpec spec;
    spec.name = row.name == nullptr ? "" : row.name;
    spec.number = row.number;
    spec.type = row.type;
    spec.key_size = row.key_size;
    spec.value_size = row.value_size;
    spec.max_entries = row.max_entries;
    spec.flags = row.flags;
    spec.frozen = row.frozen != 0;
    const auto* contents = static_cast<const std::uint8_t*>(row.contents);
    if (contents != nullptr) spec.contents.assign(contents, contents + row.contents_size);
    return spec;
}

// Stands for a map that was never created, so that programs meet a missing key instead of a null map.
class MissingMap final : public Map {
public:
    MissingMap() : Map(MapSpec{}, {}) {}
    void* lookup(const void*) override { return nullptr; }
    int update(const void*, const void*, uint64_t) override { return -EBADF; }
    int erase(const void*) override { return -EBADF; }
    bool next(bpftime::MapCursor&, bpftime::MapEntry&) override { return false; }
    int copy_out(const void*, void*) override { return -EBADF; }
    int copy_in(const void*, const void*, uint64_t) override { return -EBADF; }
    int next_key(const void*, void*) override { return -EBADF; }
};

uint64_t handle_by_number(uint32_t number) {
    if (const Map* map = table.by_number(number)) return map->handle();
    static const MissingMap missing;
    return missing.handle();
}

}  // namespace

BPFTIME_EXPORT int bpftime_rt_create_maps(const struct bpftime_rt_map* maps, size_t count) {
    std::vector<MapSpec> specs;
    for (const bpftime_rt_map& row : std::span(maps, count)) specs.push_back(spec_of(row));
    const bpftime::Status status = table.add(specs);
    const std::string text = status ? std::string() : bpftime::to_string(status.error());
    const std::size_t kept = std::min(text.size(), sizeof last_error - 1);
    std::memcpy(last_error, text.data(), kept);
    last_error[kept] = 0;
    return status ? 0 : -status.error().errnum;
}

BPFTIME_EXPORT void bpftime_rt_destroy_maps(void) { table.clear(); }
BPFTIME_EXPORT const char* bpftime_rt_error(void) { return last_error; }
BPFTIME_EXPORT bpftime_map* bpftime_rt_find_map(const char* name) { return handle_of(table.by_name(name)); }
BPFTIME_EXPORT bpftime_map* bpftime_rt_map_by_number(uint32_t number) { return handle_of(table.by_number(number)); }

BPFTIME_EXPORT size_t bpftime_rt_value_size(const bpftime_map* map) {
    return reinterpret_cast<const Map*>(map)->user_value_size();
}
BPFTIME_EXPORT unsigned bpftime_rt_cpus(void) { return bpftime::possible_cpus(); }
BPFTIME_EXPORT int bpftime_rt_lookup(bpftime_map* map, const void* key, void* value) {
    return bpftime::user_lookup(*map_of(map), key, value);
}
BPFTIME_EXPORT int bpftime_rt_update(bpftime_map* map, const void* key, const void* value, uint64_t flags) {
    return bpftime::user_update(*map_of(map), key, value, flags);
}
BPFTIME_EXPORT int bpftime_rt_delete(bpftime_map* map, const void* key) {
    return bpftime::user_delete(*map_of(map), key);
}
BPFTIME_EXPORT int bpftime_rt_next_key(bpftime_map* map, const void* key, void* next) {
    return bpftime::user_next_key(*map_of(map), key, next);
}
BPFTIME_EXPORT void* bpftime_rt_values(bpftime_map* map) { return map_of(map)->values(); }
BPFTIME_EXPORT uint64_t bpftime_rt_run(uint64_t (*entry)(void*, uint64_t), void* ctx, uint64_t size) {
    const bpftime::ProgramRun run(bpftime::private_cpu_slots());
    return entry(ctx, size);
}
BPFTIME_EXPORT void bpftime_rt_set_trace_fd(int fd) { bpftime::set_trace_output(fd); }

// The names of vm/linker/abi.h.
BPFTIME_EXPORT uint64_t __lddw_helper_map_by_fd(uint32_t number) { return handle_by_number(number); }
BPFTIME_EXPORT uint64_t __lddw_helper_map_by_idx(uint32_t number) { return handle_by_number(number); }
BPFTIME_EXPORT uint64_t __lddw_helper_map_val(uint64_t handle) {
    return reinterpret_cast<uint64_t>(bpftime::helpers::pointer<Map>(handle)->values());
}
BPFTIME_EXPORT uint64_t __bpftime_call_helper(uint64_t id, uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
                                              uint64_t r5) {
    const auto function = id < bpftime::kHelperLimit ? bpftime::helper_function(static_cast<uint32_t>(id)) : nullptr;
    return function == nullptr ? static_cast<uint64_t>(-EINVAL) : function(r1, r2, r3, r4, r5);
}

#define HELPER_FN(digits, function)                                                                      \
    BPFTIME_EXPORT uint64_t _bpf_helper_ext_##digits(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, \
                                                     uint64_t r5) {                                      \
        return bpftime::helpers::function(r1, r2, r3, r4, r5);                                           \
    }
#include "runtime/helpers/helpers.def"
