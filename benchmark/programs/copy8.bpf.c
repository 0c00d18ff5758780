// 1 KiB, 8 bytes a step.
#include "bench.h"

NO_LIBRARY_CALLS BENCH(copy8) {
    const u64 *from = (const u64 *)mem;
    u64 *to = (u64 *)(mem + 1024);
    for (u32 i = 0; i < 128; i++) to[i] = from[i];
    return to[127];
}
