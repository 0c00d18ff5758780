// Counts calls of getenv, `step` at a time.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

const volatile __u64 step = 1;  // the application sets it before it loads the program

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
} calls SEC(".maps");

SEC("uprobe/libc.so.6:getenv")
int do_count(void *ctx) {
    __u32 key = 0;
    __u64 *count = bpf_map_lookup_elem(&calls, &key);
    if (!count) return 0;
    __sync_fetch_and_add(count, step);
    return *count;
}

char LICENSE[] SEC("license") = "GPL";
