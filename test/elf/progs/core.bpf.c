// CO-RE against BTF of our own: test/elf/progs/core_target.bpf.c defines the same types with another layout.
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct bpftime_sample {
    int moved;
    long absent;
    unsigned int bits : 3;
} __attribute__((preserve_access_index));
struct bpftime_unknown {
    int x;
} __attribute__((preserve_access_index));
enum bpftime_choice { CHOICE_A = 1, CHOICE_B = 2 };

static void* sample(void* ctx) { return ctx; }

SEC("raw_tp/x")
int moved(void* ctx) {
    struct bpftime_sample* s = sample(ctx);
    return BPF_CORE_READ(s, moved);
}

SEC("raw_tp/x")
int guarded(void* ctx) {
    struct bpftime_sample* s = sample(ctx);
    if (bpf_core_field_exists(s->absent)) return BPF_CORE_READ(s, absent);
    return 77;
}

SEC("raw_tp/x")
int unguarded(void* ctx) {
    struct bpftime_sample* s = sample(ctx);
    return BPF_CORE_READ(s, absent);
}

SEC("raw_tp/x")
int facts(void* ctx) {
    int result = bpf_core_type_exists(struct bpftime_unknown) ? 1000 : 0;
    result += bpf_core_type_size(struct bpftime_sample);
    result += bpf_core_enum_value(enum bpftime_choice, CHOICE_B) * 100;
    result += BPF_CORE_READ_BITFIELD_PROBED((struct bpftime_sample*)sample(ctx), bits);
    return result;
}

SEC("raw_tp/y")
int plain(void* ctx) { return 4; }

char LICENSE[] SEC("license") = "GPL";
