// A configuration variable that no kernel has, and that is not optional.
#include <stdbool.h>

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern bool CONFIG_BPFTIME_NEVER_EXISTS __kconfig;

SEC("socket")
int needs_it(struct __sk_buff* skb) { return CONFIG_BPFTIME_NEVER_EXISTS; }

char LICENSE[] SEC("license") = "GPL";
