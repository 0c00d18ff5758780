/* A C driver's side of the runtime library: a map made from a table, reached by number. */
#include <bpftime/rt.h>
#include <stdio.h>

uint64_t __lddw_helper_map_by_fd(uint32_t number);

int main(void) {
    static const struct bpftime_rt_map maps[] = {{.number = 3, .name = "m", .type = 2, .key_size = 4, .value_size = 8, .max_entries = 4}};
    if (bpftime_rt_create_maps(maps, 1) != 0) return 1;
    if (__lddw_helper_map_by_fd(3) == 0 || bpftime_rt_map_by_number(4) != 0) return 2;
    puts("driver: map 3");
    return 0;
}
