// Calls four deep, each subprogram with a frame of 384 bytes that it fills and sums.
#include "bench.h"

#define FRAME(name, next)                                        \
    NOINLINE u64 name(u64 seed) {                                \
        volatile u64 slots[48];                                  \
        for (u32 i = 0; i < 48; i++) slots[i] = seed + i;        \
        u64 sum = next(seed * 5 + 1);                            \
        for (u32 i = 0; i < 48; i++) sum = sum * 7 + slots[i];   \
        return sum;                                              \
    }

NOINLINE u64 leaf(u64 seed) { return seed ^ seed >> 7; }
FRAME(third, leaf)
FRAME(second, third)
FRAME(first, second)

BENCH(frames) {
    u64 sum = size;
    for (u32 i = 0; i < 4; i++) sum += first(sum + i);
    return sum;
}
