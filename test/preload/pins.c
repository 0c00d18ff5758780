// Pins as libbpf makes them: in a directory of a BPF file system that may not be there, found by another process, and removed.
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLACE "/sys/fs/bpf"

static void say(const char *what, int result) {
    if (result < 0) printf("%s: %s\n", what, strerrorname_np(errno));
    else printf("%s: ok\n", what);
}

// In a process of its own, which shares nothing but the registry.
static void look(const char *path) {
    fflush(stdout);
    if (fork() == 0) {
        int map = bpf_obj_get(path), key = 1, value = 0;
        say("get", map);
        if (map >= 0 && bpf_map_lookup_elem(map, &key, &value) == 0) printf("value %d\n", value);
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    struct statfs fs;
    say("statfs", statfs(PLACE, &fs));
    printf("a BPF file system: %s\n", fs.f_type == 0xcafe4a11 ? "yes" : "no");
    libbpf_set_print(NULL);
    struct bpf_object *object = bpf_object__open(argv[1]);
    if (object == NULL || bpf_object__load(object) != 0) return printf("cannot load\n"), 1;
    struct bpf_map *map = bpf_object__next_map(object, NULL);
    while (map != NULL && strcmp(bpf_map__name(map), "pinned") != 0) map = bpf_object__next_map(object, map);
    if (map == NULL) return printf("no map\n"), 1;
    int key = 1, value = 42;
    say("update", bpf_map_update_elem(bpf_map__fd(map), &key, &value, BPF_ANY));
    char path[128];
    snprintf(path, sizeof path, PLACE "/bpftime-pins/%d", (int)getpid());
    char link[64], target[64] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", bpf_map__fd(map));
    printf("descriptor of %s\n", readlink(link, target, sizeof target - 1) > 0 ? target : "nothing");
    say("pin", bpf_map__pin(map, path));
    look(path);
    errno = -bpf_map__pin(map, PLACE "/bpftime-pins/elsewhere");
    printf("pin elsewhere: %s\n", strerrorname_np(errno));
    bpf_object__close(object);
    look(path);
    say("unlink", unlink(path));
    look(path);
    say("unlink again", unlink(path));
    return 0;
}
