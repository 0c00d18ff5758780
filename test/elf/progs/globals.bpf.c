// Every kind of data section, read and written.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 limit = 7;
const volatile char label[8] = "bpftime";
const volatile __u64 thresholds[2] SEC(".rodata.limits") = {11, 22};
__u64 start = 0x1122334455667788;
__u64 total;
static __u32 calls;
char buffer[5000];

SEC("socket")
int count(struct __sk_buff* skb) {
    calls++;
    if (calls > limit) return label[0];
    total += start + thresholds[1];
    buffer[calls & 4095] = 1;
    return total;
}

char LICENSE[] SEC("license") = "GPL";
