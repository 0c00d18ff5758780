// Maps of many types, with and without a program that refers to them.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 100);
    __type(key, __u32);
    __type(value, __u64);
} hash SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 4);
    __type(key, __u32);
    __type(value, __u64);
} array SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 2);
    __type(key, __u32);
    __type(value, __u64);
} percpu SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 64);
    __type(key, __u64);
    __type(value, __u32);
} lru SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(max_entries, 16);
    __uint(key_size, 8);
    __uint(value_size, 4);
    __uint(map_flags, BPF_F_NO_PREALLOC);
} trie SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_QUEUE);
    __uint(max_entries, 8);
    __type(value, __u32);
} queue SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 8192);
} ring SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_STACK_TRACE);
    __uint(max_entries, 32);
    __uint(key_size, 4);
    __uint(value_size, 127 * 8);
} stacks SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
    __uint(max_entries, 64);
    __type(value, __u32);
    __uint(map_extra, 3);
} bloom SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
    __uint(key_size, 4);
    __uint(value_size, 4);
} events SEC(".maps");

struct inner {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
};
struct inner first SEC(".maps"), second SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 2);
    __type(key, __u32);
    __array(values, struct inner);
} outer SEC(".maps") = {.values = {&first, &second}};

int target(struct __sk_buff* skb);
struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 2);
    __uint(key_size, 4);
    __array(values, int(void*));
} programs SEC(".maps") = {.values = {[1] = (void*)&target}};

SEC("socket")
int target(struct __sk_buff* skb) { return 5; }

SEC("socket")
int use_maps(struct __sk_buff* skb) {
    __u32 key = 1;
    __u64 one = 1, *value = bpf_map_lookup_elem(&percpu, &key);
    if (value) *value += 1;
    bpf_map_update_elem(&hash, &key, &one, BPF_ANY);
    void* map = bpf_map_lookup_elem(&outer, &key);
    if (map) {
        __u32 zero = 0, *element = bpf_map_lookup_elem(map, &zero);
        if (element) *element = 9;
    }
    value = bpf_map_lookup_elem(&hash, &key);
    if (value) *value += 1;
    bpf_tail_call(skb, &programs, 1);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
