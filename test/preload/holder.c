// Loads a BPF object with libbpf, as any application would, says so, and keeps it until its input ends.
#include <bpf/libbpf.h>
#include <stdio.h>

static int silent(enum libbpf_print_level level, const char *format, va_list arguments) {
    (void)level, (void)format, (void)arguments;
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    libbpf_set_print(silent);
    struct bpf_object *object = bpf_object__open_file(argv[1], NULL);
    if (!object || bpf_object__load(object) != 0) {
        puts("cannot load");
        return 1;
    }
    puts("loaded");
    fflush(stdout);
    while (getchar() != EOF) {
    }
    bpf_object__close(object);
    return 0;
}
