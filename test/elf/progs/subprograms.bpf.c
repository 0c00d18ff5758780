// Local functions of both linkages, shared by two programs, one of them in a section of its own.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

static __noinline __u64 square(__u64 x) { return x * x + 1; }

__noinline int scale(__u32 x) { return square(x) * 3; }

SEC("socket")
int both(struct __sk_buff* skb) { return square(skb->len) + scale(skb->mark); }

SEC("socket")
int only_static(struct __sk_buff* skb) { return square(skb->len); }

SEC("socket/alone")
int none(struct __sk_buff* skb) { return 3; }

char LICENSE[] SEC("license") = "Dual BSD/GPL";
