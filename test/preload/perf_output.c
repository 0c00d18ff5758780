/* What programs write with bpf_perf_event_output arrives at libbpf's perf buffer: errors, order, fields, what is lost, when the
 * client is woken, and from other processes. Everything runs on CPU 0, whose number the events go by. */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint64_t kCurrent = 0xffffffff;
static struct bpf_object* object;
static int events, emit, emit_packet, globals;

static long status(void) {
    static char values[(1 << 17) + 64];
    const uint32_t key = 0;
    int64_t value;
    if (bpf_map_lookup_elem(globals, &key, values) != 0) return -1000;
    memcpy(&value, values, sizeof(value));
    return (long)value;
}

static long write_record(uint64_t flags, uint64_t size, uint64_t first) {
    uint64_t arguments[] = {flags, size, first};
    LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = arguments, .ctx_size_in = sizeof(arguments));
    return bpf_prog_test_run_opts(emit, &options) != 0 ? -2000 - errno : status();
}

static long write_packet(unsigned char asked) {
    char packet[64] = {0};
    for (int i = 0; i < 64; ++i) packet[i] = (char)i;
    packet[0] = (char)asked;
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet, .data_size_in = sizeof(packet));
    return bpf_prog_test_run_opts(emit_packet, &options) != 0 ? -2000 - errno : status();
}

static unsigned long samples, lost, bytes;
static void on_sample(void* context, int cpu, void* data, unsigned size) {
    (void)context;
    if (samples++ < 3) printf("  sample of CPU %d: %u bytes, first %u\n", cpu, size, *(unsigned char*)data);
    bytes += size;
}
static void on_lost(void* context, int cpu, unsigned long long count) {
    if (context == NULL) printf("  lost %llu of CPU %d\n", count, cpu);
    lost += (unsigned long)count;
}
static void consume(struct perf_buffer* buffer) {
    samples = bytes = lost = 0;
    const int result = perf_buffer__consume(buffer);
    printf("  consume %d: %lu samples of %lu bytes, %lu lost\n", result, samples, bytes, lost);
}
static void report(const char* what, long result) { printf("%s: %ld\n", what, result); }

static void errors(struct perf_buffer* buffer) {
    const int key = 0, fd = perf_buffer__buffer_fd(buffer, 0);
    report("this CPU", write_record(kCurrent, 4, 1));
    report("index 0", write_record(0, 4, 2));
    if (libbpf_num_possible_cpus() > 1) report("another CPU's", write_record(1, 4, 3));
    report("beyond the array", write_record(100000, 4, 4));
    report("a context's length", write_record(kCurrent | 1ull << 32, 4, 5));
    report("unknown flags", write_record(1ull << 52, 4, 5));
    ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
    report("disabled", write_record(0, 4, 6));
    ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
    ioctl(fd, PERF_EVENT_IOC_PAUSE_OUTPUT, 1);
    report("paused", write_record(0, 4, 6));
    ioctl(fd, PERF_EVENT_IOC_PAUSE_OUTPUT, 0);
    bpf_map_delete_elem(events, &key);
    report("no event", write_record(0, 4, 7));
    bpf_map_update_elem(events, &key, &fd, 0);
    report("nothing", write_record(0, 0, 8));
    report("5 bytes", write_record(0, 5, 9));
    consume(buffer);
    report("none of the packet", write_packet(0));
    report("10 bytes", write_packet(10));
    report("all", write_packet(64));
    report("more", write_packet(65));
    consume(buffer);
}

/* Until there is no room, then on after the client has read. */
static void fill(struct perf_buffer* buffer, unsigned size) {
    long result = 0;
    unsigned written = 0, refused = 0;
    while (written < 10000 && (result = write_record(0, size, written)) == 0) ++written;
    for (; refused < 3; ++refused) write_record(0, size, 0);
    printf("records of %u bytes: %u written, then %ld\n", size, written, result);
    consume(buffer);
    printf("room again: %ld\n", write_record(0, size, 77));
    consume(buffer);
}

static enum bpf_perf_event_ret on_any(void* context, int cpu, struct perf_event_header* header) {
    (void)context, (void)cpu;
    ++samples, bytes += header->size;
    return LIBBPF_PERF_EVENT_CONT;
}

static struct perf_buffer* raw_buffer(struct perf_event_attr attributes, unsigned pages, perf_buffer_event_fn callback) {
    attributes.size = sizeof(attributes);
    attributes.type = PERF_TYPE_SOFTWARE;
    attributes.config = PERF_COUNT_SW_BPF_OUTPUT;
    attributes.sample_type |= PERF_SAMPLE_RAW;
    attributes.sample_period = 1;
    LIBBPF_OPTS(perf_buffer_raw_opts, options);
    return perf_buffer__new_raw(events, pages, &attributes, callback, NULL, &options);
}

static enum bpf_perf_event_ret on_event(void* context, int cpu, struct perf_event_header* header) {
    (void)context, (void)cpu;
    struct record {
        struct perf_event_header header;
        uint32_t process, thread;
        uint64_t time;
        uint32_t cpu, reserved;
        uint64_t period;
        uint32_t size;
        char data[];
    }* record = (void*)header;
    printf("  type %u size %u: process %s, thread %s, time %s, CPU %u, period %llu, %u bytes\n", header->type, header->size,
           record->process == (uint32_t)getpid() ? "ours" : "another", record->thread == (uint32_t)gettid() ? "ours" : "another",
           record->time != 0 ? "set" : "0", record->cpu, (unsigned long long)record->period, record->size);
    return LIBBPF_PERF_EVENT_CONT;
}

static void fields(void) {
    struct perf_event_attr attributes = {
        .sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU | PERF_SAMPLE_PERIOD, .wakeup_events = 1};
    struct perf_buffer* buffer = raw_buffer(attributes, 2, on_event);
    printf("fields: %ld\n", write_record(0, 13, 1));
    perf_buffer__consume(buffer);
    perf_buffer__free(buffer);
}

/* How many records it takes for the client to be woken. */
static void wakeups(const char* rule, struct perf_event_attr attributes) {
    struct perf_buffer* buffer = raw_buffer(attributes, 2, on_any);
    struct epoll_event event;
    unsigned count = 0;
    while (count < 100 && epoll_wait(perf_buffer__epoll_fd(buffer), &event, 1, 0) == 0)
        count += write_record(0, 92, count) == 0;
    printf("woken %s: after %u\n", rule, count);
    consume(buffer);
    perf_buffer__free(buffer);
}

/* Two processes at once, while the client polls. */
static void processes(void) {
    int running = 2, failed = 0, status = 0;
    struct perf_buffer* buffer = perf_buffer__new(events, 64, on_sample, on_lost, &failed, NULL);
    const unsigned kEach = 2000;
    pid_t children[2];
    fflush(stdout);
    for (int i = 0; i < 2; ++i) {
        children[i] = fork();
        if (children[i] != 0) continue;
        unsigned done = 0;
        for (unsigned n = 0; n < kEach; ++n) done += write_record(0, 100, 7) == 0;
        _exit(done == 0);
    }
    samples = 3, bytes = lost = 0;
    while (running > 0) {
        perf_buffer__poll(buffer, 20);
        while (running > 0 && waitpid(-1, &status, WNOHANG) > 0) --running, failed += status != 0;
    }
    /* What was lost last is told of before the next record. */
    perf_buffer__consume(buffer);
    write_record(0, 100, 7);
    perf_buffer__consume(buffer);
    printf("from two processes: %lu of %u, %d failed\n", samples - 3 + lost, 2 * kEach + 1, failed);
    perf_buffer__free(buffer);
}

int main(int argc, char** argv) {
    cpu_set_t first;
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    if (argc < 2 || sched_setaffinity(0, sizeof(first), &first) != 0) return 2;
    libbpf_set_print(NULL);
    object = bpf_object__open_file(argv[1], NULL);
    if (!object || bpf_object__load(object) != 0) return perror("load"), 1;
    events = bpf_object__find_map_fd_by_name(object, "events");
    emit = bpf_program__fd(bpf_object__find_program_by_name(object, "emit"));
    emit_packet = bpf_program__fd(bpf_object__find_program_by_name(object, "emit_packet"));
    struct bpf_map* map;
    bpf_object__for_each_map(map, object) if (strstr(bpf_map__name(map), ".bss")) globals = bpf_map__fd(map);
    struct perf_buffer* buffer = perf_buffer__new(events, 2, on_sample, on_lost, NULL, NULL);
    if (!buffer) return perror("perf buffer"), 1;
    errors(buffer);
    fill(buffer, 1000);
    fill(buffer, 2020);
    fill(buffer, 8191 - 12);
    perf_buffer__free(buffer);
    wakeups("by each", (struct perf_event_attr){.wakeup_events = 1});
    wakeups("by three", (struct perf_event_attr){.wakeup_events = 3});
    wakeups("by half", (struct perf_event_attr){.wakeup_events = 0});
    wakeups("by 1000 bytes", (struct perf_event_attr){.watermark = 1, .wakeup_watermark = 1000});
    fields();
    processes();
    bpf_object__close(object);
    return 0;
}
