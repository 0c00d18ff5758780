/* An ordinary libbpf application: loads do_count.bpf.o, attaches it, and prints the count whenever a line comes from standard input.
 * It knows nothing of bpftime. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static int failed(const char *what) {
    perror(what);
    return 1;
}

int main(int argc, char **argv) {
    uint64_t step = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    struct bpf_object *object = bpf_object__open_file("do_count.bpf.o", NULL);
    if (!object) return failed("open");
    struct bpf_map *constants = bpf_object__find_map_by_name(object, ".rodata");
    if (!constants || bpf_map__set_initial_value(constants, &step, sizeof(step)) != 0) return failed("set the step");
    if (bpf_object__load(object) != 0) return failed("load");

    struct bpf_link *link = bpf_program__attach(bpf_object__find_program_by_name(object, "do_count"));
    if (!link) return failed("attach");
    puts("counter: attached");
    fflush(stdout);

    int calls = bpf_object__find_map_fd_by_name(object, "calls");
    for (int c = getchar(); c != EOF; c = getchar()) {
        uint32_t key = 0;
        uint64_t count = 0;
        if (c != '\n') continue;
        if (bpf_map_lookup_elem(calls, &key, &count) != 0) return failed("look up");
        printf("counter: %llu\n", (unsigned long long)count);
        fflush(stdout);
    }
    bpf_link__destroy(link);
    bpf_object__close(object);
    return 0;
}
