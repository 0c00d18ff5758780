/* What a program prints is read from trace_pipe by another process, where the kernel's file is not there to be read. */
#define _GNU_SOURCE
#include <poll.h>

#include "calls.h"

static int load_printer(void) {
    /* bpf_trace_printk("seen %d\n", 9, args[0]) */
    static const struct bpf_insn code[] = {
        {.code = 0x79, .dst_reg = 3, .src_reg = 1},
        {.code = 0x18, .dst_reg = 1, .imm = 0x6e656573},
        {.imm = 0x0a642520},
        {.code = 0x7b, .dst_reg = 10, .src_reg = 1, .off = -16},
        {.code = 0x7a, .dst_reg = 10, .off = -8},
        {.code = 0xbf, .dst_reg = 1, .src_reg = 10},
        {.code = 0x07, .dst_reg = 1, .imm = -16},
        {.code = 0xb7, .dst_reg = 2, .imm = 9},
        {.code = 0x85, .imm = 6},
        {.code = 0xb7},
        {.code = 0x95},
    };
    union bpf_attr attr;
    memset(&attr, 0, sizeof(attr));
    attr.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
    attr.insns = address(code);
    attr.insn_cnt = sizeof(code) / sizeof(*code);
    attr.license = address("GPL");
    return (int)bpf(BPF_PROG_LOAD, &attr);
}

static void print(int program, uint64_t number) {
    union bpf_attr attr;
    memset(&attr, 0, sizeof(attr));
    attr.test.prog_fd = (unsigned)program;
    attr.test.ctx_in = address(&number);
    attr.test.ctx_size_in = sizeof(number);
    if (bpf(BPF_PROG_TEST_RUN, &attr) != 0) perror("run");
}

static void expect(FILE* pipe, const char* words) {
    char line[1024] = "";
    if (!fgets(line, sizeof(line), pipe)) perror("read");
    const char* at = strstr(line, "bpf_trace_printk: ");
    printf("%s: %s\n", words, at && strncmp(at + 18, words, strlen(words)) == 0 ? "read" : line);
}

int main(void) {
    alarm(20);
    const int program = load_printer();
    if (program < 0) return perror("load"), 1;
    print(program, 1);
    if (access("/sys/kernel/tracing/trace_pipe", R_OK) != 0) return perror("access"), 1;
    FILE* pipe = fopen("/sys/kernel/debug/tracing/trace_pipe", "re");
    if (!pipe) return perror("trace_pipe"), 1;
    expect(pipe, "seen 1");
    struct pollfd polled = {.fd = fileno(pipe), .events = POLLIN};
    printf("nothing more: %d\n", poll(&polled, 1, 50));
    const pid_t child = fork();
    if (child == 0) {
        usleep(50000);
        print(program, 2);
        print(program, 3);
        _exit(0);
    }
    expect(pipe, "seen 2");
    expect(pipe, "seen 3");
    waitpid(child, NULL, 0);
    fclose(pipe);
    const int quiet = open("/sys/kernel/tracing/trace_pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    char byte;
    say("read without waiting", read(quiet, &byte, 1));
    close(quiet);
    return 0;
}
