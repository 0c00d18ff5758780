// Runs a script of ring buffer operations, so that what the kernel does can be compared with what runtime/maps does
// (ring_kernel_test.cpp).
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
    struct {
        __u32 kind;  // 0 output, 1..4 reserve of 8, 24, 1000, 4088 bytes, 5 query
        __u32 size;  // of an output; what a query asks
        __u64 flags;
        __u64 discard;
    } operation;
    __s64 result;
    __u8 sample[2048];
    __u64 drain_flags, stop_after, met, checksum;
} globals;

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
} ring SEC(".maps");

#define RESERVE(bytes)                                             \
    {                                                              \
        __u8* record = bpf_ringbuf_reserve(&ring, bytes, 0);       \
        globals.result = record != 0;                              \
        if (!record) return 0;                                     \
        for (int i = 0; i < 8; ++i) record[i] = globals.sample[i]; \
        if (globals.operation.discard)                             \
            bpf_ringbuf_discard(record, globals.operation.flags);  \
        else                                                       \
            bpf_ringbuf_submit(record, globals.operation.flags);   \
        return 0;                                                  \
    }

SEC("raw_tp")
int run_operation(void* context) {
    switch (globals.operation.kind) {
        case 0:
            globals.result =
                bpf_ringbuf_output(&ring, globals.sample, globals.operation.size & 2047, globals.operation.flags);
            break;
        case 1: RESERVE(8)
        case 2: RESERVE(24)
        case 3: RESERVE(1000)
        case 4: RESERVE(4088)
        default: globals.result = bpf_ringbuf_query(&ring, globals.operation.size);
    }
    return 0;
}

struct {
    __uint(type, BPF_MAP_TYPE_USER_RINGBUF);
    __uint(max_entries, 4096);
} user_ring SEC(".maps");

/* What a record has at these offsets, and where it ends. */
static long on_record(struct bpf_dynptr* record, void* context) {
    static const __u32 kAt[] = {0, 1, 7, 8, 15, 31, 100, 500, 3000};
    for (int i = 0; i < 9; ++i) {
        __u8 byte = 0;
        long result = bpf_dynptr_read(&byte, 1, record, kAt[i], 0);
        globals.checksum = globals.checksum * 31 + byte + (__u64)result;
    }
    return ++globals.met >= globals.stop_after;
}

SEC("raw_tp")
int run_drain(void* context) {
    globals.met = 0;
    globals.checksum = 0;
    globals.result = bpf_user_ringbuf_drain(&user_ring, on_record, 0, globals.drain_flags);
    return 0;
}

char _license[] SEC("license") = "GPL";
