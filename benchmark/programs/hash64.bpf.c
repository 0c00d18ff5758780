// A 64-bit hash of 4 KiB with four lanes, of the kind of xxh64.
#include "bench.h"

#define P1 0x9e3779b185ebca87ULL
#define P2 0xc2b2ae3d27d4eb4fULL
#define P3 0x165667b19e3779f9ULL

static u64 rotate(u64 x, u32 by) { return x << by | x >> (64 - by); }
static u64 mix(u64 lane, u64 word) { return rotate(lane + word * P2, 31) * P1; }

BENCH(hash64) {
    const u64 *words = (const u64 *)mem;
    u64 a = P1 + P2, b = P2, c = 0, d = 0 - P1;
    for (u32 i = 0; i < 512; i += 4) {
        a = mix(a, words[i]);
        b = mix(b, words[i + 1]);
        c = mix(c, words[i + 2]);
        d = mix(d, words[i + 3]);
    }
    u64 hash = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18) + 4096;
    hash = (hash ^ hash >> 33) * P2;
    hash = (hash ^ hash >> 29) * P3;
    return hash ^ hash >> 32;
}
