// Map definitions as they were before BTF.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct bpf_map_def {
    unsigned int type, key_size, value_size, max_entries, map_flags;
};
struct bpf_map_def SEC("maps") old = {BPF_MAP_TYPE_HASH, 4, 8, 16, 0};

SEC("socket")
int lookup(struct __sk_buff* skb) {
    __u32 key = 1;
    return bpf_map_lookup_elem(&old, &key) != 0;
}

char LICENSE[] SEC("license") = "GPL";
