/* An ordinary libbpf application: nothing here knows of the syscall server. Prints what it was let do; on the kernel
 * and under the syscall server the output must be client.txt. "client OBJECT tracepoint" needs tracefs on the kernel.
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

__attribute__((noinline)) int target(int value) {
    __asm__ volatile("" : "+r"(value));
    return value + 1;
}

/* A USDT point with a semaphore, as <sys/sdt.h> makes it. */
unsigned short mark_semaphore __attribute__((section(".probes"), used));
__attribute__((noinline)) void mark(int value) {
    __asm__ volatile(
        "1: nop\n"
        ".pushsection .note.stapsdt, \"\", \"note\"\n"
        ".balign 4\n"
        ".4byte 3f-2f, 5f-4f, 3\n"
        "2: .asciz \"stapsdt\"\n"
        "3: .balign 4\n"
        "4: .8byte 1b, 0, mark_semaphore\n"
        ".asciz \"bpftime_test\"\n"
        ".asciz \"mark\"\n"
        ".asciz \"-4@$7\"\n"
        "5: .balign 4\n"
        ".popsection\n"
        :
        : "r"(value));
}

static int failures;
static void say(const char* what, int ok) {
    if (ok) {
        printf("%s: ok\n", what);
    } else {
        printf("%s: %s\n", what, strerrorname_np(errno));
        ++failures;
    }
    fflush(stdout);
}

static struct bpf_program* program(struct bpf_object* object, const char* name) {
    return bpf_object__find_program_by_name(object, name);
}
static struct bpf_map* map(struct bpf_object* object, const char* name) {
    return bpf_object__find_map_by_name(object, name);
}

/* bpf_link_info, which older headers end before these fields. */
struct info {
    uint32_t type, id, program, reserved;
    uint32_t perf_type, reserved2;
    uint64_t name;
    uint32_t name_length, offset;
    uint64_t cookie, semaphore;
};

static void describe(const char* what, struct bpf_link* link) {
    char name[4096], self[4096];
    const ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    self[length < 0 ? 0 : length] = 0;
    struct info info = {.name = (uint64_t)(uintptr_t)name, .name_length = sizeof(name)};
    unsigned size = sizeof(info);
    if (bpf_obj_get_info_by_fd(bpf_link__fd(link), &info, &size) != 0) return say(what, 0);
    printf("%s: link type %u, event type %u, cookie %llu, %s, offset of target() is %s\n", what, info.type,
           info.perf_type, (unsigned long long)info.cookie,
           /* The kernel repeats the path as it was given. */
           strcmp(name, self) == 0 || strcmp(name, "/proc/self/exe") == 0 ? "this file" : name,
           info.offset != 0 ? "known" : "unknown");
}

/* Links of our programs that exist. */
static int count_links(struct bpf_object* object) {
    int count = 0;
    for (unsigned id = 0; bpf_link_get_next_id(id, &id) == 0;) {
        const int fd = bpf_link_get_fd_by_id(id);
        struct bpf_link_info info = {};
        unsigned size = sizeof(info);
        if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) != 0) continue;
        struct bpf_program* p;
        bpf_object__for_each_program(p, object) {
            struct bpf_prog_info known = {};
            unsigned known_size = sizeof(known);
            if (bpf_obj_get_info_by_fd(bpf_program__fd(p), &known, &known_size) == 0 && known.id == info.prog_id)
                ++count;
        }
        close(fd);
    }
    return count;
}

static void use_maps(struct bpf_object* object) {
    struct bpf_map* counts = map(object, "counts");
    long value = 0, sum = 0;
    for (int key = 1; key <= 4; ++key) {
        value = key * 10;
        if (bpf_map__update_elem(counts, &key, sizeof(key), &value, sizeof(value), BPF_NOEXIST) != 0) say("update", 0);
    }
    int key = 0, next = 0, keys = 0;
    for (int* at = NULL; bpf_map__get_next_key(counts, at, &next, sizeof(next)) == 0; at = &key, key = next) {
        ++keys;
        if (bpf_map__lookup_elem(counts, &next, sizeof(next), &value, sizeof(value), 0) == 0) sum += value;
    }
    printf("counts: %d keys, sum %ld\n", keys, sum);
    key = 2;
    say("delete", bpf_map__delete_elem(counts, &key, sizeof(key), 0) == 0);
    say("look up what was deleted", bpf_map__lookup_elem(counts, &key, sizeof(key), &value, sizeof(value), 0) == 0);
    --failures; /* the line before must fail */
    say("frozen constants", bpf_map_update_elem(bpf_map__fd(map(object, ".rodata")), &(int){0}, &(long[2]){0}, 0) == 0);
    --failures;
}

/* Globals are reached without a system call, mapped as a skeleton's load function maps them. */
static void use_globals(struct bpf_object* object) {
    size_t size = 0;
    void* initial = (void*)bpf_map__initial_value(map(object, ".data"), &size);
    int key = 0;
    long stored[64] = {0};
    if (!initial || size > sizeof(stored)) return say("globals", 0);
    const int fd = bpf_map__fd(map(object, ".data"));
    long* data = mmap(initial, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
    say("map the section", data != MAP_FAILED);
    if (data == MAP_FAILED) return;
    printf("global from the object: %ld\n", data[0]);
    data[0] = 7;
    say("read the section", bpf_map_lookup_elem(bpf_map__fd(map(object, ".data")), &key, stored) == 0);
    printf("...has what was written in memory: %ld\n", stored[0]);
    stored[0] = 8;
    say("write the section", bpf_map_update_elem(bpf_map__fd(map(object, ".data")), &key, stored, 0) == 0);
    printf("...and memory has it: %ld\n", data[0]);
}

static void on_record(void* context, int cpu, void* data, unsigned size) {
    (void)context, (void)cpu, (void)data, (void)size;
}

static struct bpf_link* attach_clock(struct bpf_program* p) {
    struct perf_event_attr attr = {.size = sizeof(attr), .type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_CPU_CLOCK};
    attr.freq = 1, attr.sample_freq = 49;
    const int fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
    return fd < 0 ? NULL : bpf_program__attach_perf_event(p, fd);
}

static int probes(struct bpf_object* object) {
    LIBBPF_OPTS(bpf_uprobe_opts, by_name, .func_name = "target", .bpf_cookie = 42);
    struct bpf_link* links[5];
    links[0] = bpf_program__attach_uprobe_opts(program(object, "on_call"), -1, "/proc/self/exe", 0, &by_name);
    say("attach to a function", links[0] != NULL);
    links[1] = bpf_program__attach_uprobe_opts(program(object, "on_call"), getpid(), "/proc/self/exe", 0, &by_name);
    say("attach to a function of this process", links[1] != NULL);
    links[2] = bpf_program__attach(program(object, "on_return"));
    say("attach to a return", links[2] != NULL);
    links[3] = bpf_program__attach_usdt(program(object, "on_mark"), -1, "/proc/self/exe", "bpftime_test", "mark", NULL);
    say("attach to a USDT point", links[3] != NULL);
    links[4] = attach_clock(program(object, "on_tick"));
    say("attach to a clock", links[4] != NULL);
    if (failures) return 1;
    describe("function", links[0]);
    describe("return", links[2]);
    printf("links: %d\n", count_links(object));
    for (int i = 0; i < 5; ++i) say("detach", bpf_link__destroy(links[i]) == 0);
    printf("links: %d\n", count_links(object));
    struct perf_buffer* buffer = perf_buffer__new(bpf_map__fd(map(object, "events")), 4, on_record, NULL, NULL, NULL);
    say("perf buffer", buffer != NULL);
    printf("records: %d\n", perf_buffer__poll(buffer, 10));
    perf_buffer__free(buffer);
    return failures;
}

static int tracepoint(struct bpf_object* object) {
    struct bpf_link* link = bpf_program__attach(program(object, "on_getpid"));
    say("attach to a tracepoint", link != NULL);
    say("detach", bpf_link__destroy(link) == 0);
    link = bpf_program__attach_tracepoint(program(object, "on_getpid"), "syscalls", "sys_enter_no_such_call");
    say("attach to a tracepoint that does not exist", link != NULL);
    return failures - 1;
}

static int quiet(enum libbpf_print_level level, const char* format, va_list arguments) {
    return getenv("CLIENT_VERBOSE") ? vfprintf(stderr, format, arguments) : (void)level, 0;
}

int main(int argc, char** argv) {
    if (argc < 3) return 2;
    libbpf_set_print(quiet);
    struct bpf_object* object = bpf_object__open_file(argv[1], NULL);
    say("open", object != NULL);
    if (!object) return 1;
    size_t size = 0;
    int* step = (int*)bpf_map__initial_value(map(object, ".rodata"), &size);
    if (step) *step = 3;
    say("load", bpf_object__load(object) == 0);
    if (failures) return 1;
    target(1), mark(1);
    if (strcmp(argv[2], "tracepoint") == 0) return tracepoint(object);
    use_maps(object);
    use_globals(object);
    const int status = probes(object);
    bpf_object__close(object);
    return status;
}
