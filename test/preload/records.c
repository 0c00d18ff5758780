/* libbpf's perf buffer on an output event of the syscall server and its ring buffer on a map, fed by hand as a
 * program's process feeds it: record into the ring, byte into the descriptor. */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const int kPages = 2;

struct record {
    struct perf_event_header header;
    uint32_t size;
    uint32_t value;
};

static void produce(int fd, uint32_t value) {
    const size_t page = (size_t)getpagesize();
    char* ring = mmap(NULL, page * (1 + kPages), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (ring == MAP_FAILED) return perror("mmap");
    struct perf_event_mmap_page* control = (struct perf_event_mmap_page*)ring;
    struct record record = {.header = {.type = PERF_RECORD_SAMPLE, .size = sizeof(record)}, .size = 4, .value = value};
    memcpy(ring + page + control->data_head % control->data_size, &record, sizeof(record));
    __atomic_store_n(&control->data_head, control->data_head + sizeof(record), __ATOMIC_RELEASE);
    if (write(fd, "", 1) != 1) perror("write");
    munmap(ring, page * (1 + kPages));
}

static void on_record(void* context, int cpu, void* data, unsigned size) {
    (void)context, (void)cpu;
    uint32_t value = 0;
    memcpy(&value, data, sizeof(value));
    printf("record of %s bytes: %u\n", size >= 4 ? "enough" : "too few", value);
}

static long elapsed_ms(const struct timespec* since) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
}

static void poll_buffer(const char* when, struct perf_buffer* buffer) {
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    const int count = perf_buffer__poll(buffer, 100);
    printf("%s: %d ready, %s\n", when, count, elapsed_ms(&start) >= 90 ? "after waiting" : "at once");
}

/* ---- Ring buffer maps ---- */

/* Clients cannot write the pages of a ring buffer: the file itself, as a program's process has it. */
static char* ring_pages(size_t size) {
    char pattern[300];
    snprintf(pattern, sizeof(pattern), "/dev/shm/%s.%u/map.*.ring", getenv("BPFTIME_GLOBAL_SHM_NAME"), geteuid());
    glob_t found;
    if (glob(pattern, 0, NULL, &found) != 0) return MAP_FAILED;
    const int fd = open(found.gl_pathv[0], O_RDWR | O_CLOEXEC);
    char* pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    globfree(&found);
    return pages;
}

static int on_ring_record(void* context, void* data, size_t size) {
    (void)context;
    uint32_t value = 0;
    memcpy(&value, data, sizeof(value));
    printf("record of %zu bytes: %u\n", size, value);
    return 0;
}

static int ring_buffer(void) {
    const uint64_t page = (uint64_t)getpagesize();
    const int map = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0, (unsigned)page, NULL);
    struct ring_buffer* buffer = ring_buffer__new(map, on_ring_record, NULL, NULL);
    char* pages = ring_pages(4 * page);
    if (map < 0 || !buffer || pages == MAP_FAILED) return perror("ring buffer"), 1;
    uint64_t* producer = (uint64_t*)(pages + page);
    printf("empty: %d\n", ring_buffer__poll(buffer, 50));
    /* Over the end of the data again and again: a record runs on into the second copy. */
    const uint64_t length = 1000, record = (length + 8 + 7) / 8 * 8;
    int good = 0;
    for (uint32_t i = 0; i < 20; ++i) {
        char* at = pages + 2 * page + *producer % page;
        const uint64_t header = length;
        memset(at, (int)i, record);
        memcpy(at, &header, sizeof(header));
        __atomic_store_n(producer, *producer + record, __ATOMIC_RELEASE);
        if (write(map, "", 1) != 1) perror("write");
        good += ring_buffer__poll(buffer, 50) == 1;
    }
    printf("%d of 20 polls saw their record\n", good);
    printf("empty: %d\n", ring_buffer__poll(buffer, 50));
    ring_buffer__free(buffer);
    close(map);
    return 0;
}

int main(void) {
    const int map = bpf_map_create(BPF_MAP_TYPE_PERF_EVENT_ARRAY, "events", 4, 4, libbpf_num_possible_cpus(), NULL);
    struct perf_buffer* buffer = perf_buffer__new(map, kPages, on_record, NULL, NULL, NULL);
    if (map < 0 || !buffer) return perror("perf buffer"), 1;
    const int fd = perf_buffer__buffer_fd(buffer, 0);
    poll_buffer("nothing", buffer);
    produce(fd, 11);
    poll_buffer("one record", buffer);
    poll_buffer("read", buffer);
    produce(fd, 12), produce(fd, 13);
    poll_buffer("two records", buffer);
    poll_buffer("read", buffer);

    /* A wake-up is told of once, by whatever waits first (perf_poll() of the kernel). */
    struct epoll_event event;
    struct pollfd polled[] = {{.fd = -1}, {.fd = fd, .events = POLLIN}};
    for (int i = 0; i < 2; ++i) {
        produce(fd, 14);
        const int first = i == 0 ? poll(polled, 2, 100) : epoll_wait(perf_buffer__epoll_fd(buffer), &event, 1, 100);
        const int second = poll(polled, 2, 10);
        printf("a record: %s %d, then poll %d, ", i == 0 ? "poll" : "epoll", first, second);
        printf("epoll %d\n", epoll_wait(perf_buffer__epoll_fd(buffer), &event, 1, 10));
    }
    errno = 77;
    poll(polled, 2, 0);
    printf("errno is %s\n", errno == 77 ? "left alone" : "changed");
    perf_buffer__consume(buffer);
    printf("read: epoll %d, poll %d\n", epoll_wait(perf_buffer__epoll_fd(buffer), &event, 1, 10), poll(polled, 2, 10));
    perf_buffer__free(buffer);
    close(map);
    return ring_buffer();
}
