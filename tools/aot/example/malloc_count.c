/* The same program with the generated header and libbpftime-rt.a: real helpers, a real map. */
#include <bpftime/rt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "count_malloc.aot.h"

/* Where a tracer would probe malloc, this driver calls the program itself. */
static void *counted_malloc(size_t size) {
    bpf_main(NULL, 0);
    return malloc(size);
}

int main(void) {
    if (count_malloc_create_maps() != 0) {
        fprintf(stderr, "%s\n", bpftime_rt_error());
        return 1;
    }
    for (int i = 0; i < 1000; ++i) free(counted_malloc(16));

    bpftime_map *map = bpftime_rt_find_map("malloc_calls");
    uint32_t pid;
    uint64_t calls;
    for (int error = bpftime_rt_next_key(map, NULL, &pid); error == 0; error = bpftime_rt_next_key(map, &pid, &pid)) {
        if (bpftime_rt_lookup(map, &pid, &calls) != 0) return 1;
        printf("%s: %" PRIu64 " calls\n", pid == (uint32_t)getpid() ? "this process" : "another process", calls);
    }
    return 0;
}
