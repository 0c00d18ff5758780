#include "test/support/kernel_oracle.h"

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "vm/core/encoding.h"

namespace bpftime::test {

namespace {

constexpr std::size_t kLogSize = 256 * 1024;
constexpr std::size_t kMinPacket = 14;  // an Ethernet header

template <class Attr>
long bpf(int command, Attr& attr) { return syscall(SYS_bpf, command, &attr, sizeof(attr)); }

template <class Pointer>
std::uint64_t as_u64(Pointer* pointer) { return reinterpret_cast<std::uint64_t>(pointer); }

bpf_attr load_attr(std::span<const std::uint8_t> bytecode, std::uint32_t type) {
    bpf_attr attr{};
    attr.prog_type = type;
    attr.insns = as_u64(bytecode.data());
    attr.insn_cnt = static_cast<std::uint32_t>(bytecode.size() / sizeof(RawInsn));
    attr.license = as_u64("GPL");
    attr.prog_flags = BPF_F_ANY_ALIGNMENT;
    return attr;
}

// The line of the verifier's log that says why: the last before its statistics.
std::string verdict_line(const std::string& log) {
    std::string best;
    for (std::size_t at = 0; at < log.size();) {
        const auto end = std::min(log.find('\n', at), log.size());
        const std::string line = log.substr(at, end - at);
        if (!line.empty() && !line.starts_with("processed ") && !line.starts_with("verification time") &&
            !line.starts_with("stack depth"))
            best = line;
        at = end + 1;
    }
    return best;
}

}  // namespace

std::string kernel_unavailable() {
    // r0 = 0; exit
    static constexpr RawInsn kNothing[] = {{0xb7, 0, 0, 0}, {0x95, 0, 0, 0}};
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(kNothing);
    auto program = KernelProgram::load({bytes, sizeof(kNothing)}, BPF_PROG_TYPE_XDP);
    return program ? "" : to_string(program.error());
}

Result<KernelProgram> KernelProgram::load(std::span<const std::uint8_t> bytecode, std::uint32_t type, std::string* log) {
    bpf_attr attr = load_attr(bytecode, type);
    long fd = bpf(BPF_PROG_LOAD, attr);
    if (fd >= 0) return KernelProgram(static_cast<int>(fd));
    const int error = errno;
    // Once more for the log: the verifier is much faster without it.
    std::string text(kLogSize, '\0');
    attr.log_buf = as_u64(text.data());
    attr.log_size = kLogSize;
    attr.log_level = 1;
    fd = bpf(BPF_PROG_LOAD, attr);
    if (fd >= 0) return KernelProgram(static_cast<int>(fd));
    text.resize(std::strlen(text.c_str()));
    if (log != nullptr) *log = text;
    const std::string line = verdict_line(text);
    return fail(failure("the kernel refuses it (", std::strerror(error), line.empty() ? ")" : "): ", line).with_errno(error));
}

KernelProgram& KernelProgram::operator=(KernelProgram&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

KernelProgram::~KernelProgram() {
    if (fd_ >= 0) close(fd_);
}

Result<std::uint32_t> KernelProgram::test_run(std::span<std::uint8_t> data) const {
    std::vector<std::uint8_t> out(data.size());
    bpf_attr attr{};
    attr.test.prog_fd = static_cast<std::uint32_t>(fd_);
    attr.test.data_in = as_u64(data.data());
    attr.test.data_size_in = static_cast<std::uint32_t>(data.size());
    attr.test.data_out = as_u64(out.data());
    attr.test.data_size_out = static_cast<std::uint32_t>(out.size());
    attr.test.repeat = 1;
    if (bpf(BPF_PROG_TEST_RUN, attr) != 0)
        return fail(failure("BPF_PROG_TEST_RUN: ", std::strerror(errno)).with_errno(errno));
    std::ranges::copy(out, data.begin());
    return attr.test.retval;
}

Result<KernelMap> KernelMap::create(std::uint32_t type, std::uint32_t key_size, std::uint32_t value_size, std::uint32_t entries) {
    bpf_attr attr{};
    attr.map_type = type;
    attr.key_size = key_size;
    attr.value_size = value_size;
    attr.max_entries = entries;
    const long fd = bpf(BPF_MAP_CREATE, attr);
    if (fd < 0) return fail(failure("BPF_MAP_CREATE: ", std::strerror(errno)).with_errno(errno));
    return KernelMap(static_cast<int>(fd));
}

KernelMap& KernelMap::operator=(KernelMap&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

KernelMap::~KernelMap() {
    if (fd_ >= 0) close(fd_);
}

Status KernelMap::update(const void* key, const void* value) const {
    bpf_attr attr{};
    attr.map_fd = static_cast<std::uint32_t>(fd_);
    attr.key = as_u64(key);
    attr.value = as_u64(value);
    if (bpf(BPF_MAP_UPDATE_ELEM, attr) == 0) return {};
    return fail(failure("BPF_MAP_UPDATE_ELEM: ", std::strerror(errno)).with_errno(errno));
}

Status KernelMap::lookup(const void* key, void* value) const {
    bpf_attr attr{};
    attr.map_fd = static_cast<std::uint32_t>(fd_);
    attr.key = as_u64(key);
    attr.value = as_u64(value);
    if (bpf(BPF_MAP_LOOKUP_ELEM, attr) == 0) return {};
    return fail(failure("BPF_MAP_LOOKUP_ELEM: ", std::strerror(errno)).with_errno(errno));
}

std::vector<std::uint8_t> wrap_for_kernel(std::span<const std::uint8_t> bytecode, std::size_t memory_size) {
    const auto size = static_cast<std::int32_t>(memory_size);
    const auto packet = static_cast<std::int32_t>(std::max(memory_size + 8, kMinPacket));
    const auto result = static_cast<std::int16_t>(memory_size);
    const RawInsn wrapper[] = {
        {0x61, 0x16, 0, 0},        // r6 = *(u32 *)(r1 + 0)    data
        {0x61, 0x17, 4, 0},        // r7 = *(u32 *)(r1 + 4)    data_end
        {0xbf, 0x61, 0, 0},        // r1 = r6
        {0x07, 0x01, 0, packet},   // r1 += packet
        {0x2d, 0x71, 4, 0},        // if r1 > r7 goto end
        {0xbf, 0x61, 0, 0},        // r1 = r6
        {0xb7, 0x02, 0, size},     // r2 = size
        {0x85, 0x10, 0, 3},        // call program
        {0x7b, 0x06, result, 0},   // *(u64 *)(r6 + size) = r0
        {0xb7, 0x00, 0, 0},        // end: r0 = 0
        {0x95, 0x00, 0, 0},        // exit
    };
    std::vector<std::uint8_t> all(sizeof(wrapper) + bytecode.size());
    std::memcpy(all.data(), wrapper, sizeof(wrapper));
    std::ranges::copy(bytecode, all.begin() + sizeof(wrapper));
    return all;
}

Result<KernelResult> run_in_kernel(std::span<const std::uint8_t> bytecode, std::span<const std::uint8_t> memory,
                                   std::string* log) {
    const auto program = BPFTIME_TRY(KernelProgram::load(wrap_for_kernel(bytecode, memory.size()), BPF_PROG_TYPE_XDP, log));
    std::vector<std::uint8_t> packet(memory.begin(), memory.end());
    packet.resize(std::max(memory.size() + 8, kMinPacket));
    BPFTIME_CHECK(program.test_run(packet));
    KernelResult result;
    std::memcpy(&result.r0, packet.data() + memory.size(), sizeof(result.r0));
    packet.resize(memory.size());
    result.memory = std::move(packet);
    return result;
}

}  // namespace bpftime::test
