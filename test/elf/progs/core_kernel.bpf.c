// CO-RE against the running kernel.
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct task_struct {
    int pid;
    int tgid;
    struct task_struct* real_parent;
    int bpftime_field_that_never_was;
} __attribute__((preserve_access_index));

SEC("kprobe")
int parent(void* ctx) {
    struct task_struct* task = (void*)bpf_get_current_task();
    if (bpf_core_field_exists(task->bpftime_field_that_never_was))
        return BPF_CORE_READ(task, bpftime_field_that_never_was);
    return BPF_CORE_READ(task, real_parent, tgid);
}

SEC("kprobe")
int broken(void* ctx) {
    struct task_struct* task = (void*)bpf_get_current_task();
    return BPF_CORE_READ(task, bpftime_field_that_never_was);
}

char LICENSE[] SEC("license") = "GPL";
