// A table of functions for the kernel, of a type that it does not have.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct bpftime_ops {
    int (*first)(void);
    int number;
};

SEC("struct_ops/first")
int first_op(void* ctx) { return 12; }

SEC(".struct_ops")
struct bpftime_ops table = {.first = (void*)first_op, .number = 4};

char LICENSE[] SEC("license") = "GPL";
