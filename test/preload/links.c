/* Links: calls whose outcome is the same everywhere, as in calls.c; the output must be links.txt. "links may-load" says
 * whether this kernel can be compared with. */
#include "calls.h"

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
    say("dup2 over the link", dup2(map, link));
    link = (int)link_event(probe, event, BPF_PERF_EVENT, 0, 0);
    say("LINK_CREATE, dup2 over the last", link);
    say("dup2 of itself", dup2(link, link));
    say_fd("LINK_CREATE, which is still there", link_event(probe, event, BPF_PERF_EVENT, 0, 0));
    say("dup3 over the link", dup3(map, link, O_CLOEXEC));
    link = (int)link_event(probe, event, BPF_PERF_EVENT, 0, 0);
    say("LINK_CREATE, dup3 over the last", link);
    say("dup3, no descriptor", dup3(999, link, O_CLOEXEC));
    say_fd("LINK_CREATE, which is there yet", link_event(probe, event, BPF_PERF_EVENT, 0, 0));
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
    printf("type %u, event type %u, name of %s length, offset %x, cookie %llu, semaphore %llx\n", info.type,
           info.perf_type, info.name_length == strlen(self) + 1 ? "its" : "another", info.offset,
           (unsigned long long)info.cookie, (unsigned long long)info.semaphore);
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
    links();
    multis();
    infos();
    return 0;
}
