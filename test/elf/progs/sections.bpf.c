// Sections that need the kernel's BTF, that libbpf does not know, or that it does not load of itself.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("fentry/bpftime_function_that_never_was")
int at_entry(void* ctx) { return 1; }

SEC("lsm/bpftime_hook_that_never_was")
int security(void* ctx) { return 2; }

SEC("bpftime/unknown")
int unknown(void* ctx) { return 3; }

SEC("?kprobe/optional")
int optional(void* ctx) { return 4; }

SEC("uprobe/libc.so.6:malloc")
int probe(void* ctx) { return 5; }

SEC("xdp")
int packets(struct xdp_md* ctx) { return XDP_PASS; }

char LICENSE[] SEC("license") = "GPL";
