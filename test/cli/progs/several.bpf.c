// Two programs that share maps, and one that userspace cannot serve.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 16);
    __type(key, __u32);
    __type(value, __u64);
} counts SEC(".maps");

static __always_inline int add(__u32 key, __u64 amount) {
    __u64* count = bpf_map_lookup_elem(&counts, &key);
    if (count) {
        *count += amount;
        return 1;
    }
    bpf_map_update_elem(&counts, &key, &amount, BPF_ANY);
    return 0;
}

SEC("uprobe")
int first(void* ctx) { return add(1, 10); }

SEC("uprobe")
int second(void* ctx) { return add(2, 20); }

extern int bpf_missing_function(int x) __ksym;

SEC("uprobe")
int third(void* ctx) { return bpf_missing_function(3); }

char LICENSE[] SEC("license") = "GPL";
