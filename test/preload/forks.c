/* What becomes of descriptors in children, across exec and in close_range(), and waiting by select(): the same on the
 * kernel and under the syscall server. */
#define _GNU_SOURCE
#include <linux/close_range.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/select.h>

#include "calls.h"

/* What _FORTIFY_SOURCE makes of poll(). */
extern int __poll_chk(struct pollfd* descriptors, nfds_t count, int timeout, size_t size);

static int new_ring(void) {
    union bpf_attr attr;
    memset(&attr, 0, sizeof(attr));
    attr.map_type = BPF_MAP_TYPE_RINGBUF;
    attr.max_entries = (unsigned)getpagesize();
    return (int)bpf(BPF_MAP_CREATE, &attr);
}

static int link_event(int program, int event) {
    union bpf_attr attr;
    memset(&attr, 0, sizeof(attr));
    attr.link_create.prog_fd = (unsigned)program;
    attr.link_create.target_fd = (unsigned)event;
    attr.link_create.attach_type = BPF_PERF_EVENT;
    return (int)bpf(BPF_LINK_CREATE, &attr);
}

static long element(int command, int map, int* value) {
    int key = 0;
    union bpf_attr attr;
    memset(&attr, 0, sizeof(attr));
    attr.map_fd = (unsigned)map;
    attr.key = address(&key);
    attr.value = address(value);
    return bpf(command, &attr);
}

/* ---- A process whose threads never rest forks ---- */

static atomic_bool done;
static int epoll;

static void* work(void* argument) {
    const int ring = new_ring();
    struct epoll_event event = {.events = EPOLLIN};
    while (!done) {
        int value = 1;
        const int map = new_map(), program = load(BPF_PROG_TYPE_SOCKET_FILTER, 0);
        if (element(BPF_MAP_UPDATE_ELEM, map, &value) != 0) perror("update");
        epoll_ctl(epoll, EPOLL_CTL_ADD, ring, &event);
        epoll_wait(epoll, &event, 1, 0);
        epoll_ctl(epoll, EPOLL_CTL_DEL, ring, &event);
        close(map);
        close(program);
    }
    close(ring);
    return argument;
}

static int child_works(int map) {
    alarm(10);
    int value = 0;
    if (element(BPF_MAP_LOOKUP_ELEM, map, &value) != 0 || value != 7) return 1;
    const int own = new_map(), program = load(BPF_PROG_TYPE_SOCKET_FILTER, 0), ring = new_ring();
    struct pollfd polled = {.fd = ring, .events = POLLIN};
    if (own < 0 || program < 0 || poll(&polled, 1, 0) != 0) return 1;
    if (element(BPF_MAP_UPDATE_ELEM, own, &value) != 0) return 1;
    return close(own) != 0 || close(program) != 0 || close(ring) != 0;
}

static int wait_for(pid_t child) {
    int status = -1;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void threads(void) {
    pthread_t all[3];
    const int map = new_map();
    int value = 7, good = 0, spawned = 0;
    element(BPF_MAP_UPDATE_ELEM, map, &value);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < 3; ++i) pthread_create(&all[i], NULL, work, NULL);
    for (int i = 0; i < 60; ++i) {
        const pid_t child = fork();
        if (child == 0) _exit(child_works(map));
        good += wait_for(child);
    }
    for (int i = 0; i < 20; ++i) {
        pid_t child = -1;
        char* words[] = {"true", NULL};
        if (posix_spawn(&child, "/bin/true", NULL, NULL, words, environ) == 0) spawned += wait_for(child);
    }
    done = 1;
    for (int i = 0; i < 3; ++i) pthread_join(all[i], NULL);
    printf("children of a threaded process: %d of 60, spawned: %d of 20\n", good, spawned);
    fflush(stdout);
    close(map), close(epoll);
}

/* ---- exec ---- */

static int inherited(char** words) {
    const int map = atoi(words[0]), ring = atoi(words[1]), event = atoi(words[2]);
    const size_t page = (size_t)getpagesize();
    int value = 0;
    struct pollfd polled = {.fd = ring, .events = POLLIN};
    void* positions = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, ring, 0);
    say("after exec, mmap of a ring buffer", positions == MAP_FAILED ? -1 : 0);
    say("after exec, mmap of its data to write",
        mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED, ring, (off_t)page) == MAP_FAILED ? -1 : 0);
    say("after exec, poll of it", poll(&polled, 1, 0) == 0 ? 0 : -1);
    say("after exec, ioctl of an event", ioctl(event, PERF_EVENT_IOC_DISABLE, 0));
    say("after exec, look up", element(BPF_MAP_LOOKUP_ELEM, map, &value) == 0 && value == 9 ? 0 : -1);
    return 0;
}

static void execs(void) {
    const int map = new_map(), ring = new_ring();
    struct event e = uprobe(target);
    const int event = open_event(&e);
    int value = 9;
    element(BPF_MAP_UPDATE_ELEM, map, &value);
    char words[3][16];
    const int descriptors[] = {map, ring, event};
    for (int i = 0; i < 3; ++i) snprintf(words[i], sizeof(words[i]), "%d", descriptors[i]);
    const pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 3; ++i) fcntl(descriptors[i], F_SETFD, 0);
        execl("/proc/self/exe", "program", words[0], words[1], words[2], NULL);
        _exit(127);
    }
    say("exec", wait_for(child) ? 0 : -1);
    close(map), close(ring), close(event);
}

/* ---- Ranges ---- */

static void ranges(void) {
    struct event e = uprobe(target);
    const int event = open_event(&e), probe = load(BPF_PROG_TYPE_KPROBE, 0);
    int link = link_event(probe, event);
    say("link", link);
    say_fd("...again", link_event(probe, event));
    say("close_range, only on exec", close_range((unsigned)link, (unsigned)link, CLOSE_RANGE_CLOEXEC));
    say_fd("...so it is still there", link_event(probe, event));
    say("close_range", close_range((unsigned)link, (unsigned)link, 0));
    link = link_event(probe, event);
    say("link, the last one closed in a range", link);
    const int high = fcntl(link, F_DUPFD_CLOEXEC, 600);
    close(link);
    say_fd("...a copy is open", link_event(probe, event));
    closefrom(high);
    say_fd("link, after closefrom", link_event(probe, event));
    say("close_range, backwards", close_range(9, 3, 0));
    link = link_event(probe, event);
    const pid_t child = fork();
    if (child == 0) {
        const int closed = close_range(3, ~0u, 0);
        _exit(closed != 0 || new_map() < 0);
    }
    say("a child that closes all of its own", wait_for(child) ? 0 : -1);
    say_fd("...takes no link from its parent", link_event(probe, event));
    close(link), close(event), close(probe);
}

/* ---- select() ---- */

static int submitter(int ring) {
    const struct bpf_insn code[] = {
        {.code = 0x7a, .dst_reg = 10, .off = -8, .imm = 1},
        {.code = 0x18, .dst_reg = 1, .src_reg = 1, .imm = ring},
        {.code = 0},
        {.code = 0xbf, .dst_reg = 2, .src_reg = 10},
        {.code = 0x07, .dst_reg = 2, .imm = -8},
        {.code = 0xb7, .dst_reg = 3, .imm = 8},
        {.code = 0xb7, .dst_reg = 4},
        {.code = 0x85, .imm = 130},
        {.code = 0xb7, .dst_reg = 0},
        {.code = 0x95},
    };
    union bpf_attr attr;
    memset(&attr, 0, sizeof(attr));
    attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
    attr.insns = address(code);
    attr.insn_cnt = sizeof(code) / sizeof(*code);
    attr.license = address("GPL");
    return (int)bpf(BPF_PROG_LOAD, &attr);
}

static int selected(int fd, int precise) {
    fd_set readers;
    FD_ZERO(&readers);
    FD_SET(fd, &readers);
    if (precise) return pselect(fd + 1, &readers, NULL, NULL, &(struct timespec){0}, NULL);
    return select(fd + 1, &readers, NULL, NULL, &(struct timeval){0});
}

static void say_ready(const char* when, int ring) {
    struct pollfd polled = {.fd = ring, .events = POLLIN};
    printf("%s: select %d, pselect %d, poll %d\n", when, selected(ring, 0), selected(ring, 1),
           __poll_chk(&polled, 1, 0, sizeof(polled)));
}

static void selects(void) {
    const size_t page = (size_t)getpagesize();
    const int ring = new_ring(), program = submitter(ring);
    uint64_t* consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, ring, 0);
    if (program < 0 || consumer == MAP_FAILED) return perror("ring buffer");
    say_ready("nothing", ring);
    char packet[64] = {0};
    union bpf_attr attr;
    memset(&attr, 0, sizeof(attr));
    attr.test.prog_fd = (unsigned)program;
    attr.test.data_in = address(packet);
    attr.test.data_size_in = sizeof(packet);
    say("run", bpf(BPF_PROG_TEST_RUN, &attr));
    say_ready("a record", ring);
    *consumer = 16;
    say_ready("consumed", ring);
    say("select, bad address", select(ring + 1, (fd_set*)16, NULL, NULL, &(struct timeval){0}));
    close(program), close(ring);
}

int main(int argc, char** argv) {
    alarm(50);
    if (argc == 4) return inherited(argv + 1);
    make_target();
    execs();
    ranges();
    selects();
    threads();
    return 0;
}
