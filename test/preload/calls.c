/* Calls whose outcome is the same everywhere, one line each: run on the kernel and under the syscall server, the output
 * must be calls.txt. "calls may-load" says whether this kernel can be compared with. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SELF "/proc/self/exe"

static void say(const char* name, long result) {
    if (result < 0)
        printf("%-44s %s\n", name, strerrorname_np(errno));
    else
        printf("%-44s ok\n", name);
    fflush(stdout);
}

/* Descriptors count as 0, and are closed. */
static void say_fd(const char* name, long fd) {
    say(name, fd);
    if (fd >= 0) close((int)fd);
}

static uint64_t address(const void* pointer) { return (uint64_t)(uintptr_t)pointer; }
static long bpf(int command, union bpf_attr* attr) { return syscall(SYS_bpf, command, attr, sizeof(*attr)); }

static int load(unsigned type, unsigned attach_type) {
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

static int new_map(void) {
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

static unsigned uprobe_type(void) {
    unsigned type = 0;
    FILE* file = fopen("/sys/bus/event_source/devices/uprobe/type", "re");
    if (!file || fscanf(file, "%u", &type) != 1) perror("the uprobe event source");
    if (file) fclose(file);
    return type;
}

static struct event uprobe(const char* path) {
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

static struct event software(uint64_t config, uint64_t period) {
    struct event e = uprobe(NULL);
    e.attr.type = PERF_TYPE_SOFTWARE;
    e.attr.config = config;
    e.attr.config1 = e.attr.config2 = 0;
    e.attr.sample_period = period;
    if (config == PERF_COUNT_SW_BPF_OUTPUT) e.attr.sample_type = PERF_SAMPLE_RAW;
    return e;
}

static int open_event(const struct event* e) {
    struct perf_event_attr attr = e->attr;
    return (int)syscall(SYS_perf_event_open, &attr, e->pid, e->cpu, e->group, e->flags);
}

static void events(void) {
    struct event e = uprobe(SELF);
    say_fd("uprobe", open_event(&e));
    e.flags = 0;
    int event = open_event(&e);
    say("uprobe, to be inherited", fcntl(event, F_GETFD) == 0 ? 0 : -1);
    close(event);
    e = uprobe(SELF), event = open_event(&e);
    say("uprobe, closed by exec", fcntl(event, F_GETFD) == FD_CLOEXEC ? 0 : -1);
    close(event);
    e.pid = 0, e.cpu = -1;
    say_fd("uprobe, this process", open_event(&e));
    e = uprobe(SELF), e.attr.config = 1;
    say_fd("uretprobe", open_event(&e));
    e = uprobe(SELF), e.attr.size = 0;
    say_fd("uprobe, first version of the attributes", open_event(&e));
    e = uprobe("/nowhere/at/all");
    say_fd("uprobe, no such path", open_event(&e));
    e = uprobe("");
    say_fd("uprobe, empty path", open_event(&e));
    e = uprobe(NULL);
    say_fd("uprobe, no path", open_event(&e));
    e = uprobe((const char*)4096);
    say_fd("uprobe, path at a bad address", open_event(&e));
    e = uprobe("/");
    say_fd("uprobe, directory", open_event(&e));
    e = uprobe("/proc/self/exe/x");
    say_fd("uprobe, file as directory", open_event(&e));
    char* longest = malloc(6000);
    memset(longest, 'x', 5999), longest[5999] = 0;
    e = uprobe(longest);
    say_fd("uprobe, path too long", open_event(&e));
    free(longest);
    e = uprobe(SELF), e.attr.probe_offset = 1ull << 40;
    say_fd("uprobe, offset behind the end", open_event(&e));
    e = uprobe(SELF), e.attr.config = 0x1001ull << 32;
    say_fd("uprobe, odd semaphore", open_event(&e));
    e = uprobe(SELF), e.cpu = -1;
    say_fd("uprobe, no process and no processor", open_event(&e));
    e = uprobe(SELF), e.cpu = 1 << 20;
    say_fd("uprobe, no such processor", open_event(&e));
    e = uprobe(SELF), e.pid = 4194303, e.cpu = -1;
    say_fd("uprobe, no such process", open_event(&e));
    e = uprobe(SELF), e.flags = 1 << 20;
    say_fd("uprobe, unknown flags", open_event(&e));
    e = uprobe(SELF), e.group = 999;
    say_fd("uprobe, bad group", open_event(&e));
    e = uprobe(SELF), e.attr.size = 8;
    say_fd("uprobe, attributes too short", open_event(&e));
    e = uprobe(SELF), e.attr.size = 8000;
    say_fd("uprobe, attributes too long", open_event(&e));
    e = uprobe(SELF), e.attr.sample_type = 1ull << 60;
    say_fd("uprobe, unknown sample type", open_event(&e));
    e = uprobe(SELF), e.attr.read_format = 1ull << 60;
    say_fd("uprobe, unknown read format", open_event(&e));
    say_fd("attributes at a bad address", syscall(SYS_perf_event_open, 4096, 0, -1, -1, 0));
    e = uprobe(SELF), e.attr.type = PERF_TYPE_TRACEPOINT, e.attr.config = 99999999;
    say_fd("tracepoint, unknown id", open_event(&e));
    e = software(PERF_COUNT_SW_BPF_OUTPUT, 1);
    say_fd("BPF output", open_event(&e));
    e = software(PERF_COUNT_SW_CPU_CLOCK, 100), e.attr.freq = 1;
    say_fd("clock", open_event(&e));
    e = software(PERF_COUNT_SW_CPU_CLOCK, 1ull << 63);
    say_fd("clock, period too large", open_event(&e));
}

static void ioctls(void) {
    struct event e = uprobe(SELF);
    e.attr.disabled = 1;
    int event = open_event(&e), map = new_map(), probe = load(BPF_PROG_TYPE_KPROBE, 0);
    int filter = load(BPF_PROG_TYPE_SOCKET_FILTER, 0), sampler = load(BPF_PROG_TYPE_PERF_EVENT, 0);
    uint64_t id = 0;
    say("programs and a map", event < 0 || map < 0 || probe < 0 || filter < 0 || sampler < 0 ? -1 : 0);
    say("SET_BPF, no descriptor", ioctl(event, PERF_EVENT_IOC_SET_BPF, -1));
    say("SET_BPF, a map", ioctl(event, PERF_EVENT_IOC_SET_BPF, map));
    say("SET_BPF, another type", ioctl(event, PERF_EVENT_IOC_SET_BPF, filter));
    say("SET_BPF", ioctl(event, PERF_EVENT_IOC_SET_BPF, probe));
    say("SET_BPF, again", ioctl(event, PERF_EVENT_IOC_SET_BPF, probe));
    say("SET_BPF, again, another type", ioctl(event, PERF_EVENT_IOC_SET_BPF, filter));
    say("ENABLE", ioctl(event, PERF_EVENT_IOC_ENABLE, 0));
    say("DISABLE", ioctl(event, PERF_EVENT_IOC_DISABLE, 0));
    say("RESET", ioctl(event, PERF_EVENT_IOC_RESET, 0));
    say("ID", ioctl(event, PERF_EVENT_IOC_ID, &id));
    say("ID is one", id != 0 ? 0 : -1);
    say("ID, bad address", ioctl(event, PERF_EVENT_IOC_ID, 4096));
    say("unknown ioctl", ioctl(event, _IO('$', 200), 0));
    say("ioctl of another kind", ioctl(event, _IO('T', 1), 0));
    say("ioctl of a pipe", ioctl(map, _IO('$', 0), 0));
    say("SET_OUTPUT, none", ioctl(event, PERF_EVENT_IOC_SET_OUTPUT, -1L));
    say("SET_OUTPUT, none, as an int", ioctl(event, PERF_EVENT_IOC_SET_OUTPUT, 0xffffffffL));
    say("SET_OUTPUT, bad descriptor", ioctl(event, PERF_EVENT_IOC_SET_OUTPUT, 999));
    say("PAUSE_OUTPUT, not mapped", ioctl(event, PERF_EVENT_IOC_PAUSE_OUTPUT, 1));
    e = software(PERF_COUNT_SW_CPU_CLOCK, 1000000);
    int clock = open_event(&e);
    say("SET_BPF, clock, another type", ioctl(clock, PERF_EVENT_IOC_SET_BPF, probe));
    say("SET_BPF, clock", ioctl(clock, PERF_EVENT_IOC_SET_BPF, sampler));
    say("SET_BPF, clock, again", ioctl(clock, PERF_EVENT_IOC_SET_BPF, sampler));
    uint64_t period = 2000000, none = 0;
    say("PERIOD", ioctl(clock, PERF_EVENT_IOC_PERIOD, &period));
    say("PERIOD, 0", ioctl(clock, PERF_EVENT_IOC_PERIOD, &none));
    say("PERIOD, bad address", ioctl(clock, PERF_EVENT_IOC_PERIOD, 4096));
    close(clock), close(sampler), close(filter), close(probe), close(map), close(event);
    say("ENABLE, closed", ioctl(event, PERF_EVENT_IOC_ENABLE, 0));
}

static void pages(void) {
    struct event e = software(PERF_COUNT_SW_BPF_OUTPUT, 1);
    int event = open_event(&e);
    size_t page = (size_t)getpagesize();
#define MAP(size, offset) mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, event, offset)
#define SAY_MAP(name, size, offset) say(name, MAP(size, offset) == MAP_FAILED ? -1 : 0)
    SAY_MAP("map three pages of data", page * 4, 0);
    void* part = MAP(page + 100, 0);
    say("map part of a page", part == MAP_FAILED ? -1 : 0);
    SAY_MAP("map more pages", page * 9, 0);
    munmap(part, page + 100);
    struct perf_event_mmap_page* ring = MAP(page * 9, 0);
    say("map eight pages of data", ring == MAP_FAILED ? -1 : 0);
    say("...where the header says", ring->data_offset == page && ring->data_size == page * 8 ? 0 : -1);
    say("...empty", ring->data_head == 0 && ring->data_tail == 0 ? 0 : -1);
    SAY_MAP("map fewer pages", page * 5, 0);
    say("PAUSE_OUTPUT", ioctl(event, PERF_EVENT_IOC_PAUSE_OUTPUT, 1));
    munmap(ring, page * 9);
    close(event);
}

/* ---- Links ---- */

static long link_event(int program, int event, unsigned type, unsigned flags, uint64_t cookie) {
    union bpf_attr attr;
    memset(&attr, 0, sizeof(attr));
    attr.link_create.prog_fd = (unsigned)program;
    attr.link_create.target_fd = (unsigned)event;
    attr.link_create.attach_type = type;
    attr.link_create.flags = flags;
    attr.link_create.perf_event.bpf_cookie = cookie;
    return bpf(BPF_LINK_CREATE, &attr);
}

static void links(void) {
    struct event e = uprobe(SELF);
    int event = open_event(&e), map = new_map(), probe = load(BPF_PROG_TYPE_KPROBE, 0);
    int filter = load(BPF_PROG_TYPE_SOCKET_FILTER, 0);
    say_fd("LINK_CREATE, no program", link_event(-1, event, BPF_PERF_EVENT, 0, 0));
    say_fd("LINK_CREATE, map as program", link_event(map, event, BPF_PERF_EVENT, 0, 0));
    say_fd("LINK_CREATE, no event", link_event(probe, -1, BPF_PERF_EVENT, 0, 0));
    say_fd("LINK_CREATE, map as event", link_event(probe, map, BPF_PERF_EVENT, 0, 0));
    say_fd("LINK_CREATE, flags", link_event(probe, event, BPF_PERF_EVENT, 1, 0));
    say_fd("LINK_CREATE, another attach type", link_event(probe, event, BPF_XDP, 0, 0));
    say_fd("LINK_CREATE, another program type", link_event(filter, event, BPF_PERF_EVENT, 0, 0));
    int link = (int)link_event(probe, event, BPF_PERF_EVENT, 0, 7);
    say("LINK_CREATE", link);
    say_fd("LINK_CREATE, again", link_event(probe, event, BPF_PERF_EVENT, 0, 0));
    say("SET_BPF, linked", ioctl(event, PERF_EVENT_IOC_SET_BPF, probe));
    union bpf_attr attr;
    memset(&attr, 0, sizeof(attr));
    say("LINK_GET_NEXT_ID", bpf(BPF_LINK_GET_NEXT_ID, &attr));
    attr.start_id = 0xfffffff0, attr.next_id = 0;
    say("LINK_GET_NEXT_ID, behind the last", bpf(BPF_LINK_GET_NEXT_ID, &attr));
    memset(&attr, 0, sizeof(attr)), attr.link_id = 0x7ffffff0;
    say_fd("LINK_GET_FD_BY_ID, no such link", bpf(BPF_LINK_GET_FD_BY_ID, &attr));
    memset(&attr, 0, sizeof(attr)), attr.link_detach.link_fd = (unsigned)link;
    say("LINK_DETACH", bpf(BPF_LINK_DETACH, &attr));
    attr.link_detach.link_fd = (unsigned)map;
    say("LINK_DETACH, a map", bpf(BPF_LINK_DETACH, &attr));
    attr.link_detach.link_fd = (unsigned)-1;
    say("LINK_DETACH, nothing", bpf(BPF_LINK_DETACH, &attr));
    memset(&attr, 0, sizeof(attr)), attr.link_update.link_fd = (unsigned)link;
    attr.link_update.new_prog_fd = (unsigned)probe;
    say("LINK_UPDATE", bpf(BPF_LINK_UPDATE, &attr));
    attr.link_update.flags = 8;
    say("LINK_UPDATE, flags", bpf(BPF_LINK_UPDATE, &attr));
    attr.link_update.flags = 0, attr.link_update.new_prog_fd = (unsigned)-1;
    say("LINK_UPDATE, no program", bpf(BPF_LINK_UPDATE, &attr));

    int copy = dup(link);
    close(link);
    say_fd("LINK_CREATE, a copy of the link open", link_event(probe, event, BPF_PERF_EVENT, 0, 0));
    pid_t child = fork();
    if (child == 0) {
        close(copy);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    say_fd("LINK_CREATE, copy closed by a child", link_event(probe, event, BPF_PERF_EVENT, 0, 0));
    child = fork();
    if (child == 0) {
        struct event f = uprobe(SELF);
        int other = open_event(&f);
        _exit(ioctl(other, PERF_EVENT_IOC_SET_BPF, probe) == 0 && ioctl(event, PERF_EVENT_IOC_DISABLE, 0) == 0 ? 0 : 1);
    }
    int status = 1;
    waitpid(child, &status, 0);
    say("a child attaches what it inherited", status == 0 ? 0 : -1);
    close(copy);
    say_fd("LINK_CREATE, the last copy closed", link_event(probe, event, BPF_PERF_EVENT, 0, 0));
    link = (int)link_event(probe, event, BPF_PERF_EVENT, 0, 0);
    say("LINK_CREATE, once more", link);
    close(event);
    memset(&attr, 0, sizeof(attr)), attr.link_detach.link_fd = (unsigned)link;
    say("LINK_DETACH, event closed", bpf(BPF_LINK_DETACH, &attr));
    close(link), close(probe), close(filter), close(map);
}

/* bpf_attr.link_create.uprobe_multi, which older headers lack. */
struct multi {
    uint32_t program, target, attach_type, flags;
    uint64_t path, offsets, semaphores, cookies;
    uint32_t count, multi_flags;
    int32_t pid;
    uint32_t padding;
};

static long link_multi(const struct multi* m) { return syscall(SYS_bpf, BPF_LINK_CREATE, m, sizeof(*m)); }

static void multis(void) {
    static const uint64_t offsets[] = {0x1000, 0x1010}, cookies[] = {1, 2}, odd[] = {1, 2},
                          far[] = {0x1000, 1ull << 40}, negative[] = {1ull << 63, 0};
    int multi = load(BPF_PROG_TYPE_KPROBE, 48), single = load(BPF_PROG_TYPE_KPROBE, 0);
    const struct multi good = {.program = (unsigned)multi,
                               .attach_type = 48,
                               .path = address(SELF),
                               .offsets = address(offsets),
                               .cookies = address(cookies),
                               .count = 2};
#define MULTI(name, change)           \
    do {                              \
        struct multi m = good;        \
        change;                       \
        say_fd(name, link_multi(&m)); \
    } while (0)
    MULTI("uprobes", (void)0);
    MULTI("uprobes, on return", m.multi_flags = 1);
    MULTI("uprobes, this process", m.pid = getpid());
    MULTI("uprobes, no such process", m.pid = 4194303);
    MULTI("uprobes, negative process", m.pid = -1);
    MULTI("uprobes, unknown flags", m.multi_flags = 8);
    MULTI("uprobes, link flags", m.flags = 1);
    MULTI("uprobes, directory", m.path = address("/"));
    MULTI("uprobes, directory and negative process", (m.path = address("/"), m.pid = -1));
    MULTI("uprobes, no such path", m.path = address("/nowhere/at/all"));
    MULTI("uprobes, no path", m.path = 0);
    MULTI("uprobes, path at a bad address", m.path = 4096);
    MULTI("uprobes, no offsets", m.offsets = 0);
    MULTI("uprobes, offsets at a bad address", m.offsets = 4096);
    MULTI("uprobes, cookies at a bad address", m.cookies = 4096);
    MULTI("uprobes, none", m.count = 0);
    MULTI("uprobes, too many", m.count = (1 << 20) + 1);
    MULTI("uprobes, odd semaphores", m.semaphores = address(odd));
    MULTI("uprobes, offset behind the end", m.offsets = address(far));
    MULTI("uprobes, negative offset", m.offsets = address(negative));
    MULTI("uprobes, program for one probe", m.program = (unsigned)single);
    MULTI("uprobes, padding", m.padding = 1);
    MULTI("uprobes program on an event", m.attach_type = BPF_PERF_EVENT);
    close(multi), close(single);
}

/* ---- What is known of links: bpf_link_info, which older headers end before these fields ---- */

struct perf_info {
    uint32_t type, id, program, reserved;
    uint32_t perf_type, reserved2;
    uint64_t name;
    uint32_t name_length, offset;
    uint64_t cookie, semaphore;
};
struct multi_info {
    uint32_t type, id, program, reserved;
    uint64_t path, offsets, semaphores, cookies;
    uint32_t path_size, count, flags, pid;
};

static long info_of(int fd, void* info, unsigned size) {
    union bpf_attr attr;
    memset(&attr, 0, sizeof(attr));
    attr.info.bpf_fd = (unsigned)fd;
    attr.info.info = address(info);
    attr.info.info_len = size;
    return bpf(BPF_OBJ_GET_INFO_BY_FD, &attr);
}

static void event_infos(const char* self) {
    struct event e = uprobe(self);
    e.attr.probe_offset = 0x1234, e.attr.config = 0x2002ull << 32;
    int event = open_event(&e), probe = load(BPF_PROG_TYPE_KPROBE, 0);
    int link = (int)link_event(probe, event, BPF_PERF_EVENT, 0, 77);
    say("info, event of the link", info_of(event, &(struct perf_info){0}, sizeof(struct perf_info)));
    struct perf_info info = {0};
    say("info, no buffer", info_of(link, &info, sizeof(info)));
    printf("type %u, event type %u, name of %s length, offset %x, cookie %llu\n", info.type, info.perf_type,
           info.name_length == strlen(self) + 1 ? "its" : "another", info.offset, (unsigned long long)info.cookie);
    char name[5000];
    info = (struct perf_info){.name = address(name), .name_length = sizeof(name)};
    say("info, buffer", info_of(link, &info, sizeof(info)));
    say("...with the path", strcmp(name, self) == 0 ? 0 : -1);
    info = (struct perf_info){.name = address(name), .name_length = 5};
    say("info, small buffer", info_of(link, &info, sizeof(info)));
    say("...with its beginning", strncmp(name, self, 4) == 0 && name[4] == 0 ? 0 : -1);
    info = (struct perf_info){.name = address(name)};
    say("info, buffer without size", info_of(link, &info, sizeof(info)));
    info = (struct perf_info){.name_length = 5};
    say("info, size without buffer", info_of(link, &info, sizeof(info)));
    info = (struct perf_info){.name = 4096, .name_length = 500};
    say("info, buffer at a bad address", info_of(link, &info, sizeof(info)));
    info = (struct perf_info){0};
    say("info, shorter", info_of(link, &info, 8));
    say("...only that", info.type == 7 && info.program == 0 ? 0 : -1);
    close(link), close(event);
    e = software(PERF_COUNT_SW_CPU_CLOCK, 1000000), event = open_event(&e);
    int sampler = load(BPF_PROG_TYPE_PERF_EVENT, 0);
    link = (int)link_event(sampler, event, BPF_PERF_EVENT, 0, 5);
    info = (struct perf_info){0};
    say("info of a clock", info_of(link, &info, sizeof(info)));
    printf("type %u, event type %u\n", info.type, info.perf_type);
    close(link), close(event), close(sampler), close(probe);
}

static void multi_infos(const char* self) {
    uint64_t offsets[] = {0x1000, 0x1010}, cookies[] = {5, 6}, got[3][2] = {{0}};
    int program = load(BPF_PROG_TYPE_KPROBE, 48);
    const struct multi m = {.program = (unsigned)program,
                            .attach_type = 48,
                            .path = address(SELF),
                            .multi_flags = 1,
                            .offsets = address(offsets),
                            .cookies = address(cookies),
                            .count = 2,
                            .pid = getpid()};
    int link = (int)link_multi(&m);
    struct multi_info info = {0};
    say("info of uprobes", info_of(link, &info, sizeof(info)));
    printf("type %u, count %u, flags %u, %s process, path of %s length\n", info.type, info.count, info.flags,
           info.pid == (unsigned)getpid() ? "this" : "another", info.path_size == strlen(self) + 1 ? "its" : "another");
    char path[5000];
    info = (struct multi_info){.path = address(path),
                               .path_size = sizeof(path),
                               .offsets = address(got[0]),
                               .semaphores = address(got[1]),
                               .cookies = address(got[2]),
                               .count = 2};
    say("info of uprobes, buffers", info_of(link, &info, sizeof(info)));
    printf("%s: %llx %llx, %llu %llu, %llu %llu\n", strcmp(path, self) == 0 ? "this file" : path,
           (unsigned long long)got[0][0], (unsigned long long)got[0][1], (unsigned long long)got[1][0],
           (unsigned long long)got[1][1], (unsigned long long)got[2][0], (unsigned long long)got[2][1]);
    memset(got, 0, sizeof(got));
    info = (struct multi_info){.offsets = address(got[0]), .count = 1};
    say("info of uprobes, room for one", info_of(link, &info, sizeof(info)));
    say("...which is there", got[0][0] == 0x1000 && got[0][1] == 0 ? 0 : -1);
    info = (struct multi_info){.offsets = address(got[0])};
    say("info of uprobes, no count", info_of(link, &info, sizeof(info)));
    info = (struct multi_info){.path = address(path), .path_size = 3};
    say("info of uprobes, small buffer", info_of(link, &info, sizeof(info)));
    info = (struct multi_info){.path = address(path)};
    say("info of uprobes, buffer without size", info_of(link, &info, sizeof(info)));
    info = (struct multi_info){.cookies = 4096, .count = 2};
    say("info of uprobes, cookies to a bad address", info_of(link, &info, sizeof(info)));
    close(link), close(program);
}

static void infos(void) {
    char self[4096];
    const ssize_t length = readlink(SELF, self, sizeof(self) - 1);
    self[length < 0 ? 0 : length] = 0;
    event_infos(self);
    multi_infos(self);
}

/* Whether this kernel can be asked: it lets us, and knows all that is asked. */
static int may_load(void) {
    int program = load(BPF_PROG_TYPE_KPROBE, 48);
    if (program < 0) return printf("the kernel refuses to load programs: %s\n", strerrorname_np(errno)), 1;
    struct event e = uprobe(SELF);
    int event = open_event(&e);
    if (event < 0) return printf("the kernel refuses uprobes: %s\n", strerrorname_np(errno)), 1;
    const uint64_t offset = 0x1000;
    const struct multi m = {.program = (unsigned)program,
                            .attach_type = 48,
                            .path = address("/"),
                            .offsets = address(&offset),
                            .count = 1,
                            .pid = -1};
    if (link_multi(&m) != -1 || errno != EINVAL) return printf("the kernel has no links on many uprobes\n"), 1;
    return 0;
}

int main(int argc, char** argv) {
    if (argc > 1 && strcmp(argv[1], "may-load") == 0) return may_load();
    events();
    ioctls();
    pages();
    links();
    multis();
    infos();
    return 0;
}
