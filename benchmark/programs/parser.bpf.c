// Ethernet, VLAN, IPv4, TCP: bounds, headers, options, ports.
#include "bench.h"

static u16 be16(const u8 *p) { return (u16)(p[0] << 8 | p[1]); }
static u32 be32(const u8 *p) { return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3]; }

BENCH(parser) {
    const u8 *end = mem + size, *p = mem;
    if (p + 14 > end) return 1;
    u16 type = be16(p + 12);
    p += 14;
    for (u32 depth = 0; depth < 2 && (type == 0x8100 || type == 0x88a8); depth++) {
        if (p + 4 > end) return 2;
        type = be16(p + 2);
        p += 4;
    }
    if (type != 0x0800 || p + 20 > end) return 3;
    const u32 header = (p[0] & 15) * 4;
    if (p[0] >> 4 != 4 || header < 20 || p + header > end) return 4;
    if (be16(p + 6) & 0x1fff || p[9] != 6) return 5;
    const u32 from = be32(p + 12), to = be32(p + 16);
    p += header;
    if (p + 20 > end) return 6;
    const u32 tcp = (p[12] >> 4) * 4;
    if (tcp < 20 || p + tcp > end) return 7;
    u32 mss = 536;
    const u8 *option = p + 20, *last = p + tcp;
    for (u32 i = 0; i < 10 && option + 2 <= last; i++) {
        if (option[0] == 0) break;
        if (option[0] == 1) {
            option++;
            continue;
        }
        if (option[0] == 2 && option[1] == 4 && option + 4 <= last) mss = be16(option + 2);
        if (option[1] < 2) return 8;
        option += option[1];
    }
    return ((u64)from << 32 | to) ^ ((u64)be16(p) << 48 | (u64)be16(p + 2) << 16 | mss) ^ p[13];
}
