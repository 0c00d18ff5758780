/* libbpftime: eBPF programs as plugins of a C or C++ program. Loads native objects (bpftime-aot build) or BPF ELF objects, gives them
 * maps, and runs them. Needs no privileges, no kernel support and, unless the LLVM engine is asked for, no compiler.
 *
 *   bpftime_registry *registry;
 *   bpftime_program *program;
 *   uint64_t result;
 *   if (bpftime_registry_private(&registry) || bpftime_load(registry, "filter.o", NULL, &program) ||
 *       bpftime_program_run(program, &packet, sizeof(packet), &result))
 *       fprintf(stderr, "%s\n", bpftime_error());
 *
 * cc plugin.c $(pkg-config --cflags --libs bpftime). bpftime/bpftime.hpp is the same for C++23.
 *
 * Errors: functions that return int return 0 or a negative errno, which is in errno as well; bpftime_error() has the sentence. What is
 * given back through a pointer is set only on success. A NULL where something is needed, and a size that is not the map's, is -EINVAL.
 *
 * Ownership: every handle that a function gives back belongs to the caller, who closes it once. Handles keep what they need: a program
 * its maps, both their registry, in whatever order they are closed. Strings and structures handed in are copied.
 *
 * Threads: all functions may be called from any number of threads at once, except that nobody may use a handle that is being closed.
 *
 * Units: sizes in bytes, times in nanoseconds. */
#ifndef BPFTIME_BPFTIME_H
#define BPFTIME_BPFTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef struct bpftime_registry bpftime_registry; /* where programs and maps live */
typedef struct bpftime_program bpftime_program;   /* a program, ready to run */
typedef struct bpftime_map bpftime_map;

/* "0.1.0" */
const char *bpftime_version(void);

/* Why the last function of this thread that failed did, in one sentence; "" before the first. Valid until the next one fails. */
const char *bpftime_error(void);

/* ---- Registries ----------------------------------------------------------------------------------------------------------------- */

/* A registry of this process alone. */
int bpftime_registry_private(bpftime_registry **registry);

#define BPFTIME_CREATE 1u /* make the registry if there is none */

/* The registry in shared memory that processes of this user share by name; NULL: $BPFTIME_GLOBAL_SHM_NAME or its default, where the
 * syscall server puts what it captures. -ENOENT: there is none; -EPERM: it is somebody else's; -EPROTO: of another version. */
int bpftime_registry_open(const char *name, uint32_t flags, bpftime_registry **registry);

/* What was loaded or made stays as long as a handle, a process or a pin uses it. NULL is ignored, as by all close functions. */
void bpftime_registry_close(bpftime_registry *registry);

/* ---- Programs ------------------------------------------------------------------------------------------------------------------- */

#define BPFTIME_LOAD_UNVERIFIED 1u /* also objects without metadata, such as hand-written C with a bpf_main; they get no maps */
#define BPFTIME_LOAD_OWN_MAPS 2u   /* new maps, also where the registry has some of their name */

/* How to load; zeros are the defaults. */
struct bpftime_load_options {
    size_t size;              /* sizeof(struct bpftime_load_options) */
    const char *program;      /* which program of a BPF ELF object; NULL: the only one */
    const char *engine;       /* how bytecode runs: "ubpf" (the default), "interpreter", "llvm" (opens libbpftime-llvm.so) */
    bpftime_map *const *maps; /* taken first for the maps of their name, which is how programs share data sections */
    size_t map_count;
    const void *trusted_keys; /* Ed25519 public keys of 32 bytes each: the object must be signed by one of them */
    size_t trusted_key_count;
    uint32_t flags; /* BPFTIME_LOAD_* */
    uint32_t reserved;
};

/* Loads a file: a native object, which passes every check of the linker first, or a program of a BPF ELF object. Each map that it needs
 * is, by name and shape: one of options->maps; else, unless it is a data section (".bss"), one of the registry; else a new one there. A
 * map of that name but another shape is refused, two of that name and shape are -EEXIST (pass the one that is meant). A program of a BPF
 * ELF object is entered into the registry; a native object, which has no bytecode, is not. */
int bpftime_load(bpftime_registry *registry, const char *path, const struct bpftime_load_options *options, bpftime_program **program);

/* The same for a file in memory, which is called `name` in errors. */
int bpftime_load_memory(bpftime_registry *registry, const void *bytes, size_t size, const char *name,
                        const struct bpftime_load_options *options, bpftime_program **program);

/* A program of the registry, by id or by name: its native object (bpftime-aot compile, load) if it has one, else the bytecode on
 * options->engine; of the options only `engine` and the trusted keys count. -ENOENT: no such program; -EEXIST: several of that name. */
int bpftime_program_by_id(bpftime_registry *registry, uint32_t id, const struct bpftime_load_options *options, bpftime_program **program);
int bpftime_program_by_name(bpftime_registry *registry, const char *name, const struct bpftime_load_options *options,
                            bpftime_program **program);

void bpftime_program_close(bpftime_program *program);

struct bpftime_program_info {
    size_t size;       /* sizeof(struct bpftime_program_info), set by the caller */
    uint32_t id;       /* in the registry; 0: not entered there */
    uint32_t type;     /* enum bpf_prog_type */
    uint32_t insns;    /* slots of bytecode, 0 if unknown */
    uint32_t maps;     /* number of maps it refers to */
    uint64_t runs;     /* while statistics are on (BPF_ENABLE_STATS) */
    uint64_t run_time; /* ns */
    char name[128];
};
int bpftime_program_get_info(const bpftime_program *program, struct bpftime_program_info *info);

/* The program of the registry with the lowest id above `after`: begin with 0. -ENOENT at the end. */
int bpftime_program_next(bpftime_registry *registry, uint32_t after, struct bpftime_program_info *info);

/* Runs the program once: r1 is the address of the context, r2 its size. The program's memory accesses are trusted, as the context is
 * yours; `result` (r0) may be NULL. */
int bpftime_program_run(const bpftime_program *program, void *context, size_t size, uint64_t *result);

/* The same without a detour: the program's native code, valid as long as the program is open. NULL, with errno EOPNOTSUPP, of a program
 * that is interpreted. */
typedef uint64_t (*bpftime_entry)(void *context, uint64_t size);
bpftime_entry bpftime_program_entry(const bpftime_program *program);

/* The map that the program knows by this name: "counts", ".bss". -ENOENT. */
int bpftime_program_map(const bpftime_program *program, const char *name, bpftime_map **map);

/* ---- Maps ----------------------------------------------------------------------------------------------------------------------- */

struct bpftime_map_info {
    size_t size; /* sizeof(struct bpftime_map_info), set by the caller */
    uint32_t id;
    uint32_t type; /* enum bpf_map_type */
    uint32_t key_size;
    uint32_t value_size; /* as programs see it */
    uint32_t max_entries;
    uint32_t flags;      /* BPF_F_* */
    uint64_t user_value; /* what the functions below take: of a per-CPU map the values of all CPUs, each rounded up to 8 */
    uint32_t frozen;     /* 1: only programs write it */
    uint32_t reserved;
    char name[128];
};

/* A new map; the errors are those of BPF_MAP_CREATE. `name` has at most 15 letters, digits, '_' and '.'. */
int bpftime_map_create(bpftime_registry *registry, uint32_t type, const char *name, uint32_t key_size, uint32_t value_size,
                       uint32_t max_entries, uint32_t flags, bpftime_map **map);
int bpftime_map_by_id(bpftime_registry *registry, uint32_t id, bpftime_map **map);
int bpftime_map_by_name(bpftime_registry *registry, const char *name, bpftime_map **map); /* -EEXIST: several have it */
void bpftime_map_close(bpftime_map *map);

int bpftime_map_get_info(const bpftime_map *map, struct bpftime_map_info *info);
int bpftime_map_next(bpftime_registry *registry, uint32_t after, struct bpftime_map_info *info);

/* The map commands of bpf(2), with their errors: -ENOENT no such key, -EEXIST, -E2BIG full, -EPERM frozen. Keys are key_size bytes (none
 * for queues, stacks and bloom filters: NULL and 0), values user_value bytes; both sizes are checked. An element of a map of programs or
 * maps is the id of the object. `flags` are BPF_ANY (0), BPF_NOEXIST (1), BPF_EXIST (2). */
int bpftime_map_lookup(const bpftime_map *map, const void *key, size_t key_size, void *value, size_t value_size);
int bpftime_map_update(const bpftime_map *map, const void *key, size_t key_size, const void *value, size_t value_size, uint64_t flags);
int bpftime_map_delete(const bpftime_map *map, const void *key, size_t key_size);
/* Lookup and delete in one step: takes an element out, or pops a queue or stack. */
int bpftime_map_take(const bpftime_map *map, const void *key, size_t key_size, void *value, size_t value_size);
/* The key after `key`; the first one when `key` is NULL or gone. -ENOENT at the end. */
int bpftime_map_next_key(const bpftime_map *map, const void *key, void *next, size_t key_size);

/* The values of an array in place, max_entries of them *stride bytes apart, or the variables of a data section; for reading and writing
 * while programs run. Valid as long as the map is open. NULL, with errno EOPNOTSUPP, where values do not lie so; EPERM where the map is
 * frozen or read-only. `stride` may be NULL. */
void *bpftime_map_values(const bpftime_map *map, size_t *stride);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
