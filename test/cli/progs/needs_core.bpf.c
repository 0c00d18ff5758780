// Reads a kernel structure, so it needs the target's BTF.
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct task_struct {
    int pid;
} __attribute__((preserve_access_index));

SEC("raw_tp")
int pid_offset(void* ctx) { return __builtin_preserve_field_info(((struct task_struct*)0)->pid, BPF_FIELD_BYTE_OFFSET) != 0; }

char LICENSE[] SEC("license") = "GPL";
