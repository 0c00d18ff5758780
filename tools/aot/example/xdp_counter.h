/* What xdp_counter.bpf.c and its driver share: the layout of the program's .bss and .data. */
#ifndef XDP_COUNTER_H
#define XDP_COUNTER_H

#include <linux/types.h>

enum protocol { PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_ICMP, PROTOCOL_IPV6, PROTOCOL_OTHER, PROTOCOL_BROKEN, PROTOCOLS };

/* .bss */
struct counters {
    __u64 packets[PROTOCOLS];
    __u64 bytes[PROTOCOLS];
    __u64 dropped;
};

/* .data */
struct settings {
    __u32 drop_fragments; /* 1: drop IPv4 fragments */
};

#endif
