/* Feeds an XDP program packets and reads its global variables.
 *
 * data and data_end of struct xdp_md are 32 bits wide; in the kernel the verifier widens the loads to the 64-bit fields
 * behind them, in userspace they stay as they are. The packet therefore must lie below 4 GiB: this driver builds packets
 * in a page got with MAP_32BIT (of x86-64; elsewhere, mmap with a hint below 4 GiB does). */
#define _GNU_SOURCE
#include "xdp_counter.h"

#include <arpa/inet.h>
#include <bpftime/rt.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "xdp_counter.aot.h"

#define PAGE 4096
#ifndef MAP_32BIT
#define MAP_32BIT 0
#endif

static uint8_t *packet_page(void) {
    void *hint = (void *)0x10000000;
    uint8_t *page = mmap(hint, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    return page == MAP_FAILED || (uintptr_t)page + PAGE > UINT32_MAX ? NULL : page;
}

/* An Ethernet frame of `length` bytes with an IPv4 header, and the beginning of a UDP one. */
static size_t ipv4(uint8_t *page, size_t length, uint8_t protocol, uint16_t port, uint16_t fragment) {
    struct ethhdr *ethernet = (void *)page;
    struct iphdr *ip = (void *)(ethernet + 1);
    struct udphdr *udp = (void *)(ip + 1);
    memset(page, 0, PAGE);
    ethernet->h_proto = htons(ETH_P_IP);
    ip->ihl = 5;
    ip->protocol = protocol;
    ip->frag_off = htons(fragment);
    udp->dest = htons(port);
    return length;
}

static size_t other(uint8_t *page, size_t length, uint16_t ethertype) {
    memset(page, 0, PAGE);
    ((struct ethhdr *)(void *)page)->h_proto = htons(ethertype);
    return length;
}

static void run(uint8_t *page, size_t length) {
    struct xdp_md context = {.data = (uint32_t)(uintptr_t)page, .data_end = (uint32_t)((uintptr_t)page + length)};
    static const char *const kVerdicts[] = {"aborted", "drop", "pass"};
    uint64_t verdict = bpf_main(&context, sizeof context);
    printf("%4zu bytes: %s\n", length, verdict < 3 ? kVerdicts[verdict] : "?");
}

int main(void) {
    uint8_t *page = packet_page();
    if (page == NULL || xdp_counter_create_maps() != 0) {
        fprintf(stderr, "%s\n", page == NULL ? "no memory below 4 GiB" : bpftime_rt_error());
        return 1;
    }
    struct counters *counters = bpftime_rt_values(bpftime_rt_map_by_number(xdp_counter_map__bss));
    struct settings *settings = bpftime_rt_values(bpftime_rt_map_by_number(xdp_counter_map__data));

    run(page, ipv4(page, 60, IPPROTO_TCP, 80, 0));
    run(page, ipv4(page, 1514, IPPROTO_TCP, 443, 0));
    run(page, ipv4(page, 80, IPPROTO_UDP, 53, 0));
    run(page, ipv4(page, 90, IPPROTO_UDP, 9, 0)); /* blocked_port */
    run(page, ipv4(page, 98, IPPROTO_ICMP, 0, 0));
    run(page, ipv4(page, 1514, IPPROTO_UDP, 53, 0x2000)); /* a fragment */
    settings->drop_fragments = 0;
    run(page, ipv4(page, 1514, IPPROTO_UDP, 53, 0x2000));
    run(page, ipv4(page, 20, IPPROTO_TCP, 80, 0)); /* cut off */
    run(page, other(page, 86, ETH_P_IPV6));
    run(page, other(page, 42, ETH_P_ARP));

    static const char *const kNames[PROTOCOLS] = {"tcp", "udp", "icmp", "ipv6", "other", "broken"};
    for (int i = 0; i < PROTOCOLS; ++i)
        printf("%-6s %2" PRIu64 " packets %5" PRIu64 " bytes\n", kNames[i], (uint64_t)counters->packets[i],
               (uint64_t)counters->bytes[i]);
    printf("%" PRIu64 " dropped\n", (uint64_t)counters->dropped);
    return 0;
}
