// Bubble sort of 64 numbers on the stack.
#include "bench.h"

NO_LIBRARY_CALLS BENCH(sort) {
    const u32 *numbers = (const u32 *)mem;
    u32 a[64];
    for (u32 i = 0; i < 64; i++) a[i] = numbers[i];
    for (u32 i = 0; i < 63; i++) {
        for (u32 j = 0; j < 63 - i; j++) {
            if (a[j] > a[j + 1]) {
                const u32 t = a[j];
                a[j] = a[j + 1];
                a[j + 1] = t;
            }
        }
    }
    u64 hash = 0;
    for (u32 i = 0; i < 64; i++) hash = hash * 31 + a[i];
    return hash;
}
