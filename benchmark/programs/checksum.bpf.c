// The Internet checksum of 1,500 bytes.
#include "bench.h"

BENCH(checksum) {
    const u16 *words = (const u16 *)mem;
    u32 sum = 0;
    for (u32 i = 0; i < 750; i++) sum += words[i];
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (u16)~sum;
}
