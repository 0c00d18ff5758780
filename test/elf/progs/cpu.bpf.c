// One source for every -mcpu: signed division and loads, byte swaps, 32-bit jumps, atomics from v3 on.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct packet {
    signed char a;
    short b;
    int c;
    long d;
};
long counter;

SEC("socket")
int arithmetic(struct __sk_buff* skb) {
    struct packet p = {.a = skb->len, .b = skb->mark, .c = skb->priority, .d = skb->hash};
    asm volatile("" ::"r"(&p) : "memory");
    long result = __builtin_bswap32(p.c) + p.a + p.b;
#if __BPF_CPU_VERSION__ >= 4
    result += p.d / (p.c | 1) + p.d % (p.b | 1);
#endif
#if __BPF_CPU_VERSION__ >= 3
    result += __sync_fetch_and_add(&counter, p.d);
#else
    __sync_fetch_and_add(&counter, p.d);
#endif
    if ((int)result < 5) return 1;
    return result;
}

char LICENSE[] SEC("license") = "GPL";
