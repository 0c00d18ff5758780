// Counts calls of malloc by process.
#define BPF_NO_GLOBAL_DATA  // bpf_printk's format on the stack, so that the hash is the program's only map
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1024);
    __type(key, __u32);
    __type(value, __u64);
} malloc_calls SEC(".maps");

SEC("uprobe/libc.so.6:malloc")
int count_malloc(void *ctx) {
    __u32 pid = bpf_get_current_pid_tgid() >> 32;
    __u64 one = 1;
    __u64 *calls = bpf_map_lookup_elem(&malloc_calls, &pid);
    if (calls) {
        __sync_fetch_and_add(calls, 1);
        return 0;
    }
    bpf_printk("first malloc of process %d", pid);
    return bpf_map_update_elem(&malloc_calls, &pid, &one, BPF_NOEXIST);
}

char LICENSE[] SEC("license") = "GPL";
