/* What libbpftime-rt.a gives to a driver, in C or C++, beside the symbols that native objects call: the maps of its
 * programs.
 *
 *   cc driver.c count_malloc.o -lbpftime-rt
 *
 * <program>.aot.h, written by `bpftime-aot build --header`, has the table that bpftime_rt_create_maps takes. Functions
 * return 0 or a negative errno; bpftime_rt_error says in a sentence what went wrong. All but bpftime_rt_destroy_maps
 * may be called from any number of threads. */
#ifndef BPFTIME_RT_H
#define BPFTIME_RT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef BPFTIME_RT_MAP_DEFINED
#define BPFTIME_RT_MAP_DEFINED
/* A map that a program refers to. */
struct bpftime_rt_map {
    uint32_t number; /* what the native code calls it by */
    const char *name;
    uint32_t type; /* enum bpf_map_type */
    uint32_t key_size, value_size, max_entries;
    uint32_t flags;        /* BPF_F_* */
    uint32_t frozen;       /* 1: no writes from the driver */
    const void *contents;  /* first value of a data section, zeros behind it left out; NULL: all zero */
    uint64_t contents_size;
};
#endif

typedef struct bpftime_map bpftime_map;

/* Makes the maps of a program. Programs of one ELF file share maps: one that is there already, by number, name and
 * shape, is kept. -EEXIST: another map has that number. Nothing is made when any of them cannot be. */
int bpftime_rt_create_maps(const struct bpftime_rt_map *maps, size_t count);

/* Frees every map. No program may run, and no value be in use, any more. */
void bpftime_rt_destroy_maps(void);

/* Why the calling thread's last bpftime_rt_create_maps failed. */
const char *bpftime_rt_error(void);

/* NULL: no such map. */
bpftime_map *bpftime_rt_find_map(const char *name);
bpftime_map *bpftime_rt_map_by_number(uint32_t number);

/* The commands of bpf(2). A value is bpftime_rt_value_size() bytes: of a per-CPU map the values of all
 * bpftime_rt_cpus(), each rounded up to 8 bytes. Flags are BPF_ANY, BPF_NOEXIST, BPF_EXIST. next_key with a NULL or
 * unknown key gives the first. */
size_t bpftime_rt_value_size(const bpftime_map *map);
unsigned bpftime_rt_cpus(void);
int bpftime_rt_lookup(bpftime_map *map, const void *key, void *value);
int bpftime_rt_update(bpftime_map *map, const void *key, const void *value, uint64_t flags);
int bpftime_rt_delete(bpftime_map *map, const void *key);
int bpftime_rt_next_key(bpftime_map *map, const void *key, void *next);

/* Address of the first value of an array or a data section, for reading and writing globals in place; else NULL. */
void *bpftime_rt_values(bpftime_map *map);

/* Calls a program's entry. Per-CPU values are then exact however many threads run programs: each run has one CPU's
 * values to itself. A driver that calls entries directly has that for as long as no more of its threads use per-CPU values
 * than bpftime_rt_cpus(); beyond that, threads that are preempted between reading and writing may lose counts. */
uint64_t bpftime_rt_run(uint64_t (*entry)(void *ctx, uint64_t size), void *ctx, uint64_t size);

/* Where bpf_printk writes, a line a call: standard error at first; -1: nowhere. */
void bpftime_rt_set_trace_fd(int fd);

#ifdef __cplusplus
}
#endif

#endif
