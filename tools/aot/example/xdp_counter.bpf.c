// Counts packets by protocol in global variables; drops those to one UDP port, and fragments if told so.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "xdp_counter.h"

struct counters counters;
struct settings settings = {.drop_fragments = 1};
const volatile __u16 blocked_port = 9;

static int count(enum protocol protocol, __u64 bytes) {
    counters.packets[protocol]++;
    counters.bytes[protocol] += bytes;
    return XDP_PASS;
}

static int drop(enum protocol protocol, __u64 bytes) {
    count(protocol, bytes);
    counters.dropped++;
    return XDP_DROP;
}

static int count_ipv4(struct iphdr *ip, void *end, __u64 bytes) {
    if ((void *)(ip + 1) > end || ip->ihl < 5) return drop(PROTOCOL_BROKEN, bytes);
    if (settings.drop_fragments && (ip->frag_off & bpf_htons(0x3fff))) return drop(PROTOCOL_OTHER, bytes);
    if (ip->protocol == IPPROTO_TCP) return count(PROTOCOL_TCP, bytes);
    if (ip->protocol == IPPROTO_ICMP) return count(PROTOCOL_ICMP, bytes);
    if (ip->protocol != IPPROTO_UDP) return count(PROTOCOL_OTHER, bytes);
    struct udphdr *udp = (void *)ip + ip->ihl * 4;
    if ((void *)(udp + 1) > end) return drop(PROTOCOL_BROKEN, bytes);
    if (udp->dest == bpf_htons(blocked_port)) return drop(PROTOCOL_UDP, bytes);
    return count(PROTOCOL_UDP, bytes);
}

SEC("xdp")
int xdp_counter(struct xdp_md *ctx) {
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct ethhdr *ethernet = data;
    __u64 bytes = end - data;
    if ((void *)(ethernet + 1) > end) return drop(PROTOCOL_BROKEN, bytes);
    if (ethernet->h_proto == bpf_htons(ETH_P_IP)) return count_ipv4((void *)(ethernet + 1), end, bytes);
    if (ethernet->h_proto == bpf_htons(ETH_P_IPV6)) return count(PROTOCOL_IPV6, bytes);
    return count(PROTOCOL_OTHER, bytes);
}

char LICENSE[] SEC("license") = "GPL";
