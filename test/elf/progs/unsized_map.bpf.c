// A map whose size the program that loads the object would set.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __type(key, __u32);
    __type(value, __u32);
} unsized SEC(".maps");

SEC("kprobe")
int first(void* ctx) {
    __u32 key = 0;
    return bpf_map_lookup_elem(&unsized, &key) != 0;
}

SEC("kprobe")
int second(void* ctx) { return 1; }

char LICENSE[] SEC("license") = "GPL";
