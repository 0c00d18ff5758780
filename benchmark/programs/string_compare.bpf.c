// Compares two equal strings of 255 characters.
#include "bench.h"

BENCH(string_compare) {
    const u8 *a = mem, *b = mem + 256;
    for (u32 i = 0; i < 256; i++) {
        if (a[i] != b[i]) return (u64)((s64)a[i] - b[i]);
        if (a[i] == 0) return 0;
    }
    return 1;
}
