/* Events and mappings: calls whose outcome is the same everywhere, one line each. Run on the kernel and under the
 * syscall server, the output must be calls.txt. */
#include "calls.h"

static void events(void) {
    struct event e = uprobe(target);
    say_fd("uprobe", open_event(&e));
    e.flags = 0;
    int event = open_event(&e);
    say("uprobe, to be inherited", fcntl(event, F_GETFD) == 0 ? 0 : -1);
    close(event);
    e = uprobe(target), event = open_event(&e);
    say("uprobe, closed by exec", fcntl(event, F_GETFD) == FD_CLOEXEC ? 0 : -1);
    close(event);
    e.pid = 0, e.cpu = -1;
    say_fd("uprobe, this process", open_event(&e));
    e = uprobe(target), e.attr.config = 1;
    say_fd("uretprobe", open_event(&e));
    e = uprobe("/proc/self/exe"), e.attr.probe_offset = 0;
    say_fd("uprobe of this program", open_event(&e));
    e = uprobe(target), e.attr.size = 0;
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
    e = uprobe(target), e.attr.probe_offset = 1ull << 40;
    say_fd("uprobe, offset behind the end", open_event(&e));
    e = uprobe(target), e.attr.config = 0x1001ull << 32;
    say_fd("uprobe, odd semaphore", open_event(&e));
    e = uprobe(target), e.cpu = -1;
    say_fd("uprobe, no process and no processor", open_event(&e));
    e = uprobe(target), e.cpu = 1 << 20;
    say_fd("uprobe, no such processor", open_event(&e));
    e = uprobe(target), e.pid = 4194303, e.cpu = -1;
    say_fd("uprobe, no such process", open_event(&e));
    e = uprobe(target), e.flags = 1 << 20;
    say_fd("uprobe, unknown flags", open_event(&e));
    e = uprobe(target), e.group = 999;
    say_fd("uprobe, bad group", open_event(&e));
    e = uprobe(target), e.attr.size = 8;
    say_fd("uprobe, attributes too short", open_event(&e));
    e = uprobe(target), e.attr.size = 8000;
    say_fd("uprobe, attributes too long", open_event(&e));
    e = uprobe(target), e.attr.sample_type = 1ull << 60;
    say_fd("uprobe, unknown sample type", open_event(&e));
    e = uprobe(target), e.attr.read_format = 1ull << 60;
    say_fd("uprobe, unknown read format", open_event(&e));
    say_fd("attributes at a bad address", syscall(SYS_perf_event_open, 4096, 0, -1, -1, 0));
    e = uprobe(target), e.attr.type = PERF_TYPE_TRACEPOINT, e.attr.config = 99999999;
    say_fd("tracepoint, unknown id", open_event(&e));
    e = software(PERF_COUNT_SW_BPF_OUTPUT, 1);
    say_fd("BPF output", open_event(&e));
    e = software(PERF_COUNT_SW_CPU_CLOCK, 100), e.attr.freq = 1;
    say_fd("clock", open_event(&e));
    e = software(PERF_COUNT_SW_CPU_CLOCK, 1ull << 63);
    say_fd("clock, period too large", open_event(&e));
}

static void ioctls(void) {
    struct event e = uprobe(target);
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

static int create(unsigned type, unsigned key, unsigned value, unsigned entries, unsigned flags) {
    union bpf_attr attr;
    memset(&attr, 0, sizeof(attr));
    attr.map_type = type;
    attr.key_size = key;
    attr.value_size = value;
    attr.max_entries = entries;
    attr.map_flags = flags;
    return (int)bpf(BPF_MAP_CREATE, &attr);
}

static void try_map(const char* name, int fd, size_t pages, int protection, int flags, size_t first) {
    const size_t page = (size_t)getpagesize();
    void* at = mmap(NULL, pages * page, protection, flags, fd, (off_t)(first * page));
    say(name, at == MAP_FAILED ? -1 : 0);
    if (at != MAP_FAILED) munmap(at, pages * page);
}

static void arrays(void) {
    const int both = PROT_READ | PROT_WRITE;
    int plain = create(BPF_MAP_TYPE_ARRAY, 4, 8, 512, 0),
        array = create(BPF_MAP_TYPE_ARRAY, 4, 12, 400, BPF_F_MMAPABLE);
    int constant = create(BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_MMAPABLE | BPF_F_RDONLY_PROG);
    int hash = create(BPF_MAP_TYPE_HASH, 4, 8, 512, 0), program = load(BPF_PROG_TYPE_KPROBE, 0);
    try_map("array, not to be mapped", plain, 1, PROT_READ, MAP_SHARED, 0);
    try_map("array", array, 2, both, MAP_SHARED, 0);
    try_map("array, second page", array, 1, both, MAP_SHARED, 1);
    try_map("array, too much", array, 3, both, MAP_SHARED, 0);
    try_map("array, behind the end", array, 1, both, MAP_SHARED, 2);
    try_map("array, private", array, 1, both, MAP_PRIVATE, 0);
    try_map("array, nothing", array, 0, both, MAP_SHARED, 0);
    try_map("array for reading by programs", constant, 1, both, MAP_SHARED, 0);
    try_map("array for reading by programs, read-only", constant, 1, PROT_READ, MAP_SHARED, 0);
    union bpf_attr attr;
    memset(&attr, 0, sizeof(attr)), attr.map_fd = (unsigned)array;
    say("freeze", bpf(BPF_MAP_FREEZE, &attr));
    try_map("frozen array", array, 1, both, MAP_SHARED, 0);
    try_map("frozen array, read-only", array, 1, PROT_READ, MAP_SHARED, 0);
    try_map("program", program, 1, PROT_READ, MAP_SHARED, 0);
    try_map("hash", hash, 1, PROT_READ, MAP_SHARED, 0);
    close(plain), close(array), close(constant), close(hash), close(program);
}

static void rings(void) {
    const int both = PROT_READ | PROT_WRITE;
    const size_t page = (size_t)getpagesize();
    int ring = create(BPF_MAP_TYPE_RINGBUF, 0, 0, (unsigned)page * 2, 0);
    int user = create(BPF_MAP_TYPE_USER_RINGBUF, 0, 0, (unsigned)page * 2, 0);
    try_map("ring, consumer", ring, 1, both, MAP_SHARED, 0);
    try_map("ring, producer", ring, 5, PROT_READ, MAP_SHARED, 1);
    try_map("ring, whole", ring, 6, PROT_READ, MAP_SHARED, 0);
    try_map("ring, second copy", ring, 2, PROT_READ, MAP_SHARED, 4);
    try_map("ring, part of the second copy", ring, 1, PROT_READ, MAP_SHARED, 5);
    try_map("ring, too much", ring, 6, PROT_READ, MAP_SHARED, 1);
    try_map("ring, behind the end", ring, 1, PROT_READ, MAP_SHARED, 6);
    try_map("ring, producer, to write", ring, 5, both, MAP_SHARED, 1);
    try_map("ring, two pages, to write", ring, 2, both, MAP_SHARED, 0);
    try_map("ring, private", ring, 1, PROT_READ, MAP_PRIVATE, 0);
    try_map("user ring, consumer", user, 1, PROT_READ, MAP_SHARED, 0);
    try_map("user ring, consumer, to write", user, 1, both, MAP_SHARED, 0);
    char* data = mmap(NULL, page * 5, both, MAP_SHARED, user, (off_t)page);
    say("user ring, producer", data == MAP_FAILED ? -1 : 0);
    strcpy(data + page + 100, "here"), strcpy(data + page * 4 + 7, "there");
    say("...seen in the second copy", strcmp(data + page * 3 + 100, "here"));
    say("...and in the first", strcmp(data + page * 2 + 7, "there"));
    munmap(data, page * 5);
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN}, got;
    say("epoll_ctl, ring", epoll_ctl(epoll, EPOLL_CTL_ADD, ring, &event));
    say("...nothing to read", epoll_wait(epoll, &got, 1, 0) == 0 ? 0 : -1);
    say("epoll_ctl, ring, again", epoll_ctl(epoll, EPOLL_CTL_ADD, ring, &event));
    say("epoll_ctl, ring, out", epoll_ctl(epoll, EPOLL_CTL_DEL, ring, NULL));
    close(epoll), close(ring), close(user);
}

static long freeze(int map) {
    union bpf_attr attr;
    memset(&attr, 0, sizeof(attr));
    attr.map_fd = (unsigned)map;
    return bpf(BPF_MAP_FREEZE, &attr);
}

static void freezing(void) {
    const int both = PROT_READ | PROT_WRITE;
    const size_t page = (size_t)getpagesize();
    const int map = create(BPF_MAP_TYPE_ARRAY, 4, 4, 1, BPF_F_MMAPABLE);
    void* seen = mmap(NULL, page, PROT_READ, MAP_SHARED, map, 0);
    say("mprotect of a mapping to read", mprotect(seen, page, both));
    void* written = mmap(NULL, page, both, MAP_SHARED, map, 0);
    say("MAP_FREEZE, mapped to write", freeze(map));
    mprotect(written, page, PROT_READ);
    say("MAP_FREEZE, the mapping made read-only", freeze(map));
    const pid_t child = fork();
    if (child == 0) {
        munmap(written, page);
        _exit(freeze(map) != 0 && errno == EBUSY ? 0 : 1);
    }
    int status = 1;
    waitpid(child, &status, 0);
    say("MAP_FREEZE, unmapped by a child", status == 0 ? 0 : -1);
    munmap(written, page);
    say("MAP_FREEZE, unmapped", freeze(map));
    say("MAP_FREEZE, again", freeze(map));
    try_map("frozen, to write", map, 1, both, MAP_SHARED, 0);
    try_map("frozen, to read", map, 1, PROT_READ, MAP_SHARED, 0);
    close(map);
    const int ring = create(BPF_MAP_TYPE_RINGBUF, 0, 0, (unsigned)page, 0);
    written = mmap(NULL, page, both, MAP_SHARED, ring, 0);
    say("MAP_FREEZE, ring, its consumer mapped", freeze(ring));
    munmap(written, page);
    say("MAP_FREEZE, ring", freeze(ring));
    try_map("frozen ring, consumer", ring, 1, both, MAP_SHARED, 0);
    close(ring);
}

static void ids(void) {
    static const struct {
        const char* name;
        int command;
    } commands[] = {{"MAP_GET_NEXT_ID", BPF_MAP_GET_NEXT_ID},
                    {"PROG_GET_NEXT_ID", BPF_PROG_GET_NEXT_ID},
                    {"BTF_GET_NEXT_ID", BPF_BTF_GET_NEXT_ID},
                    {"LINK_GET_NEXT_ID", BPF_LINK_GET_NEXT_ID}};
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); ++i) {
        union bpf_attr attr;
        char name[64];
        memset(&attr, 0, sizeof(attr));
        attr.start_id = 0x7fffffff;
        snprintf(name, sizeof(name), "%s, behind every id", commands[i].name);
        say(name, bpf(commands[i].command, &attr));
        attr.start_id = 0x7ffffffe;
        snprintf(name, sizeof(name), "%s, behind the last", commands[i].name);
        say(name, bpf(commands[i].command, &attr));
    }
}

/* The lines of /proc/self/fdinfo that are BPF's; numbers that differ from run to run, or kernel to kernel, are left out. */
static int among(const char* name, const char* const* names) {
    for (; *names; ++names)
        if (strcmp(name, *names) == 0) return 1;
    return 0;
}

static void describe(const char* what, int fd) {
    static const char* const common[] = {"pos", "flags", "mnt_id", "ino", NULL};
    static const char* const varying[] = {"memlock", "map_id", "prog_id", "link_id", "prog_tag", "prog_jited", NULL};
    static const char* const recent[] = {"name", "offset", "ref_ctr_offset", "event_type", "cookie", NULL};
    char path[64], line[256];
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    FILE* file = fopen(path, "re");
    printf("fdinfo of a %s:%s\n", what, file ? "" : " cannot be opened");
    int known = 0;
    while (file && fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = 0;
        char* value = strchr(line, ':');
        if (!value) continue;
        *value++ = 0;
        known += among(line, common);
        if (among(line, varying)) value = value[1] != 0 && strcmp(value + 1, "0") != 0 ? "\t(some)" : "\t(none)";
        if (!among(line, common) && !among(line, recent)) printf("    %s%s\n", line, value);
    }
    if (known != 4) printf("    ...and not what every descriptor has\n");
    if (file) fclose(file);
}

static void descriptions(void) {
    const int map = create(BPF_MAP_TYPE_ARRAY, 4, 8, 3, BPF_F_MMAPABLE), probe = load(BPF_PROG_TYPE_KPROBE, 0);
    struct event e = uprobe(target);
    const int event = open_event(&e);
    union bpf_attr attr;
    memset(&attr, 0, sizeof(attr));
    attr.link_create.prog_fd = (unsigned)probe;
    attr.link_create.target_fd = (unsigned)event;
    attr.link_create.attach_type = BPF_PERF_EVENT;
    const int link = (int)bpf(BPF_LINK_CREATE, &attr);
    freeze(map);
    describe("map", map);
    describe("program", probe);
    describe("perf event", event);
    describe("link", link);
    describe("stream", 1);
    char number[64];
    snprintf(number, sizeof(number), "/proc/%d/fdinfo/%d", getpid(), map);
    const int fd = open(number, O_RDONLY | O_CLOEXEC);
    char text[4096] = {0};
    say("fdinfo by number, map_id", read(fd, text, sizeof(text) - 1) > 0 && strstr(text, "\nmap_id:") ? 0 : -1);
    say("...closed on exec", fcntl(fd, F_GETFD) == FD_CLOEXEC ? 0 : -1);
    close(fd), close(link), close(event), close(probe), close(map);
}

int main(void) {
    make_target();
    events();
    ioctls();
    pages();
    arrays();
    rings();
    freezing();
    ids();
    descriptions();
    return 0;
}
