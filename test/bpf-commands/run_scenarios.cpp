// PROG_TEST_RUN, ENABLE_STATS and TASK_FD_QUERY.
#include <array>
#include <numeric>
#include <vector>

#include "runtime/maps/cpus.h"
#include "scenario.h"

namespace bpftime::test {

namespace {

using Code = std::vector<RawInsn>;

constexpr RawInsn kExit{0x95, 0, 0, 0};
constexpr RawInsn set(int reg, int value) { return {0xb7, static_cast<std::uint8_t>(reg), 0, value}; }
constexpr RawInsn load32(int to, int from, int off) {
    return {0x61, static_cast<std::uint8_t>(to | from << 4), static_cast<std::int16_t>(off), 0};
}
constexpr RawInsn load64(int to, int from, int off) {
    return {0x79, static_cast<std::uint8_t>(to | from << 4), static_cast<std::int16_t>(off), 0};
}
constexpr RawInsn load8(int to, int from, int off) {
    return {0x71, static_cast<std::uint8_t>(to | from << 4), static_cast<std::int16_t>(off), 0};
}
constexpr RawInsn store32(int to, int from, int off) {
    return {0x63, static_cast<std::uint8_t>(to | from << 4), static_cast<std::int16_t>(off), 0};
}
constexpr RawInsn store64(int to, int from, int off) {
    return {0x7b, static_cast<std::uint8_t>(to | from << 4), static_cast<std::int16_t>(off), 0};
}
constexpr RawInsn store8(int to, int from, int off) {
    return {0x73, static_cast<std::uint8_t>(to | from << 4), static_cast<std::int16_t>(off), 0};
}
constexpr RawInsn move(int to, int from) { return {0xbf, static_cast<std::uint8_t>(to | from << 4), 0, 0}; }
constexpr RawInsn add(int to, int value) { return {0x07, static_cast<std::uint8_t>(to), 0, value}; }
constexpr RawInsn add_reg(int to, int from) { return {0x0f, static_cast<std::uint8_t>(to | from << 4), 0, 0}; }
constexpr RawInsn sub_reg(int to, int from) { return {0x1f, static_cast<std::uint8_t>(to | from << 4), 0, 0}; }
constexpr RawInsn if_greater(int left, int right, int off) {
    return {0x2d, static_cast<std::uint8_t>(left | right << 4), static_cast<std::int16_t>(off), 0};
}
constexpr RawInsn if_zero(int reg, int off) {
    return {0x15, static_cast<std::uint8_t>(reg), static_cast<std::int16_t>(off), 0};
}
constexpr RawInsn call(int helper) { return {0x85, 0, 0, helper}; }

long load_program(const BpfFunction& bpf, std::uint32_t type, const Code& code) {
    bpf_attr attr = empty_attr();
    attr.prog_type = type;
    attr.insns = address(code.data());
    attr.insn_cnt = static_cast<std::uint32_t>(code.size());
    attr.license = address("GPL");
    if (type == BPF_PROG_TYPE_SYSCALL) attr.prog_flags = BPF_F_SLEEPABLE;
    return bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
}

// Attributes of a run on a packet of `size` bytes, each its position, with room for it afterwards.
struct Run {
    std::array<std::uint8_t, 5000> in{}, out{};
    std::array<std::uint8_t, 512> ctx_in{}, ctx_out{};
    bpf_attr attr = empty_attr();

    Run() {
        for (std::size_t index = 0; index < in.size(); ++index) in[index] = static_cast<std::uint8_t>(index);
    }
    Run& packet(std::uint32_t size, std::uint32_t room = 5000) {
        attr.test.data_in = address(in.data());
        attr.test.data_size_in = size;
        attr.test.data_out = address(out.data());
        attr.test.data_size_out = room;
        return *this;
    }
    template <class Context>
    Run& context(const Context& context) {
        std::memcpy(ctx_in.data(), &context, sizeof(context));
        return context_bytes(sizeof(context));
    }
    Run& context_bytes(std::uint32_t size) {
        attr.test.ctx_in = address(ctx_in.data());
        attr.test.ctx_size_in = size;
        return *this;
    }
    Run& context_room(std::uint32_t size) {
        attr.test.ctx_out = address(ctx_out.data());
        attr.test.ctx_size_out = size;
        return *this;
    }
    long go(const BpfFunction& bpf, int program) {
        attr.test.prog_fd = static_cast<std::uint32_t>(program);
        return bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr));
    }
    template <class T>
    T out_context(std::size_t offset) const {
        T value;
        std::memcpy(&value, ctx_out.data() + offset, sizeof(value));
        return value;
    }
};

// Adds 1 to the first byte of the packet and returns its size.
const Code kTouchPacket = {load32(2, 1, 0),     load32(3, 1, 4), move(4, 2), add(4, 1),
                           if_greater(4, 3, 3), load8(5, 2, 0),  add(5, 1),  store8(2, 5, 0),
                           move(0, 3),          sub_reg(0, 2),   kExit};

std::string types(const BpfFunction& bpf) {
    std::string out;
    for (const std::uint32_t type :
         {BPF_PROG_TYPE_SOCKET_FILTER, BPF_PROG_TYPE_KPROBE, BPF_PROG_TYPE_SCHED_CLS, BPF_PROG_TYPE_SCHED_ACT,
          BPF_PROG_TYPE_TRACEPOINT, BPF_PROG_TYPE_XDP, BPF_PROG_TYPE_PERF_EVENT, BPF_PROG_TYPE_CGROUP_SKB,
          BPF_PROG_TYPE_CGROUP_SOCK, BPF_PROG_TYPE_LWT_IN, BPF_PROG_TYPE_SOCK_OPS, BPF_PROG_TYPE_RAW_TRACEPOINT,
          BPF_PROG_TYPE_SYSCALL}) {
        const Handle program(load_program(bpf, type, {set(0, 1), kExit}));
        if (program.get() < 0) out += cat("load ", program.get(), ' ');
        // Bare; with a packet; with a context; with both; with a repeat; with flags.
        out += cat(Run().go(bpf, program.get()), ' ', Run().packet(64).go(bpf, program.get()), ' ',
                   Run().context_bytes(8).go(bpf, program.get()), ' ');
        Run run, flags;
        std::memset(run.ctx_in.data(), 0, run.ctx_in.size());
        out += cat(run.packet(64).context_bytes(8).go(bpf, program.get()), ' ');
        flags.attr.test.flags = 8;
        out += cat(flags.packet(64).go(bpf, program.get()), '\n');
    }
    return out;
}

std::string packet_sizes(const BpfFunction& bpf, std::uint32_t type) {
    const Handle program(load_program(bpf, type, {set(0, 1), kExit}));
    std::string out;
    for (const std::uint32_t size : {0u, 13u, 14u, 15u, 64u, 3520u, 3521u, 3712u, 3713u, 4900u}) {
        Run run;
        const long result = run.packet(size).go(bpf, program.get());
        out += cat(size, ": ", result, " size ", run.attr.test.data_size_out, " returns ", run.attr.test.retval, "\n");
    }
    return out;
}

std::string counted(const BpfFunction& bpf, std::uint32_t map_type) {
    const Handle map(create(bpf, map_type, 4, 8, 4));
    int key = 1;
    std::uint64_t value = 100;
    element(bpf, BPF_MAP_UPDATE_ELEM, map.get(), &key, &value);
    const Handle program(load_program(bpf, BPF_PROG_TYPE_XDP,
                                      {set(2, 1),
                                       store32(10, 2, -4),
                                       move(2, 10),
                                       add(2, -4),
                                       {0x18, 0x11, 0, map.get()},
                                       {0, 0, 0, 0},
                                       call(1),
                                       if_zero(0, 3),
                                       load64(1, 0, 0),
                                       add(1, 1),
                                       store64(0, 1, 0),
                                       set(0, 2),
                                       kExit}));
    Run run;
    run.attr.test.repeat = 5;
    const long result = run.packet(64).go(bpf, program.get());
    element(bpf, BPF_MAP_LOOKUP_ELEM, map.get(), &key, &value);
    return cat(result, " returns ", run.attr.test.retval, ", value ", value);
}

// A program that makes element 7 and deletes element 1.
std::string changed_elements(const BpfFunction& bpf) {
    const Handle map(small_hash(bpf));
    int key = 1;
    std::uint64_t value = 100;
    element(bpf, BPF_MAP_UPDATE_ELEM, map.get(), &key, &value);
    const Handle program(load_program(bpf, BPF_PROG_TYPE_XDP,
                                      {set(2, 7),
                                       store32(10, 2, -4),
                                       set(3, 70),
                                       store64(10, 3, -16),
                                       move(2, 10),
                                       add(2, -4),
                                       move(3, 10),
                                       add(3, -16),
                                       set(4, 0),
                                       {0x18, 0x11, 0, map.get()},
                                       {0, 0, 0, 0},
                                       call(2),
                                       set(2, 1),
                                       store32(10, 2, -4),
                                       move(2, 10),
                                       add(2, -4),
                                       {0x18, 0x11, 0, map.get()},
                                       {0, 0, 0, 0},
                                       call(3),
                                       set(0, 0),
                                       kExit}));
    const long result = Run().packet(64).go(bpf, program.get());
    std::string out = cat(result, ':');
    for (key = 1; key < 8; key += 6) {
        value = 0;
        out += cat(' ', element(bpf, BPF_MAP_LOOKUP_ELEM, map.get(), &key, &value));
        out += cat('/', value);
    }
    return out;
}

std::string xdp_contexts(const BpfFunction& bpf) {
    const Handle program(
        load_program(bpf, BPF_PROG_TYPE_XDP,
                     {load32(0, 1, 0), load32(2, 1, 8), sub_reg(0, 2), load32(3, 1, 12), add_reg(0, 3), kExit}));
    const xdp_md contexts[] = {
        {.data = 0, .data_end = 64},           {.data = 8, .data_end = 64},
        {.data = 7, .data_end = 64},           {.data = 8, .data_end = 65},
        {.data = 64, .data_end = 64},          {.data = 8, .data_end = 4},
        {.data_end = 64, .data_meta = 4},      {.data_end = 64, .egress_ifindex = 1},
        {.data_end = 64, .rx_queue_index = 1}, {.data_end = 64, .ingress_ifindex = 0x7ffffff},
        {.data = 8, .data_end = 20},
    };
    std::string out;
    for (const xdp_md& context : contexts) {
        Run run;
        const long result = run.packet(64).context(context).context_room(64).go(bpf, program.get());
        out += cat(result, " returns ", run.attr.test.retval, " size ", run.attr.test.data_size_out);
        if (result == 0)
            out += cat(" context ", run.attr.test.ctx_size_out, ": ", run.out_context<std::uint32_t>(0), ' ',
                       run.out_context<std::uint32_t>(4), ' ', run.out_context<std::uint32_t>(8), ' ',
                       run.out_context<std::uint32_t>(12));
        out += '\n';
    }
    return out;
}

std::string skb_fields(const BpfFunction& bpf, std::uint32_t type) {
    std::string out;
    for (const std::size_t field :
         {offsetof(__sk_buff, len), offsetof(__sk_buff, pkt_type), offsetof(__sk_buff, mark),
          offsetof(__sk_buff, protocol), offsetof(__sk_buff, priority), offsetof(__sk_buff, ingress_ifindex),
          offsetof(__sk_buff, ifindex), offsetof(__sk_buff, cb[1]), offsetof(__sk_buff, vlan_present)}) {
        const Handle program(load_program(bpf, type, {load32(0, 1, static_cast<int>(field)), kExit}));
        __sk_buff context{};
        context.mark = 11;
        context.priority = 12;
        context.cb[1] = 13;
        context.ingress_ifindex = 1;
        Run run;
        const long result = run.packet(60).context(context).go(bpf, program.get());
        out += cat(result, '/', run.attr.test.retval, ' ');
    }
    return out;
}

std::string skb_written(const BpfFunction& bpf) {
    const Handle program(
        load_program(bpf, BPF_PROG_TYPE_SCHED_CLS,
                     {set(2, 77), store32(1, 2, offsetof(__sk_buff, mark)), set(2, 5),
                      store32(1, 2, offsetof(__sk_buff, cb[2])), load32(2, 1, offsetof(__sk_buff, data)),
                      load32(3, 1, offsetof(__sk_buff, data_end)), move(0, 3), sub_reg(0, 2), kExit}));
    Run run;
    const long result = run.packet(60).context_room(192).go(bpf, program.get());
    return cat(result, " returns ", run.attr.test.retval, " context ", run.attr.test.ctx_size_out, " mark ",
               run.out_context<std::uint32_t>(offsetof(__sk_buff, mark)), " cb ",
               run.out_context<std::uint32_t>(offsetof(__sk_buff, cb[2])), " length ",
               run.out_context<std::uint32_t>(offsetof(__sk_buff, len)), " wire ",
               run.out_context<std::uint32_t>(offsetof(__sk_buff, wire_len)), " packet ", run.out[0], ' ', run.out[20]);
}

std::string skb_refusals(const BpfFunction& bpf) {
    const Handle program(load_program(bpf, BPF_PROG_TYPE_SCHED_CLS, {set(0, 0), kExit}));
    std::string out;
    const auto with = [&](void (*change)(__sk_buff&)) {
        __sk_buff context{};
        change(context);
        out += cat(Run().packet(60).context(context).go(bpf, program.get()), ' ');
    };
    with([](__sk_buff& skb) { skb.len = 60; });
    with([](__sk_buff& skb) { skb.protocol = 8; });
    with([](__sk_buff& skb) { skb.wire_len = 59; });
    with([](__sk_buff& skb) { skb.wire_len = 61; });
    with([](__sk_buff& skb) { skb.wire_len = 65537; });
    with([](__sk_buff& skb) { skb.gso_segs = 65536; });
    with([](__sk_buff& skb) { skb.ifindex = 0x7ffffff; });
    with([](__sk_buff& skb) { skb.data = 4; });
    with([](__sk_buff& skb) { skb.tstamp = 4; });
    return out;
}

std::string raw_tracepoint(const BpfFunction& bpf) {
    const Handle program(
        load_program(bpf, BPF_PROG_TYPE_RAW_TRACEPOINT, {load64(0, 1, 0), load64(2, 1, 8), add_reg(0, 2), kExit}));
    std::string out;
    const std::uint64_t arguments[] = {40, 2};
    Run run, longer, longest, cpu, far, refused;
    out += cat(run.context(arguments).go(bpf, program.get()), '/', run.attr.test.retval, ' ');
    std::memset(longer.ctx_in.data(), 0, 512);
    out += cat(longer.context_bytes(96).go(bpf, program.get()), ' ');
    out += cat(longest.context_bytes(104).go(bpf, program.get()), ' ');
    cpu.attr.test.flags = BPF_F_TEST_RUN_ON_CPU;
    out += cat(cpu.context(arguments).go(bpf, program.get()), '/', cpu.attr.test.retval, ' ');
    far.attr.test.flags = BPF_F_TEST_RUN_ON_CPU;
    far.attr.test.cpu = 8000;
    out += cat(far.context(arguments).go(bpf, program.get()), ' ');
    refused.attr.test.cpu = 1;
    out += cat(refused.context(arguments).go(bpf, program.get()), ' ');
    return out;
}

std::string syscall_program(const BpfFunction& bpf) {
    const Handle program(
        load_program(bpf, BPF_PROG_TYPE_SYSCALL, {load64(0, 1, 0), add_reg(0, 0), store64(1, 0, 8), kExit}));
    const std::uint64_t context[] = {21, 0};
    Run run;
    const long result = run.context(context).go(bpf, program.get());
    std::uint64_t written = 0;
    std::memcpy(&written, run.ctx_in.data() + 8, sizeof(written));
    return cat(result, " returns ", run.attr.test.retval, ", writes ", written);
}

long query_stats(const BpfFunction& bpf, int program, bpf_prog_info& info) {
    info = {};
    bpf_attr attr = empty_attr();
    attr.info.bpf_fd = static_cast<std::uint32_t>(program);
    attr.info.info_len = sizeof(info);
    attr.info.info = address(&info);
    return bpf(BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr));
}

std::string statistics(const BpfFunction& bpf) {
    const Handle program(load_program(bpf, BPF_PROG_TYPE_XDP, {set(0, 2), kExit}));
    bpf_prog_info info;
    std::string out;
    const auto runs = [&](std::uint32_t repeat) {
        Run run;
        run.attr.test.repeat = repeat;
        run.packet(64).go(bpf, program.get());
        query_stats(bpf, program.get(), info);
        out += cat(info.run_cnt, info.run_time_ns > 0 ? " timed, " : " untimed, ");
    };
    runs(3);
    bpf_attr attr = empty_attr();
    attr.enable_stats.type = 7;
    out += cat("unknown ", bpf(BPF_ENABLE_STATS, &attr, sizeof(attr)), ", ");
    attr.enable_stats.type = BPF_STATS_RUN_TIME;
    const long first = bpf(BPF_ENABLE_STATS, &attr, sizeof(attr)), second = bpf(BPF_ENABLE_STATS, &attr, sizeof(attr));
    runs(5);
    close(static_cast<int>(first));
    runs(1);
    close(static_cast<int>(second));
    runs(9);
    return out;
}

std::string task_queries(const BpfFunction& bpf) {
    struct Query {
        std::uint32_t pid, fd, flags;
    };
    const auto self = static_cast<std::uint32_t>(getpid());
    std::string out;
    for (const Query& query : {Query{self, 0, 1}, Query{0x3ffffff, 0, 0}, Query{self, 12345, 0}, Query{self, 0, 0}}) {
        bpf_attr attr = empty_attr();
        attr.task_fd_query.pid = query.pid;
        attr.task_fd_query.fd = query.fd;
        attr.task_fd_query.flags = query.flags;
        out += cat(bpf(BPF_TASK_FD_QUERY, &attr, sizeof(attr)), ' ');
    }
    return out;
}

const Scenario kScenarios[] = {
    {"which types of program can be run", types,
     R"(-22 0 -22 0 -22
-524 -524 -524 -524 -524
-22 0 -22 0 -22
-22 0 -22 0 -22
-524 -524 -524 -524 -524
-22 0 -22 0 -22
-524 -524 -524 -524 -524
-22 0 -22 0 -22
-524 -524 -524 -524 -524
-22 0 -22 0 -22
-524 -524 -524 -524 -524
0 -22 0 -22 -22
0 -22 0 -22 -22
)"},
    {"sizes of XDP packets", [](const BpfFunction& bpf) { return packet_sizes(bpf, BPF_PROG_TYPE_XDP); },
     R"(0: -22 size 5000 returns 0
13: -22 size 5000 returns 0
14: 0 size 14 returns 1
15: 0 size 15 returns 1
64: 0 size 64 returns 1
3520: 0 size 3520 returns 1
3521: 0 size 3521 returns 1
3712: 0 size 3712 returns 1
3713: 0 size 3713 returns 1
4900: 0 size 4900 returns 1
)"},
    {"sizes of socket buffers", [](const BpfFunction& bpf) { return packet_sizes(bpf, BPF_PROG_TYPE_SCHED_CLS); },
     R"(0: -22 size 5000 returns 0
13: -22 size 5000 returns 0
14: 0 size 14 returns 1
15: 0 size 15 returns 1
64: 0 size 64 returns 1
3520: 0 size 3520 returns 1
3521: 0 size 3521 returns 1
3712: 0 size 3712 returns 1
3713: -22 size 5000 returns 0
4900: -22 size 5000 returns 0
)"},
    {"a packet that is changed",
     [](const BpfFunction& bpf) {
         const Handle program(load_program(bpf, BPF_PROG_TYPE_XDP, kTouchPacket));
         Run run;
         run.attr.test.repeat = 3;
         const long result = run.packet(64).go(bpf, program.get());
         return cat(result, " returns ", run.attr.test.retval, " size ", run.attr.test.data_size_out, " bytes ",
                    run.out[0], ' ', run.out[1], ' ', run.out[63], ' ', run.out[64], ' ',
                    run.attr.test.duration > 0 ? "timed" : "untimed");
     },
     "0 returns 64 size 64 bytes 3 1 63 0 timed"},
    {"too little room for a packet",
     [](const BpfFunction& bpf) {
         const Handle program(load_program(bpf, BPF_PROG_TYPE_XDP, kTouchPacket));
         Run run;
         const long result = run.packet(64, 10).go(bpf, program.get());
         return cat(result, " returns ", run.attr.test.retval, " size ", run.attr.test.data_size_out, " bytes ",
                    run.out[9], ' ', run.out[10]);
     },
     "-28 returns 64 size 64 bytes 9 0"},
    {"too little room for a context",
     [](const BpfFunction& bpf) {
         const Handle program(load_program(bpf, BPF_PROG_TYPE_XDP, {set(0, 2), kExit}));
         Run run;
         const long result = run.packet(64).context_room(6).go(bpf, program.get());
         return cat(result, " returns ", run.attr.test.retval, " context ", run.attr.test.ctx_size_out);
     },
     "-28 returns 2 context 24"},
    {"contexts by halves",
     [](const BpfFunction& bpf) {
         const Handle program(load_program(bpf, BPF_PROG_TYPE_XDP, {set(0, 2), kExit}));
         std::string out;
         for (int which = 0; which < 4; ++which) {
             Run run;
             run.packet(64);
             if (which == 0) run.attr.test.ctx_size_in = 8;
             if (which == 1) run.attr.test.ctx_in = address(run.ctx_in.data());
             if (which == 2) run.attr.test.ctx_size_out = 8;
             if (which == 3) run.attr.test.ctx_out = address(run.ctx_out.data());
             out += cat(run.go(bpf, program.get()), ' ');
         }
         Run longer;
         longer.ctx_in[200] = 1;
         out += cat(longer.packet(64).context_bytes(300).go(bpf, program.get()), ' ');
         Run bad, closed;
         bad.packet(64).attr.test.data_in = 16;
         out += cat(bad.go(bpf, program.get()), ' ');
         Run bad_out;
         bad_out.packet(64).attr.test.data_out = 16;
         out += cat(bad_out.go(bpf, program.get()), ' ');
         return out += cat(closed.packet(64).go(bpf, 12345));
     },
     "-22 -22 -22 -22 -7 -14 -14 -9"},
    {"XDP contexts", xdp_contexts,
     R"(0 returns 1 size 64 context 24: 0 64 0 0
0 returns 9 size 64 context 24: 8 64 0 0
-22 returns 0 size 5000
-22 returns 0 size 5000
-22 returns 0 size 5000
-22 returns 0 size 5000
-22 returns 0 size 5000
-22 returns 0 size 5000
-22 returns 0 size 5000
-19 returns 0 size 5000
0 returns 9 size 64 context 24: 8 20 0 0
)"},
    {"what classifiers see", [](const BpfFunction& bpf) { return skb_fields(bpf, BPF_PROG_TYPE_SCHED_CLS); },
     "0/60 0/3 0/11 0/3340 0/12 0/1 0/1 0/13 0/0 "},
    {"what socket filters see", [](const BpfFunction& bpf) { return skb_fields(bpf, BPF_PROG_TYPE_SOCKET_FILTER); },
     "0/46 0/3 0/11 0/3340 0/12 0/1 0/1 0/13 0/0 "},
    {"what classifiers change", skb_written, "0 returns 60 context 192 mark 77 cb 5 length 0 wire 60 packet 0 20"},
    {"contexts of socket buffers that are refused", skb_refusals, "-22 -22 -22 0 -22 -22 -19 -22 0 "},
    {"a header that is hidden",
     [](const BpfFunction& bpf) {
         const Handle program(load_program(bpf, BPF_PROG_TYPE_SOCKET_FILTER, {set(0, 1), kExit}));
         Run run;
         const long result = run.packet(60).go(bpf, program.get());
         return cat(result, " bytes ", run.out[1], ' ', run.out[13], ' ', run.out[14], ' ', run.out[59]);
     },
     "0 bytes 0 0 14 59"},
    {"raw tracepoints", raw_tracepoint, "0/42 0 -22 0/42 -6 -22 "},
    {"programs as system calls", syscall_program, "0 returns 42, writes 42"},
    {"an array that a program counts in", [](const BpfFunction& bpf) { return counted(bpf, BPF_MAP_TYPE_ARRAY); },
     "0 returns 2, value 105"},
    {"a hash that a program counts in", [](const BpfFunction& bpf) { return counted(bpf, BPF_MAP_TYPE_HASH); },
     "0 returns 2, value 105"},
    {"a per-CPU array that a program counts in",
     [](const BpfFunction& bpf) {
         const Handle map(create(bpf, BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 4));
         const Handle program(load_program(bpf, BPF_PROG_TYPE_XDP,
                                           {set(2, 1),
                                            store32(10, 2, -4),
                                            move(2, 10),
                                            add(2, -4),
                                            {0x18, 0x11, 0, map.get()},
                                            {0, 0, 0, 0},
                                            call(1),
                                            if_zero(0, 3),
                                            load64(1, 0, 0),
                                            add(1, 1),
                                            store64(0, 1, 0),
                                            set(0, 2),
                                            kExit}));
         Run run;
         run.attr.test.repeat = 7;
         const long result = run.packet(64).go(bpf, program.get());
         std::vector<std::uint64_t> values(possible_cpus());
         const int key = 1;
         element(bpf, BPF_MAP_LOOKUP_ELEM, map.get(), &key, values.data());
         return cat(result, ", sum ", std::accumulate(values.begin(), values.end(), std::uint64_t{0}));
     },
     "0, sum 7"},
    {"elements that a program makes and deletes", changed_elements, "0: -2/0 0/70"},
    {"statistics", statistics, "0 untimed, unknown -22, 5 timed, 6 timed, 6 timed, "},
    {"queries of descriptors of tasks", task_queries, "-22 -2 -9 -524 "},
};

}  // namespace

std::span<const Scenario> run_scenarios() { return kScenarios; }

}  // namespace bpftime::test
