// 64 binary searches in 1,024 sorted numbers.
#include "bench.h"

BENCH(bsearch) {
    const u32 *sorted = (const u32 *)mem, *wanted = sorted + 1024;
    u64 found = 0;
    for (u32 i = 0; i < 64; i++) {
        u32 low = 0, high = 1024;
        while (low < high) {
            const u32 middle = (low + high) / 2;
            if (sorted[middle] < wanted[i]) low = middle + 1;
            else high = middle;
        }
        found = found * 31 + low;
    }
    return found;
}
