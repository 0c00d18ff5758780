// 32 look-ups in an array map, each value found incremented by 1.
#include "bench.h"

#ifndef BENCH_NATIVE
struct {
    int (*type)[2];  // BPF_MAP_TYPE_ARRAY
    u32 *key;
    u64 *value;
    int (*max_entries)[64];
} counts __attribute__((section(".maps"), used));
#endif

BENCH(map_increment) {
    u64 sum = 0;
    for (u32 i = 0; i < 32; i++) {
        u32 key = (mem[i] + i) & 63;
        u64 *value = map_lookup(&counts, &key);
        if (!value) return 0;
        *value += 1;
        sum += key;
    }
    return sum;
}
