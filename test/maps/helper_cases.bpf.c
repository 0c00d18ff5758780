// Runs the cases of helper_cases.h in the kernel; results go to .bss, read by helpers_kernel_test.cpp.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "helper_cases.h"

#define TEXT_SIZE 64

struct format_result { long status; char text[TEXT_SIZE]; };
struct number_result { long status; long value; long unsigned_status; unsigned long unsigned_value; };

char hello[] = "hello";
unsigned char address_bytes[16] = {10, 0, 200, 7, 0, 0, 0xab, 0xcd, 0, 1, 2, 3, 4, 5, 6, 255};


struct format_result format_results[40];
long trace_results[40];
struct number_result number_results[40];
long compare_results[20];
long checksum_results[20];

#define HELLO hello_at
#define BYTES bytes_at

SEC("syscall")
int text_cases(void *ctx) {
    unsigned long long hello_at = (unsigned long)hello, bytes_at = (unsigned long)address_bytes;
    int at = 0;
    // Known at run time only, so that no table with addresses in it goes to .rodata, where libbpf does not relocate.
    asm volatile("" : "+r"(hello_at), "+r"(bytes_at));
#define FORMAT_CASE(format, ...)                                                                  \
    {                                                                                             \
        static const char text[] = format;                                                        \
        unsigned long long arguments[] = {__VA_ARGS__};                                           \
        struct format_result *out = &format_results[at++];                                        \
        out->status = bpf_snprintf(out->text, TEXT_SIZE, text, arguments, sizeof(arguments));     \
    }
    FORMAT_CASES
    at = 0;
#define TRACE_CASE(format, a, b, c)                                                \
    {                                                                              \
        static const char text[] = format;                                         \
        trace_results[at++] = bpf_trace_printk(text, sizeof(text), a, b, c);       \
    }
    TRACE_CASES
    return 0;
}

SEC("syscall")
int number_and_compare_cases(void *ctx) {
    int at = 0;
#define NUMBER_CASE(literal, flags)                                                                       \
    {                                                                                                     \
        static const char text[] = literal;                                                               \
        struct number_result *out = &number_results[at++];                                                \
        long value = 77;                                                                                  \
        unsigned long unsigned_value = 77;                                                                \
        if (sizeof(text) > 1) {                                                                           \
            out->status = bpf_strtol(text, sizeof(text) - 1, flags, &value);                              \
            out->unsigned_status = bpf_strtoul(text, sizeof(text) - 1, flags, &unsigned_value);           \
        }                                                                                                 \
        out->value = value;                                                                               \
        out->unsigned_value = unsigned_value;                                                             \
    }
    NUMBER_CASES
    at = 0;
#define COMPARE_CASE(left, size, right)                                       \
    {                                                                         \
        char left_text[] = left;                                              \
        static const char right_text[] = right;                               \
        compare_results[at++] = bpf_strncmp(left_text, size, right_text);     \
    }
    COMPARE_CASES
    return 0;
}

SEC("tc")
int checksum_cases(struct __sk_buff *skb) {
    unsigned int words[32];
    int at = 0;
    for (int i = 0; i < 32; ++i) words[i] = (i + 1) * 0x9e3779b1u;
#define CHECKSUM_CASE(from, to, seed) \
    checksum_results[at++] = bpf_csum_diff(words, from, (void *)words + 64, to, seed);
    CHECKSUM_CASES
    return 0;
}

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
} ring SEC(".maps");

char memory[64];
long dynptr_results[40];
SEC("syscall")
int dynptr_cases(void *ctx) {
    struct bpf_dynptr d, r;
    unsigned char buffer[16] = {0};
    int at = 0;
#define DYNPTR_CASE(expression) dynptr_results[at++] = expression;
#define DYNPTR_END(call) call;
    DYNPTR_CASES
    return 0;
}

struct namespace_result { long status; struct bpf_pidns_info info; };
struct namespace_result namespace_results[10];
long ticks;
SEC("syscall")
int host_cases(unsigned long long *ctx) {
    unsigned long long device = ctx[0], inode = ctx[1];
    int at = 0;
#define NAMESPACE_CASE(device, inode, size)                                                  \
    {                                                                                        \
        struct namespace_result *out = &namespace_results[at++];                             \
        struct bpf_pidns_info info = {7, 7};                                                 \
        out->status = bpf_get_ns_current_pid_tgid(device, inode, &info, size);               \
        out->info = info;                                                                    \
    }
    NAMESPACE_CASES
    ticks = bpf_jiffies64();
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
