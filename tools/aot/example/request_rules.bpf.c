// Two rules for plugin.c: a limit of bytes for each user, and a path that nobody may ask for.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "request_rules.h"

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1024);
    __type(key, __u32);
    __type(value, __u64);
} bytes SEC(".maps");

const volatile __u64 limit = 4096;

SEC("uprobe")
int within_limit(struct request *request) {
    __u32 user = request->user;
    __u64 first = request->bytes, *sum = bpf_map_lookup_elem(&bytes, &user);
    if (!sum) return bpf_map_update_elem(&bytes, &user, &first, BPF_ANY) == 0 && first <= limit ? PASS : REFUSE;
    *sum += request->bytes;
    return *sum <= limit ? PASS : REFUSE;
}

SEC("uprobe")
int no_admin(struct request *request) {
    return __builtin_memcmp(request->path, "/admin", 6) == 0 ? REFUSE : PASS;
}

char LICENSE[] SEC("license") = "GPL";
