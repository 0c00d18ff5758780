// Global data of every kind, and a subprogram.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 factor = 3;
__u32 start = 5;
__u64 runs;

static __noinline __u32 scale(__u32 x) { return x * factor; }

SEC("uprobe")
int scaled(void* ctx) {
    runs++;
    return scale(start) + runs;
}

char LICENSE[] SEC("license") = "GPL";
