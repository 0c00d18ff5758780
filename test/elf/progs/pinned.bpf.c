// A map to be pinned by its name, and ring buffers with a value type, as objects for Go programs have them.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 4);
    __uint(pinning, LIBBPF_PIN_BY_NAME);
    __type(key, __u32);
    __type(value, __u32);
} bpftime_test_pinned SEC(".maps");

struct event {
    __u64 a, b;
};
struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
    __type(value, struct event);
} typed_ring SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
    __type(value, struct event);
} typed_events SEC(".maps");

SEC("kprobe")
int reader(void* ctx) {
    __u32 key = 0, *value = bpf_map_lookup_elem(&bpftime_test_pinned, &key);
    struct event* event = bpf_ringbuf_reserve(&typed_ring, sizeof(*event), 0);
    if (event) bpf_ringbuf_submit(event, 0);
    bpf_perf_event_output(ctx, &typed_events, 0, &key, sizeof(key));
    return value ? *value : 0;
}

char LICENSE[] SEC("license") = "GPL";
