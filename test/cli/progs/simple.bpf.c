// One program without maps or helpers: sums its context's bytes and doubles the first.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct bytes {
    __u8 data[16];
};

SEC("raw_tp")
int sum(struct bytes* ctx) {
    int total = 0;
    for (int i = 0; i < 16; i++) total += ctx->data[i];
    ctx->data[0] *= 2;
    return total;
}

char LICENSE[] SEC("license") = "GPL";
