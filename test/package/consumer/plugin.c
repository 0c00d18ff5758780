/* plugin OBJECT...: loads each object, a native one or bytecode, and runs it twice. */
#include <bpftime/bpftime.h>
#include <stdio.h>

int main(int argc, char **argv) {
    bpftime_registry *registry;
    if (bpftime_registry_private(&registry) != 0) return 1;
    for (int i = 1; i < argc; ++i) {
        bpftime_program *program;
        uint64_t first, second;
        if (bpftime_load(registry, argv[i], NULL, &program) != 0) {
            fprintf(stderr, "%s\n", bpftime_error());
            return 1;
        }
        if (bpftime_program_run(program, NULL, 0, &first) != 0) return 1;
        second = bpftime_program_entry(program)(NULL, 0);
        printf("c: %d %d\n", (int)first, (int)second);
        bpftime_program_close(program);
    }
    bpftime_registry_close(registry);
    return 0;
}
