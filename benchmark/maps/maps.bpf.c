// What one operation on a map costs: each program does 64 of one kind, on the kernel's maps and on ours.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define ROUNDS 64
#define KEYS 1024 /* keys 0..1023 are there, filled in by the harness */

typedef __u32 u32;
typedef __u64 u64;

#define MAP(name, kind, flags, entries)     \
    struct {                                \
        __uint(type, BPF_MAP_TYPE_##kind);  \
        __uint(map_flags, flags);           \
        __uint(max_entries, entries);       \
        __type(key, u32);                   \
        __type(value, u64);                 \
    } name SEC(".maps")

MAP(array, ARRAY, 0, KEYS);
MAP(percpu_array, PERCPU_ARRAY, 0, KEYS);
MAP(hash, HASH, 0, 2 * KEYS);
MAP(hash_alloc, HASH, BPF_F_NO_PREALLOC, 2 * KEYS);
MAP(percpu_hash, PERCPU_HASH, 0, 2 * KEYS);
MAP(lru_hash, LRU_HASH, 0, 4 * KEYS);

struct prefix {
    u32 bits;
    u32 address;
};
struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 2 * KEYS);
    __type(key, struct prefix);
    __type(value, u64);
} lpm_trie SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_QUEUE);
    __uint(max_entries, KEYS);
    __uint(key_size, 0);
    __type(value, u64);
} queue SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 16 << 20);
} ring SEC(".maps");

char LICENSE[] SEC("license") = "GPL";

/* The result says whether every operation did what it should. */
#define PROGRAM(name, ...)                                    \
    SEC("tc") int name(struct __sk_buff *ctx) {               \
        u64 good = 0;                                         \
        _Pragma("clang loop unroll(disable)")                 \
        for (u32 i = 0; i < ROUNDS; i++) __VA_ARGS__ return (int)good; \
    }

#define LOOKUP(map)                                    \
    PROGRAM(map##_lookup, {                            \
        u32 key = (i * 167) & (KEYS - 1);              \
        u64 *value = bpf_map_lookup_elem(&map, &key);  \
        if (value) good += *value == key;              \
    })
#define UPDATE(map)                                               \
    PROGRAM(map##_update, {                                       \
        u32 key = (i * 167) & (KEYS - 1);                         \
        u64 value = key;                                          \
        good += bpf_map_update_elem(&map, &key, &value, 0) == 0;  \
    })

LOOKUP(array)
UPDATE(array)
LOOKUP(percpu_array)
UPDATE(percpu_array)
LOOKUP(hash)
UPDATE(hash)
LOOKUP(hash_alloc)
UPDATE(hash_alloc)
LOOKUP(percpu_hash)
UPDATE(percpu_hash)
LOOKUP(lru_hash)
UPDATE(lru_hash)

PROGRAM(lpm_trie_lookup, {
    struct prefix key = {32, (i * 167) & (KEYS - 1)};
    u64 *value = bpf_map_lookup_elem(&lpm_trie, &key);
    if (value) good += *value == key.address;
})
PROGRAM(lpm_trie_update, {
    struct prefix key = {32, (i * 167) & (KEYS - 1)};
    u64 value = key.address;
    good += bpf_map_update_elem(&lpm_trie, &key, &value, 0) == 0;
})

PROGRAM(queue_push_pop, {
    u64 value = i;
    u64 popped = ~0ull;
    bpf_map_push_elem(&queue, &value, 0);
    good += bpf_map_pop_elem(&queue, &popped) == 0 && popped == i;
})

PROGRAM(ring_record, {
    u64 *record = bpf_ringbuf_reserve(&ring, 16, 0);
    if (record) {
        record[0] = i;
        record[1] = good;
        bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
        good++;
    }
})
