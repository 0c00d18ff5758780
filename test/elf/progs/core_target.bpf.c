// The target's types for core.bpf.c: only its BTF is used.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct bpftime_sample {
    long before[5];
    int moved;
    unsigned int lead : 5;
    unsigned int bits : 3;
};
enum bpftime_choice { CHOICE_A = 3, CHOICE_B = 6 };

struct bpftime_sample instance;
enum bpftime_choice choice;

SEC("socket")
int use_types(void* ctx) { return choice == CHOICE_B && instance.moved; }

char LICENSE[] SEC("license") = "GPL";
