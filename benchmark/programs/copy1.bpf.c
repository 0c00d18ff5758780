// 1 KiB, a byte a step.
#include "bench.h"

NO_LIBRARY_CALLS BENCH(copy1) {
    for (u32 i = 0; i < 1024; i++) mem[1024 + i] = mem[i];
    return mem[2047];
}
