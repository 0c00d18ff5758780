/* libbpftime-rt.a from C, linked by the C compiler alone: its maps, its helpers by their symbols, and replacing one of them. */
#include <bpftime/rt.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

static int failures;
#define CHECK(condition) \
    ((condition) ? (void)0 : (void)(++failures, fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition)))

uint64_t __lddw_helper_map_by_fd(uint32_t number);
uint64_t __lddw_helper_map_by_idx(uint32_t number);
uint64_t __lddw_helper_map_val(uint64_t handle);
uint64_t __bpftime_call_helper(uint64_t id, uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5);
uint64_t _bpf_helper_ext_0001(uint64_t map, uint64_t key, uint64_t r3, uint64_t r4, uint64_t r5);
uint64_t _bpf_helper_ext_0002(uint64_t map, uint64_t key, uint64_t value, uint64_t flags, uint64_t r5);
uint64_t _bpf_helper_ext_0003(uint64_t map, uint64_t key, uint64_t r3, uint64_t r4, uint64_t r5);

/* In place of the archive's get_prandom_u32. */
uint64_t _bpf_helper_ext_0007(void) { return 4; }

enum { HASH = 1, ARRAY = 2, PERCPU_HASH = 5, SOCKMAP = 15 };

static const uint8_t data[] = {1, 2, 3};
static const struct bpftime_rt_map first[] = {
    {0, "calls", HASH, 4, 8, 16, 0, 0, 0, 0},
    {1, "prog.data", ARRAY, 4, 8, 1, 0, 0, data, sizeof data},
    {70000, "events", PERCPU_HASH, 4, 8, 4, 0, 0, 0, 0},
};
static const struct bpftime_rt_map second[] = {
    {0, "calls", HASH, 4, 8, 16, 0, 0, 0, 0},
    {2, "prog.rodata", ARRAY, 4, 4, 1, 0x80, 1, data, 2},
};
static const struct bpftime_rt_map conflicting[] = {
    {5, "fresh", HASH, 4, 8, 16, 0, 0, 0, 0},
    {0, "calls", HASH, 4, 8, 32, 0, 0, 0, 0},
};
static const struct bpftime_rt_map unsupported[] = {{9, "sockets", SOCKMAP, 4, 4, 16, 0, 0, 0, 0}};

static uint64_t address(const void *pointer) { return (uint64_t)(uintptr_t)pointer; }

static void check_creation(void) {
    CHECK(bpftime_rt_find_map("calls") == NULL);
    CHECK(bpftime_rt_create_maps(first, 3) == 0);
    CHECK(strcmp(bpftime_rt_error(), "") == 0);
    bpftime_map *calls = bpftime_rt_find_map("calls");
    CHECK(calls != NULL && calls == bpftime_rt_map_by_number(0));
    CHECK(bpftime_rt_create_maps(second, 2) == 0);
    CHECK(bpftime_rt_create_maps(first, 3) == 0);
    CHECK(bpftime_rt_find_map("calls") == calls);
    CHECK(bpftime_rt_map_by_number(70000) == bpftime_rt_find_map("events"));
    CHECK(bpftime_rt_map_by_number(3) == NULL);

    CHECK(bpftime_rt_create_maps(conflicting, 2) == -EEXIST);
    CHECK(strcmp(bpftime_rt_error(),
                 "map number 0 is 'calls' (hash, key 4, value 8, max entries 16, flags 0x0) already and cannot be 'calls' "
                 "(hash, key 4, value 8, max entries 32, flags 0x0); only programs built from one ELF file share a driver's maps; "
                 "link the BPF objects first") == 0);
    CHECK(bpftime_rt_find_map("fresh") == NULL);
    CHECK(bpftime_rt_create_maps(unsupported, 1) == -EINVAL);
    CHECK(strstr(bpftime_rt_error(), "map 'sockets': type sockmap is not supported here; supported are hash") != NULL);
}

static void check_access(void) {
    bpftime_map *calls = bpftime_rt_find_map("calls");
    const uint64_t handle = __lddw_helper_map_by_fd(0);
    uint32_t key = 7, next = 0;
    uint64_t value = 40;
    CHECK(handle == __lddw_helper_map_by_idx(0));
    CHECK(_bpf_helper_ext_0001(handle, address(&key), 0, 0, 0) == 0);
    CHECK(_bpf_helper_ext_0002(handle, address(&key), address(&value), 0, 0) == 0);
    uint64_t *found = (uint64_t *)(uintptr_t)_bpf_helper_ext_0001(handle, address(&key), 0, 0, 0);
    CHECK(found != NULL && *found == 40);
    *found += 2;
    CHECK(bpftime_rt_value_size(calls) == 8);
    CHECK(bpftime_rt_lookup(calls, &key, &value) == 0 && value == 42);
    CHECK(bpftime_rt_next_key(calls, NULL, &next) == 0 && next == 7);
    CHECK(bpftime_rt_next_key(calls, &next, &next) == -ENOENT);
    CHECK(bpftime_rt_update(calls, &key, &value, 1) == -EEXIST);
    CHECK(bpftime_rt_values(calls) == NULL);
    CHECK(_bpf_helper_ext_0003(handle, address(&key), 0, 0, 0) == 0);
    CHECK(bpftime_rt_delete(calls, &key) == -ENOENT);
    CHECK(bpftime_rt_value_size(bpftime_rt_find_map("events")) == 8 * bpftime_rt_cpus());
}

static void check_data_sections(void) {
    const uint64_t handle = __lddw_helper_map_by_fd(1);
    const uint8_t *bytes = (const uint8_t *)(uintptr_t)__lddw_helper_map_val(handle);
    CHECK(bytes == bpftime_rt_values(bpftime_rt_find_map("prog.data")));
    CHECK(bytes != NULL && memcmp(bytes, "\1\2\3\0\0\0\0\0", 8) == 0);
    const uint32_t key = 0, value = 1;
    CHECK(bpftime_rt_update(bpftime_rt_find_map("prog.rodata"), &key, &value, 0) == -EPERM);
}

static void check_missing_map(void) {
    const uint64_t missing = __lddw_helper_map_by_fd(12345);
    const uint32_t key = 0;
    const uint64_t value = 0;
    CHECK(_bpf_helper_ext_0001(missing, address(&key), 0, 0, 0) == 0);
    CHECK(_bpf_helper_ext_0002(missing, address(&key), address(&value), 0, 0) == (uint64_t)-EBADF);
    CHECK(_bpf_helper_ext_0003(missing, address(&key), 0, 0, 0) == (uint64_t)-EBADF);
    CHECK(__lddw_helper_map_val(missing) == 0);
}

static void check_helpers(void) {
    const char text[] = "123 ";
    int64_t number = 0;
    CHECK(__bpftime_call_helper(105, address(text), 4, 0, address(&number), 0) == 3 && number == 123);
    CHECK(__bpftime_call_helper(9, 0, 0, 0, 0, 0) == (uint64_t)-EINVAL);
    CHECK(__bpftime_call_helper(1ull << 40, 0, 0, 0, 0, 0) == (uint64_t)-EINVAL);
    CHECK(_bpf_helper_ext_0007() == 4);
}

enum { RUNNERS = 8, RUNS = 2000 };

/* As a program does: a plain addition to the CPU's value, with the chance to be preempted in it. */
static uint64_t count_event(void *ctx, uint64_t size) {
    const uint32_t key = 3;
    volatile uint64_t *value = (uint64_t *)(uintptr_t)_bpf_helper_ext_0001(__lddw_helper_map_by_fd(70000), address(&key), 0, 0, 0);
    const uint64_t before = *value;
    if (*(unsigned *)ctx % 16 == 0) sched_yield();
    *value = before + 1;
    return size;
}

static void *run_often(void *unused) {
    for (unsigned i = 0; i < RUNS; ++i) CHECK(bpftime_rt_run(count_event, &i, 7) == 7);
    return unused;
}

static void check_runs(void) {
    const uint32_t key = 3;
    uint64_t values[1024] = {0}, sum = 0;
    bpftime_map *events = bpftime_rt_find_map("events");
    CHECK(bpftime_rt_update(events, &key, values, 0) == 0);
    pthread_t threads[RUNNERS];
    for (int i = 0; i < RUNNERS; ++i) CHECK(pthread_create(&threads[i], NULL, run_often, NULL) == 0);
    for (int i = 0; i < RUNNERS; ++i) pthread_join(threads[i], NULL);
    CHECK(bpftime_rt_lookup(events, &key, values) == 0);
    for (unsigned cpu = 0; cpu < bpftime_rt_cpus(); ++cpu) sum += values[cpu];
    CHECK(sum == RUNNERS * RUNS);
}

static void *create_again(void *unused) {
    for (int i = 0; i < 200; ++i) CHECK(bpftime_rt_create_maps(first, 3) == 0);
    return unused;
}

int main(void) {
    check_creation();
    check_access();
    check_data_sections();
    check_missing_map();
    check_helpers();
    check_runs();
    bpftime_rt_destroy_maps();
    CHECK(bpftime_rt_map_by_number(0) == NULL);
    pthread_t threads[4];
    for (int i = 0; i < 4; ++i) CHECK(pthread_create(&threads[i], NULL, create_again, NULL) == 0);
    for (int i = 0; i < 4; ++i) pthread_join(threads[i], NULL);
    CHECK(bpftime_rt_find_map("calls") != NULL);
    bpftime_rt_destroy_maps();
    return failures == 0 ? 0 : 1;
}
