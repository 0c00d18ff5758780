/* What the programs that print the outcome of calls share. */
#pragma once

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SELF "/proc/self/exe"

static inline void say(const char* name, long result) {
    if (result < 0)
        printf("%-44s %s\n", name, errno == 524 ? "ENOTSUPP" : strerrorname_np(errno));
    else
        printf("%-44s ok\n", name);
    fflush(stdout);
}

/* Descriptors count as 0, and are closed. */
static inline void say_fd(const char* name, long fd) {
    say(name, fd);
    if (fd >= 0) close((int)fd);
}

static inline uint64_t address(const void* pointer) { return (uint64_t)(uintptr_t)pointer; }
static inline long bpf(int command, union bpf_attr* attr) { return syscall(SYS_bpf, command, attr, sizeof(*attr)); }

static inline int load(unsigned type, unsigned attach_type) {
    static const struct bpf_insn code[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
                                           {.code = BPF_JMP | BPF_EXIT}};
    union bpf_attr attr;
    memset(&attr, 0, sizeof(attr));
    attr.prog_type = type;
    attr.expected_attach_type = attach_type;
    attr.insns = address(code);
    attr.insn_cnt = 2;
    attr.license = address("GPL");
    return (int)bpf(BPF_PROG_LOAD, &attr);
}

static inline int new_map(void) {
    union bpf_attr attr;
    memset(&attr, 0, sizeof(attr));
    attr.map_type = BPF_MAP_TYPE_ARRAY;
    attr.key_size = attr.value_size = 4;
    attr.max_entries = 1;
    return (int)bpf(BPF_MAP_CREATE, &attr);
}

/* ---- Events ---- */

struct event {
    struct perf_event_attr attr;
    int pid, cpu, group;
    unsigned long flags;
};

static inline unsigned uprobe_type(void) {
    unsigned type = 0;
    FILE* file = fopen("/sys/bus/event_source/devices/uprobe/type", "re");
    if (!file || fscanf(file, "%u", &type) != 1) perror("the uprobe event source");
    if (file) fclose(file);
    return type;
}

static inline struct event uprobe(const char* path) {
    struct event e;
    memset(&e, 0, sizeof(e));
    e.attr.size = sizeof(e.attr);
    e.attr.type = uprobe_type();
    e.attr.uprobe_path = address(path);
    e.attr.probe_offset = 0x1000;
    e.pid = -1;
    e.group = -1;
    e.flags = PERF_FLAG_FD_CLOEXEC;
    return e;
}

static inline struct event software(uint64_t config, uint64_t period) {
    struct event e = uprobe(NULL);
    e.attr.type = PERF_TYPE_SOFTWARE;
    e.attr.config = config;
    e.attr.config1 = e.attr.config2 = 0;
    e.attr.sample_period = period;
    if (config == PERF_COUNT_SW_BPF_OUTPUT) e.attr.sample_type = PERF_SAMPLE_RAW;
    return e;
}

static inline int open_event(const struct event* e) {
    struct perf_event_attr attr = e->attr;
    return (int)syscall(SYS_perf_event_open, &attr, e->pid, e->cpu, e->group, e->flags);
}
