// 100 calls of a helper that adds one.
#include "bench.h"

BENCH(helper_calls) {
    u64 value = size;
    for (u32 i = 0; i < 100; i++) value = helper_step(mem, value);
    return value;
}
