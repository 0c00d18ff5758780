// Two programs with a map of their own each, one in common and constants.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 64);
    __type(key, __u64);
    __type(value, __u64);
} starts SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 8);
    __type(key, __u32);
    __type(value, __u64);
} totals SEC(".maps");

const volatile __u32 slot = 3;

SEC("uprobe")
int enter(void *ctx) {
    __u64 task = bpf_get_current_pid_tgid(), now = bpf_ktime_get_ns();
    bpf_map_update_elem(&starts, &task, &now, BPF_ANY);
    return 0;
}

SEC("uretprobe")
int leave(void *ctx) {
    __u64 task = bpf_get_current_pid_tgid();
    __u64 *start = bpf_map_lookup_elem(&starts, &task);
    if (!start) return 0;
    __u32 key = slot;
    __u64 *total = bpf_map_lookup_elem(&totals, &key);
    if (total) __sync_fetch_and_add(total, bpf_ktime_get_ns() - *start);
    bpf_map_delete_elem(&starts, &task);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
