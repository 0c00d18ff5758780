// What client.c loads: probes of a function, of its return, of a USDT point; a sampled clock; maps and globals.
// The headers of libbpf take their types from those before them.
// clang-format off
#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>
#include <linux/ptrace.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>
// clang-format on

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 8);
    __type(key, int);
    __type(value, long);
} counts SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
    __uint(key_size, 4);
    __uint(value_size, 4);
} events SEC(".maps");

const volatile int step = 1;  // written before loading
long calls = 0;               // read and written by mmap
long start = 5;

static __always_inline void count(int key) {
    long* value = bpf_map_lookup_elem(&counts, &key);
    if (value) __sync_fetch_and_add(value, step);
    __sync_fetch_and_add(&calls, start);
}

SEC("uprobe")
int on_call(struct pt_regs* ctx) {
    count(1);
    bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &calls, sizeof(calls));
    return 0;
}

SEC("uretprobe//proc/self/exe:target")
int on_return(struct pt_regs* ctx) {
    count(2);
    return 0;
}

SEC("usdt//proc/self/exe:bpftime_test:mark")
int on_mark(struct pt_regs* ctx) {
    long value = 0;
    bpf_usdt_arg(ctx, 0, &value);
    count((int)value);
    return 0;
}

SEC("perf_event")
int on_tick(struct bpf_perf_event_data* ctx) {
    count(3);
    return 0;
}

SEC("tracepoint/syscalls/sys_enter_getpid")
int on_getpid(void* ctx) {
    count(4);
    return 0;
}

char _license[] SEC("license") = "GPL";
