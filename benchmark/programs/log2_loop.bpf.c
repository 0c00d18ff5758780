// Integer logarithm of 256 numbers by halving.
#include "bench.h"

BENCH(log2_loop) {
    const u64 *numbers = (const u64 *)mem;
    u64 sum = 0;
    for (u32 i = 0; i < 256; i++) {
        u64 x = numbers[i];
        u32 log = 0;
        for (u32 shift = 32; shift > 0; shift >>= 1) {
            if (x >> shift) {
                x >>= shift;
                log += shift;
            }
        }
        sum += log;
    }
    return sum;
}
