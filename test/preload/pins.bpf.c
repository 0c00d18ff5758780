#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 8);
    __type(key, int);
    __type(value, int);
} pinned SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_getpid")
int count(void *ctx) {
    int key = 1, *value = bpf_map_lookup_elem(&pinned, &key);
    if (value) ++*value;
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
