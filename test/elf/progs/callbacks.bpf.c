// Addresses of functions handed to helpers.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 8);
    __type(key, __u32);
    __type(value, __u64);
} values SEC(".maps");

struct state {
    __u64 sum;
};

static long add(__u32 index, struct state* state) {
    state->sum += index;
    return 0;
}

static long visit(void* map, __u32* key, __u64* value, struct state* state) {
    state->sum += *value;
    return 0;
}

SEC("raw_tp/x")
int loops(void* ctx) {
    struct state state = {};
    bpf_loop(10, add, &state, 0);
    bpf_for_each_map_elem(&values, visit, &state, 0);
    return state.sum;
}

char LICENSE[] SEC("license") = "GPL";
