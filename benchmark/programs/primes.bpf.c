// Primes up to 1000 by trial division.
#include "bench.h"

BENCH(primes) {
    u32 count = 0;
    for (u32 n = 2; n <= 1000; n++) {
        u32 prime = 1;
        for (u32 d = 2; d * d <= n; d++) {
            if (n % d == 0) {
                prime = 0;
                break;
            }
        }
        count += prime;
    }
    return count;
}
