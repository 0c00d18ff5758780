// Nothing: the cost of a call.
#include "bench.h"

BENCH(return0) { return 0; }
