// Programs that see a packet. Addresses of packets are 32 bits wide in their contexts (struct xdp_md and __sk_buff of
// the UAPI), so a packet lies below 4 GiB here. Sizes and refusals are those of a kernel with pages of 4 KiB.
#include <net/if.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "runtime/syscall-server/test_run.h"
#include "runtime/syscall-server/user_memory.h"

#ifndef MAP_32BIT
#define MAP_32BIT 0
#endif

namespace bpftime {

namespace {

constexpr std::uint32_t kEthernet = 14;  // bytes of an Ethernet header
constexpr std::uint32_t kPacketPage = 4096;
constexpr std::uint32_t kTail = 320;     // struct skb_shared_info behind the data
constexpr std::uint32_t kSkbHead = 64;   // NET_SKB_PAD + NET_IP_ALIGN
constexpr std::uint32_t kXdpHead = 256;  // XDP_PACKET_HEADROOM
constexpr std::uint32_t kMaxFragments = 17;
constexpr std::uint32_t kLoopback = 1;  // interface that packets seem to come from

class LowPage {
public:
    static Result<LowPage> create() {
        void* const hint = reinterpret_cast<void*>(std::uintptr_t{MAP_32BIT == 0 ? 0x20000000u : 0u});
        void* base = mmap(hint, kPacketPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
        if (base == MAP_FAILED) return fail(failure("there is no memory for a packet").with_errno(ENOMEM));
        LowPage page(static_cast<std::uint8_t*>(base));
        if (reinterpret_cast<std::uintptr_t>(base) >> 32 != 0)
            return fail(failure("there is no memory below 4 GiB for a packet").with_errno(ENOMEM));
        return page;
    }
    LowPage(LowPage&& other) noexcept : base_(std::exchange(other.base_, nullptr)) {}
    LowPage& operator=(LowPage&&) = delete;
    ~LowPage() {
        if (base_ != nullptr) munmap(base_, kPacketPage);
    }
    std::uint8_t* at(std::uint32_t offset) const { return base_ + offset; }
    std::uint32_t address(std::uint32_t offset) const {
        return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(base_)) + offset;
    }

private:
    explicit LowPage(std::uint8_t* base) : base_(base) {}
    std::uint8_t* base_;
};

// The caller's context, or nothing when it neither gives nor wants one. A longer one must end in zeros, a shorter one
// is filled up with them.
template <class Context>
Result<std::optional<Context>> read_context(const bpf_attr& attr) {
    if (attr.test.ctx_in == 0 && attr.test.ctx_out == 0) return std::nullopt;
    Context context{};
    const std::uint32_t size = attr.test.ctx_size_in;
    if (size > kPacketPage) return fail(failure("the context is larger than a page").with_errno(E2BIG));
    Bytes bytes(std::max<std::size_t>(size, sizeof(context)));
    BPFTIME_CHECK(read_user(attr.test.ctx_in, std::span(bytes).first(size)));
    if (std::ranges::any_of(std::span(bytes).subspan(sizeof(context)), [](std::uint8_t byte) { return byte != 0; }))
        return fail(failure("the context has fields that are unknown here").with_errno(E2BIG));
    std::memcpy(&context, bytes.data(), sizeof(context));
    return context;
}

// Writes as much as there is room for; ENOSPC when that is not all.
Status write_packet(bpf_attr& attr, ByteView data, const RunReport& report) {
    auto& test = attr.test;
    const bool cut = test.data_size_out != 0 && data.size() > test.data_size_out;
    if (test.data_out != 0) BPFTIME_CHECK(write_user(test.data_out, cut ? data.first(test.data_size_out) : data));
    test.data_size_out = static_cast<std::uint32_t>(data.size());
    test.retval = static_cast<std::uint32_t>(report.result);
    test.duration = static_cast<std::uint32_t>(std::min<std::uint64_t>(report.nanoseconds / report.runs, ~0u));
    if (cut) return fail(failure("the packet does not fit where it shall go").with_errno(ENOSPC));
    return {};
}

template <class Context>
Status write_context(bpf_attr& attr, const std::optional<Context>& context) {
    if (!context || attr.test.ctx_out == 0) return {};
    const bool cut = sizeof(Context) > attr.test.ctx_size_out;
    const ByteView bytes(reinterpret_cast<const std::uint8_t*>(&*context), sizeof(Context));
    BPFTIME_CHECK(write_user(attr.test.ctx_out, cut ? bytes.first(attr.test.ctx_size_out) : bytes));
    attr.test.ctx_size_out = sizeof(Context);
    if (cut) return fail(failure("the context does not fit where it shall go").with_errno(ENOSPC));
    return {};
}

// ---- XDP ------------------------------------------------------------------------------------------------------------

Status check_xdp(const ProgramObject& program, const bpf_attr& attr, const std::optional<xdp_md>& context) {
    const std::uint32_t attach = program.program.expected_attach_type, size = attr.test.data_size_in;
    if (attach == BPF_XDP_DEVMAP || attach == BPF_XDP_CPUMAP)
        return fail(failure("programs of device and CPU maps cannot be run from outside"));
    if (attr.test.flags != 0 || attr.test.batch_size != 0) return fail(failure("packets cannot be sent on from here"));
    const std::uint32_t meta = context ? context->data : 0;
    // Metadata lies before the packet, in fours, and ends where it begins.
    if (context && (context->data_meta != 0 || context->data_end > size || context->data > context->data_end ||
                    meta % 4 != 0 || meta > 252))
        return fail(failure("the context does not describe the packet"));
    if (size < meta + kEthernet) return fail(failure("the packet is shorter than an Ethernet header"));
    if (context && context->egress_ifindex != 0) return fail(failure("packets have no interface to leave by"));
    if (context && context->ingress_ifindex != 0) {
        char name[IF_NAMESIZE];
        if (if_indextoname(context->ingress_ifindex, name) == nullptr)
            return fail(failure("there is no interface ", context->ingress_ifindex).with_errno(ENODEV));
        return fail(failure("interface ", context->ingress_ifindex, " has no queue for XDP"));
    }
    if (context && context->rx_queue_index != 0) return fail(failure("a queue is named without an interface"));
    return {};
}

}  // namespace

Status test_run_xdp(BpfSession& session, ProgramObject& program, bpf_attr& attr) {
    if (attr.test.flags != 0) return fail(failure("packets cannot be sent on from here"));
    auto context = BPFTIME_TRY(read_context<xdp_md>(attr));
    BPFTIME_CHECK(check_xdp(program, attr, context));
    const std::uint32_t meta = context ? context->data : 0, size = attr.test.data_size_in;
    // The caller may have only the first part lie in a row, where programs see it.
    const std::uint32_t start = kXdpHead - meta, wanted = context && context->data_end != 0 ? context->data_end : size;
    const std::uint32_t linear = std::min(wanted, kPacketPage - kTail - start);
    if (size - linear > kMaxFragments * kPacketPage) return fail(failure("the packet is too large").with_errno(ENOMEM));
    Bytes data(size);
    BPFTIME_CHECK(read_user(attr.test.data_in, data));
    const LowPage page = BPFTIME_TRY(LowPage::create());
    std::memcpy(page.at(start), data.data(), linear);

    xdp_md seen{.data = page.address(start + meta),
                .data_end = page.address(start + linear),
                .data_meta = page.address(start),
                .ingress_ifindex = kLoopback,
                .rx_queue_index = 0,
                .egress_ifindex = 0};
    const RunReport report = BPFTIME_TRY(run_program(session.registry, program, {.ctx = &seen,
                                                               .size = sizeof(seen),
                                                               .repeat = attr.test.repeat,
                                                               .engine = RunEngine::CheckedThenCompiled,
                                                               .regions = {{seen.data_meta, linear, true}}}));
    // What lies beyond the page is out of the program's reach, and stays.
    std::memcpy(data.data(), page.at(start), linear);
    BPFTIME_CHECK(write_packet(attr, data, report));
    if (context) {
        context->data = meta;
        context->data_end = linear;
    }
    return write_context(attr, context);
}

// ---- Socket buffers -------------------------------------------------------------------------------------------------

namespace {

// Fields of __sk_buff that a caller may set.
struct Field {
    std::size_t offset, size;
};
#define SKB_FIELD(name) \
    { offsetof(__sk_buff, name), sizeof(static_cast<__sk_buff*>(nullptr)->name) }
constexpr Field kSettable[] = {
    SKB_FIELD(mark),   SKB_FIELD(priority), SKB_FIELD(ingress_ifindex), SKB_FIELD(ifindex),  SKB_FIELD(cb),
    SKB_FIELD(tstamp), SKB_FIELD(wire_len), SKB_FIELD(gso_segs),        SKB_FIELD(gso_size), SKB_FIELD(hwtstamp)};
#undef SKB_FIELD

Status check_skb_context(const __sk_buff& context, std::uint32_t length) {
    Bytes rest(sizeof(context));
    std::memcpy(rest.data(), &context, sizeof(context));
    for (const Field& field : kSettable) std::memset(rest.data() + field.offset, 0, field.size);
    if (std::ranges::any_of(rest, [](std::uint8_t byte) { return byte != 0; }))
        return fail(failure("the context sets fields that follow from the packet"));
    char name[IF_NAMESIZE];
    if (context.ifindex > kLoopback && if_indextoname(context.ifindex, name) == nullptr)
        return fail(failure("there is no interface ", context.ifindex).with_errno(ENODEV));
    if (context.wire_len != 0 && (context.wire_len < length || context.wire_len > 65536))
        return fail(failure("wire_len is less than the packet, or too much"));
    if (context.gso_segs > 65535) return fail(failure("gso_segs is too large"));
    return {};
}

// As the kernel tells a packet's kind by its destination, at an interface whose address is all zeros.
std::uint32_t packet_kind(const std::uint8_t* header) {
    constexpr std::uint32_t kHost = 0, kBroadcast = 1, kMulticast = 2, kOtherHost = 3;
    const auto all = [&](std::uint8_t byte) {
        return std::all_of(header, header + 6, [=](auto b) { return b == byte; });
    };
    if (all(0xff)) return kBroadcast;
    if ((header[0] & 1) != 0) return kMulticast;
    return all(0) ? kHost : kOtherHost;
}

// The two bytes behind the addresses; less than 0x600 is a length, of Novell's or of LLC frames.
std::uint32_t packet_protocol(const std::uint8_t* header) {
    const std::uint32_t number = header[12] << 8u | header[13];
    constexpr std::uint32_t kNovell = 0x0001, kLlc = 0x0004;
    const bool novell = header[14] == 0xff && header[15] == 0xff;
    const std::uint32_t protocol = number >= 0x600 ? number : novell ? kNovell : kLlc;
    return (protocol & 0xff) << 8 | protocol >> 8;
}

bool keeps_header(std::uint32_t type) { return type == BPF_PROG_TYPE_SCHED_CLS || type == BPF_PROG_TYPE_SCHED_ACT; }

__sk_buff skb_view(const LowPage& page, std::uint32_t size, bool header, const std::optional<__sk_buff>& given) {
    __sk_buff seen = given.value_or(__sk_buff{});
    const std::uint32_t begin = kSkbHead + (header ? 0 : kEthernet);
    seen.len = size - (header ? 0 : kEthernet);
    seen.pkt_type = packet_kind(page.at(kSkbHead));
    seen.protocol = packet_protocol(page.at(kSkbHead));
    seen.ifindex = std::max(seen.ifindex, kLoopback);
    seen.data = page.address(begin);
    seen.data_end = page.address(kSkbHead + size);
    seen.data_meta = seen.data;
    if (seen.wire_len == 0) seen.wire_len = seen.len;
    return seen;
}

// The fields that a caller gets back: those it may set, as the program left them.
void give_back(const __sk_buff& seen, __sk_buff& context) {
    for (const Field& field : kSettable)
        std::memcpy(reinterpret_cast<std::uint8_t*>(&context) + field.offset,
                    reinterpret_cast<const std::uint8_t*>(&seen) + field.offset, field.size);
}

}  // namespace

Status test_run_skb(BpfSession& session, ProgramObject& program, bpf_attr& attr) {
    const std::uint32_t size = attr.test.data_size_in;
    if (attr.test.flags != 0 || attr.test.cpu != 0 || attr.test.batch_size != 0)
        return fail(failure("programs of this type take no flags, CPU or batch"));
    if (size < kEthernet || size > kPacketPage - kTail - kSkbHead)
        return fail(failure("a packet of ", size, " bytes is too short or too long"));
    Bytes data(size);
    BPFTIME_CHECK(read_user(attr.test.data_in, data));
    auto context = BPFTIME_TRY(read_context<__sk_buff>(attr));
    const bool header = keeps_header(program.program.type);
    const std::uint32_t hidden = header ? 0 : kEthernet;
    if (context) BPFTIME_CHECK(check_skb_context(*context, size - hidden));

    const LowPage page = BPFTIME_TRY(LowPage::create());
    std::memcpy(page.at(kSkbHead), data.data(), size);
    __sk_buff seen = skb_view(page, size, header, context);
    const RunReport report = BPFTIME_TRY(run_program(session.registry, program, {.ctx = &seen,
                                                               .size = sizeof(seen),
                                                               .repeat = attr.test.repeat,
                                                               .engine = RunEngine::CheckedThenCompiled,
                                                               .regions = {{seen.data, size - hidden, true}}}));
    // A header that the program never saw is not given back.
    std::fill_n(data.begin(), hidden, std::uint8_t{0});
    std::memcpy(data.data() + hidden, page.at(kSkbHead + hidden), size - hidden);
    BPFTIME_CHECK(write_packet(attr, data, report));
    if (context) give_back(seen, *context);
    return write_context(attr, context);
}

}  // namespace bpftime
