// Records into a perf event array, as perf_output.c asks for them by the arguments of a raw tracepoint.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
    __uint(key_size, 4);
    __uint(value_size, 4);
} events SEC(".maps");

struct {
    long status;
    unsigned char text[1 << 17];
} shared;

SEC("raw_tp/any")
int emit(struct bpf_raw_tracepoint_args* ctx) {
    __u64 size = ctx->args[1] & 0x1ffff;
    shared.text[0] = (unsigned char)ctx->args[2];
    if (size > sizeof(shared.text) - 1) return 1;
    shared.status = bpf_perf_event_output(ctx, &events, ctx->args[0], shared.text, size);
    return 0;
}

// With as much of the packet as the first byte says.
SEC("xdp")
int emit_packet(struct xdp_md* ctx) {
    unsigned char* data = (void*)(long)ctx->data;
    if (data + 1 > (unsigned char*)(long)ctx->data_end) return 1;
    __u64 flags = BPF_F_CURRENT_CPU | (__u64)data[0] << 32;
    shared.status = bpf_perf_event_output(ctx, &events, flags, shared.text, 4);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
