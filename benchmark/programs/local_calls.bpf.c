// 100 calls of a subprogram.
#include "bench.h"

NOINLINE u64 step(u64 value, u64 index) { return (value ^ index) * 3 + 1; }

BENCH(local_calls) {
    u64 value = size;
    for (u32 i = 0; i < 100; i++) value = step(value, i);
    return value;
}
