// Kernel functions and variables, optional and not.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#ifndef bpf_ksym_exists
#define bpf_ksym_exists(symbol) (!!(symbol))
#endif

struct rq;
extern const void init_task __ksym;
extern const void bpftime_optional __ksym __weak;
extern const int bpf_prog_active __ksym __weak;
extern void* bpf_rdonly_cast(void* object, __u32 type) __ksym __weak;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpftime_missing(void) __ksym;

SEC("raw_tp/x")
int weak_variables(void* ctx) {
    int found = 0;
    if (&bpftime_optional) found += 1;
    if (&bpf_prog_active) found += 2;
    return found;
}

SEC("raw_tp/x")
int strong_variable(void* ctx) { return (long)&init_task; }

SEC("raw_tp/x")
int guarded_function(void* ctx) {
    if (bpf_ksym_exists(bpf_rdonly_cast)) return bpf_rdonly_cast(ctx, 1) != 0;
    return 6;
}

SEC("raw_tp/x")
int strong_function(void* ctx) {
    bpf_rcu_read_lock();
    return 0;
}

static __noinline int inner(void) {
    bpftime_missing();
    return 1;
}

SEC("raw_tp/x")
int through_subprogram(void* ctx) { return inner(); }

SEC("raw_tp/x")
int untouched(void* ctx) { return 8; }

char LICENSE[] SEC("license") = "GPL";
