/* BPF program 'count.calls', section 'uprobe/_/malloc'. Written by bpftime 0.1.0; do not edit. */
#ifndef BPFTIME_AOT_COUNT_CALLS_H
#define BPFTIME_AOT_COUNT_CALLS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Runs the program: its context and the context's size; returns r0. */
uint64_t run_count(void *ctx, uint64_t size);

/* Helpers that it calls. */
uint64_t _bpf_helper_ext_0001(uint64_t r1, uint64_t r2); /* bpf_map_lookup_elem */
uint64_t _bpf_helper_ext_0006(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5); /* bpf_trace_printk */
uint64_t _bpf_helper_ext_0014(void); /* bpf_get_current_pid_tgid */

/* What it finds its maps by: a number gives a handle, which map helpers receive; a handle gives its first value. */
uint64_t __lddw_helper_map_by_fd(uint32_t number);
uint64_t __lddw_helper_map_by_idx(uint32_t number);
uint64_t __lddw_helper_map_val(uint64_t handle);

#ifndef BPFTIME_RT_MAP_DEFINED
#define BPFTIME_RT_MAP_DEFINED
struct bpftime_rt_map {
    uint32_t number;
    const char *name;
    uint32_t type; /* enum bpf_map_type */
    uint32_t key_size, value_size, max_entries;
    uint32_t flags;
    uint32_t frozen;
    const void *contents;
    uint64_t contents_size;
};
#endif
int bpftime_rt_create_maps(const struct bpftime_rt_map *maps, size_t count); /* libbpftime-rt.a */

/* Numbers of the maps. */
enum {
    count_calls_map_calls = 0,
    count_calls_map_count_data = 3,
    count_calls_map__bss = 4,
};

/* count.data */
static const uint8_t count_calls_contents_3[] = {
    0, 11, 22, 33, 44, 55, 66, 77, 88, 99, 110, 121, 132, 143, 154, 165, 176, 187, 198, 209,
    220, 231, 242,
};

/* number, name, type, key size, value size, max entries, flags, frozen, contents */
static const struct bpftime_rt_map count_calls_maps[] = {
    {0, "calls", 1 /* hash */, 4, 8, 1024, 0x0, 0, 0, 0},
    {3, "count.data", 2 /* array */, 4, 64, 1, 0x480, 1, count_calls_contents_3, 23},
    {4, ".bss", 2 /* array */, 4, 64, 1, 0x400, 0, 0, 0},
};

/* Before the first run, in a driver that links libbpftime-rt.a: 0 or a negative errno. */
static inline int count_calls_create_maps(void) {
    return bpftime_rt_create_maps(count_calls_maps, sizeof count_calls_maps / sizeof *count_calls_maps);
}

#ifdef __cplusplus
}
#endif

#endif
