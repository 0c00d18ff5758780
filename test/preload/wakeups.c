/* A consumer that sleeps in ring_buffer__poll(-1) until a program in another process submits a record. Processes on both
 * sides die meanwhile. The same on the kernel and under the syscall server. */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>


#define RAW(op, dst, src, o, i) ((struct bpf_insn){.code = op, .dst_reg = dst, .src_reg = src, .off = o, .imm = i})

/* bpf_ringbuf_output(map, *ctx, 8, 0) of a context of 8 bytes. */
static int load(int map) {
    struct bpf_insn code[] = {
        RAW(0x79, 2, 1, 0, 0),   RAW(0x7b, 10, 2, -8, 0), RAW(0x18, 1, 1, 0, map), RAW(0, 0, 0, 0, 0),
        RAW(0xbf, 2, 10, 0, 0),  RAW(0x07, 2, 0, 0, -8),  RAW(0xb7, 3, 0, 0, 8),   RAW(0xb7, 4, 0, 0, 0),
        RAW(0x85, 0, 0, 0, 130), RAW(0x95, 0, 0, 0, 0),
    };
    LIBBPF_OPTS(bpf_prog_load_opts, options, .prog_flags = BPF_F_SLEEPABLE);
    return bpf_prog_load(BPF_PROG_TYPE_SYSCALL, "submit", "GPL", code, sizeof(code) / sizeof(*code), &options);
}

static unsigned id_of(int fd, int program) {
    struct bpf_prog_info p = {};
    struct bpf_map_info m = {};
    unsigned size = program ? sizeof(p) : sizeof(m);
    if (bpf_obj_get_info_by_fd(fd, program ? (void*)&p : (void*)&m, &size) != 0) return 0;
    return program ? p.id : m.id;
}

static uint64_t last;
static int on_record(void* context, void* data, size_t size) {
    (void)context;
    if (size == sizeof(last)) memcpy(&last, data, size);
    return 0;
}

/* Runs the program with a number that grows, each time a byte comes in. */
static int producer(unsigned program) {
    const int fd = bpf_prog_get_fd_by_id(program);
    char byte;
    for (uint64_t value = 1; read(0, &byte, 1) == 1; ++value) {
        usleep(3000); /* the consumer sleeps by now */
        LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &value, .ctx_size_in = sizeof(value));
        if (bpf_prog_test_run_opts(fd, &options) != 0) return perror("run"), 1;
    }
    return 0;
}

static int consumer(unsigned map) {
    struct ring_buffer* buffer = ring_buffer__new(bpf_map_get_fd_by_id(map), on_record, NULL, NULL);
    if (!buffer || write(1, "r", 1) != 1) return 1;
    return ring_buffer__poll(buffer, -1) < 0;
}

/* Another process of this program: `in` is its standard input, `out` its standard output. */
static pid_t start(const char* part, unsigned id, int in, int out) {
    char number[16];
    snprintf(number, sizeof(number), "%u", id);
    const pid_t child = fork();
    if (child != 0) return child;
    if (in >= 0) dup2(in, 0);
    if (out >= 0) dup2(out, 1);
    execl("/proc/self/exe", "program", part, number, NULL);
    _exit(127);
}

static void finish(pid_t child) {
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static int woken(struct ring_buffer* buffer, int go, int count) {
    int good = 0;
    for (int i = 0; i < count; ++i) {
        if (write(go, "g", 1) != 1) break;
        last = 0;
        good += ring_buffer__poll(buffer, -1) == 1 && last == (uint64_t)i + 1;
    }
    return good;
}

int main(int count, char** words) {
    alarm(30);
    if (count == 3) return (strcmp(words[1], "producer") == 0 ? producer : consumer)((unsigned)atoi(words[2]));
    const int map = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "records", 0, 0, 4096, NULL);
    const int program = map < 0 ? -1 : load(map);
    struct ring_buffer* buffer = program < 0 ? NULL : ring_buffer__new(map, on_record, NULL, NULL);
    int go[2], ready[2];
    if (!buffer || pipe2(go, O_CLOEXEC) != 0 || pipe2(ready, O_CLOEXEC) != 0) return perror("start"), 1;
    const unsigned program_id = id_of(program, 1), map_id = id_of(map, 0);

    pid_t child = start("producer", program_id, go[0], -1);
    printf("first producer: %d of 50 woke\n", woken(buffer, go[1], 50));
    finish(child);
    child = start("producer", program_id, go[0], -1);
    printf("after it was killed, a second: %d of 50 woke\n", woken(buffer, go[1], 50));

    /* A consumer that is killed in its sleep takes nothing with it. */
    ring_buffer__free(buffer);
    const pid_t other = start("consumer", map_id, -1, ready[1]);
    char byte;
    if (read(ready[0], &byte, 1) != 1) return perror("consumer"), 1;
    usleep(20000);
    finish(other);
    finish(child);
    buffer = ring_buffer__new(map, on_record, NULL, NULL);
    child = start("producer", program_id, go[0], -1);
    printf("after another consumer was killed: %d of 50 woke\n", woken(buffer, go[1], 50));
    finish(child);
    printf("nothing left: %d\n", ring_buffer__poll(buffer, 20));
    return 0;
}
