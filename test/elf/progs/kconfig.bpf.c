// Configuration of the kernel, and a branch that it decides.
#include <stdbool.h>

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern int LINUX_KERNEL_VERSION __kconfig;
extern bool LINUX_HAS_SYSCALL_WRAPPER __kconfig __weak;
extern enum libbpf_tristate CONFIG_BPFTIME_NEVER_EXISTS __kconfig __weak;

SEC("socket")
int version(struct __sk_buff* skb) {
    if (CONFIG_BPFTIME_NEVER_EXISTS == TRI_YES) return 1;
    return LINUX_KERNEL_VERSION;
}

SEC("socket")
int wrapper(struct __sk_buff* skb) { return LINUX_HAS_SYSCALL_WRAPPER; }

char LICENSE[] SEC("license") = "GPL";
