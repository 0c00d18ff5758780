/* Two programs of one ELF file in one driver. Each was built with an --entry of its own; they share the file's maps. */
#include <bpftime/rt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "on_allocate.aot.h"
#include "on_free.aot.h"

struct allocation {
    uint64_t address, bytes;
};

static uint64_t sum_of_cpus(bpftime_map *map, uint32_t key) {
    uint64_t *values = calloc(1, bpftime_rt_value_size(map)), sum = 0;
    if (bpftime_rt_lookup(map, &key, values) == 0)
        for (unsigned cpu = 0; cpu < bpftime_rt_cpus(); ++cpu) sum += values[cpu];
    free(values);
    return sum;
}

int main(void) {
    if (on_allocate_create_maps() != 0 || on_free_create_maps() != 0) {
        fprintf(stderr, "%s\n", bpftime_rt_error());
        return 1;
    }
    for (uint64_t i = 1; i <= 100; ++i) {
        struct allocation event = {i * 0x1000, i};
        if (allocate_entry(&event, sizeof event) != 0) return 1;
        if (i % 4 != 0 && free_entry(&event, sizeof event) != 0) return 1;
    }
    bpftime_map *live = bpftime_rt_find_map("live"), *events = bpftime_rt_find_map("events");
    uint64_t blocks = 0, total = 0, address, bytes;
    int error = bpftime_rt_next_key(live, NULL, &address);
    while (error == 0) {
        if (bpftime_rt_lookup(live, &address, &bytes) != 0) return 1;
        ++blocks;
        total += bytes;
        error = bpftime_rt_next_key(live, &address, &address);
    }
    printf("%" PRIu64 " allocations, %" PRIu64 " frees\n", sum_of_cpus(events, 0), sum_of_cpus(events, 1));
    printf("%" PRIu64 " blocks of %" PRIu64 " bytes are live\n", blocks, total);
    return 0;
}
