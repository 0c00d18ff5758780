#include "runtime/syscall-server/test_run.h"

#include <sched.h>

#include <algorithm>

#include "runtime/maps/cpus.h"
#include "runtime/syscall-server/user_memory.h"
#include "vm/core/kernel_names.h"

namespace bpftime {

namespace {

struct TestRunRow {
    ProgType type;
    Status (*run)(BpfSession&, ProgramObject&, bpf_attr&);
};
// Types that the kernel runs too and that are not here need objects of the kernel: sockets, flows, cgroups, traced
// functions.
constexpr TestRunRow kRows[] = {
    {ProgType::Xdp, test_run_xdp},
    {ProgType::SocketFilter, test_run_skb},
    {ProgType::SchedCls, test_run_skb},
    {ProgType::SchedAct, test_run_skb},
    {ProgType::CgroupSkb, test_run_skb},
    {ProgType::LwtIn, test_run_skb},
    {ProgType::LwtOut, test_run_skb},
    {ProgType::LwtXmit, test_run_skb},
    {ProgType::RawTracepoint, test_run_raw_tracepoint},
    {ProgType::Syscall, test_run_syscall},
};

constexpr std::uint32_t kTracepointArguments = 12;  // MAX_BPF_FUNC_ARGS of the kernel
constexpr std::uint32_t kMaxSyscallContext = 65535;

// What programs without packets do not take.
Status check_no_packet(const bpf_attr& attr) {
    const auto& test = attr.test;
    const bool asked = test.data_in != 0 || test.data_out != 0 || test.ctx_out != 0 || test.duration != 0 ||
                       test.repeat != 0 || test.batch_size != 0;
    if (asked) return fail(failure("programs of this type take a context and nothing else"));
    return {};
}

// While it lives the calling thread stays on one CPU.
class OnCpu {
public:
    explicit OnCpu(std::uint32_t cpu) {
        cpu_set_t wanted;
        CPU_ZERO(&wanted);
        if (cpu < CPU_SETSIZE) CPU_SET(cpu, &wanted);
        moved_ =
            sched_getaffinity(0, sizeof(before_), &before_) == 0 && sched_setaffinity(0, sizeof(wanted), &wanted) == 0;
    }
    OnCpu(const OnCpu&) = delete;
    OnCpu& operator=(const OnCpu&) = delete;
    ~OnCpu() {
        if (moved_) sched_setaffinity(0, sizeof(before_), &before_);
    }
    bool moved() const { return moved_; }

private:
    cpu_set_t before_;
    bool moved_ = false;
};

}  // namespace

Status test_run_raw_tracepoint(BpfSession& session, ProgramObject& program, bpf_attr& attr) {
    BPFTIME_CHECK(check_no_packet(attr));
    if (attr.test.ctx_size_in > kTracepointArguments * sizeof(std::uint64_t))
        return fail(failure("a raw tracepoint has at most ", kTracepointArguments, " arguments"));
    const bool chooses = (attr.test.flags & BPF_F_TEST_RUN_ON_CPU) != 0;
    if (!chooses && attr.test.cpu != 0) return fail(failure("a CPU is named without BPF_F_TEST_RUN_ON_CPU"));
    // Arguments that the caller leaves out read as zero.
    std::array<std::uint64_t, kTracepointArguments> context{};
    BPFTIME_CHECK(
        read_user(attr.test.ctx_in, {reinterpret_cast<std::uint8_t*>(context.data()), attr.test.ctx_size_in}));
    std::optional<OnCpu> on;
    if (chooses && attr.test.cpu != home_cpu()) {
        on.emplace(attr.test.cpu);
        if (!on->moved()) return fail(failure("CPU ", attr.test.cpu, " cannot be run on").with_errno(ENXIO));
    }
    const RunReport report = BPFTIME_TRY(run_program(
        session.registry, program, {.ctx = context.data(), .size = sizeof(context), .cpu = chooses ? attr.test.cpu : kNoCpu}));
    attr.test.retval = static_cast<std::uint32_t>(report.result);
    return {};
}

Status test_run_syscall(BpfSession& session, ProgramObject& program, bpf_attr& attr) {
    BPFTIME_CHECK(check_no_packet(attr));
    if (attr.test.flags != 0) return fail(failure("programs of this type take no flags"));
    if (attr.test.ctx_size_in > kMaxSyscallContext) return fail(failure("the context is too large"));
    Bytes context(attr.test.ctx_size_in);
    BPFTIME_CHECK(read_user(attr.test.ctx_in, context));
    const RunReport report =
        BPFTIME_TRY(run_program(session.registry, program, {.ctx = context.empty() ? nullptr : context.data(), .size = context.size()}));
    attr.test.retval = static_cast<std::uint32_t>(report.result);
    return write_user(attr.test.ctx_in, context);
}

Result<long> program_test_run(BpfSession& session, bpf_attr& attr) {
    const auto& test = attr.test;
    if ((test.ctx_size_in != 0) != (test.ctx_in != 0)) return fail(failure("a context needs address and size"));
    if ((test.ctx_size_out != 0) != (test.ctx_out != 0))
        return fail(failure("room for the context needs address and size"));
    const auto program = BPFTIME_TRY(session.registry.get<ProgramObject>(static_cast<int>(test.prog_fd)));
    const std::uint32_t type = program->program.type;
    const auto* row = std::ranges::find(kRows, static_cast<ProgType>(type), &TestRunRow::type);
    if (row == std::end(kRows))
        return fail(failure("programs of type ", prog_type_name(type), " cannot be run from outside")
                        .with_errno(kNotSupported));
    BPFTIME_CHECK(row->run(session, *program, attr));
    return 0;
}

}  // namespace bpftime
