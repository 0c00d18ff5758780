/* A program that takes its rules as eBPF plugins: plugin FILE... loads each, native object or bytecode, runs all on every request, and
 * lets a request pass if none of them says otherwise. */
#include <bpftime/bpftime.h>
#include <inttypes.h>
#include <stdio.h>

#include "request_rules.h"

enum { MOST_RULES = 8 };

static int failed(void) {
    fprintf(stderr, "plugin: %s\n", bpftime_error());
    return 1;
}

int main(int argc, char **argv) {
    static const struct request requests[] = {{1, 200, "/index"}, {2, 9000, "/upload"}, {1, 300, "/admin"}, {1, 100, "/index"}};
    bpftime_registry *registry;
    bpftime_program *rules[MOST_RULES];
    int count = argc - 1 < MOST_RULES ? argc - 1 : MOST_RULES;
    if (bpftime_registry_private(&registry) != 0) return failed();
    for (int i = 0; i < count; ++i)
        if (bpftime_load(registry, argv[1 + i], NULL, &rules[i]) != 0) return failed();

    for (size_t at = 0; at < sizeof(requests) / sizeof(*requests); ++at) {
        struct request request = requests[at];
        uint64_t verdict = PASS;
        for (int i = 0; i < count && verdict == PASS; ++i)
            if (bpftime_program_run(rules[i], &request, sizeof(request), &verdict) != 0) return failed();
        printf("user %u %-8s %s\n", request.user, request.path, verdict == PASS ? "passes" : "is refused");
    }

    bpftime_map *bytes; /* the rules share it by its name */
    uint64_t sum;
    if (bpftime_map_by_name(registry, "bytes", &bytes) != 0) return failed();
    for (uint32_t user = 1; bpftime_map_lookup(bytes, &user, sizeof(user), &sum, sizeof(sum)) == 0; ++user)
        printf("user %" PRIu32 ": %" PRIu64 " bytes\n", user, sum);

    for (int i = 0; i < count; ++i) bpftime_program_close(rules[i]);
    bpftime_map_close(bytes);
    bpftime_registry_close(registry);
    return 0;
}
