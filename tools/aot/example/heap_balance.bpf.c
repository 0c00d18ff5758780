// Two programs that share a map: what is allocated and not freed, and how often each ran.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 4096);
    __type(key, __u64);    // address
    __type(value, __u64);  // bytes
} live SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 2);
    __type(key, __u32);  // 0: allocations, 1: frees
    __type(value, __u64);
} events SEC(".maps");

static void count(__u32 kind) {
    __u64 *number = bpf_map_lookup_elem(&events, &kind);
    if (number) ++*number;
}

// Context: the two words of struct allocation in heap_balance.c.
SEC("uprobe/heap:allocated")
int on_allocate(__u64 *ctx) {
    __u64 address = ctx[0], bytes = ctx[1];
    count(0);
    return bpf_map_update_elem(&live, &address, &bytes, BPF_ANY);
}

SEC("uprobe/heap:freed")
int on_free(__u64 *ctx) {
    __u64 address = ctx[0];
    count(1);
    return bpf_map_delete_elem(&live, &address);
}

char LICENSE[] SEC("license") = "GPL";
