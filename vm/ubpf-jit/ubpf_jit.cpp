#include "vm/ubpf-jit/ubpf_jit.h"

#include "vm/core/code_memory.h"
#include "vm/ubpf-jit/aarch64_lowering.h"
#include "vm/ubpf-jit/emission.h"
#include "vm/ubpf-jit/x86_64_lowering.h"

namespace bpftime {

namespace ubpf {
namespace {

// What differs from one architecture to the next.
struct Backend {
    const CostModel& (*cost)();
    Result<std::uint32_t> (*emit)(Job&);
};

const Backend& backend(Arch arch) {
    static const Backend kBackends[] = {
        {x86_64::Lowering::cost_model, emit<x86_64::Lowering>},
        {aarch64::Lowering::cost_model, emit<aarch64::Lowering>},
    };
    return kBackends[static_cast<std::size_t>(arch)];
}

#if defined(__aarch64__)
constexpr Arch kHost = Arch::AArch64;
std::uint32_t host_features() { return 0; }
#elif defined(__x86_64__)
constexpr Arch kHost = Arch::X86_64;
std::uint32_t host_features() {
    static const std::uint32_t kFeatures = __builtin_cpu_supports("bmi2") ? std::uint32_t{kBmi2} : 0;
    return kFeatures;
}
#else
#error "bpftime-ubpf emits code for x86-64 and AArch64 only"
#endif

// Memory of the last compilation in this thread, unless that was a very large program.
Scratch& scratch() {
    thread_local Scratch kept;
    return kept;
}
void release(Scratch& used) {
    constexpr std::size_t kKeep = 64 * 1024;
    if (used.plan.slots.capacity() > kKeep) used = {};
}

Status prepare(const Program& program, const Bindings& bindings, const Backend& target, Plan& plan) {
    BPFTIME_CHECK(check_bindings(program, bindings));
    make_plan(program, target.cost(), plan);
    return {};
}

class UbpfExecutable final : public Executable {
public:
    UbpfExecutable(CodeMemory memory, std::size_t size) : memory_(std::move(memory)), size_(size) {}

    std::uint64_t run(void* ctx, std::uint64_t size) const override { return entry()(ctx, size); }
    Entry entry() const override { return reinterpret_cast<Entry>(reinterpret_cast<std::uintptr_t>(memory_.code())); }
    std::size_t code_size() const override { return size_; }

private:
    CodeMemory memory_;
    std::size_t size_;
};

// Code near this address reaches the helpers by displacement.
const void* near_helpers(const Bindings& bindings) {
    for (const HelperFn helper : bindings.helpers)
        if (helper != nullptr) return reinterpret_cast<const void*>(helper);
    return nullptr;
}

}  // namespace
}  // namespace ubpf

Arch host_arch() { return ubpf::kHost; }

Result<std::vector<std::uint8_t>> ubpf_emit(const Program& program, const Bindings& bindings, Arch arch) {
    const ubpf::Backend& target = ubpf::backend(arch);
    ubpf::Scratch& memory = ubpf::scratch();
    BPFTIME_CHECK(ubpf::prepare(program, bindings, target, memory.plan));
    std::vector<std::uint8_t> code(std::size_t{memory.plan.capacity} + ubpf::kSlack);
    ubpf::Job job{.program = program, .bindings = bindings, .scratch = memory, .out = code.data()};
    auto size = target.emit(job);
    ubpf::release(memory);
    if (!size) return fail(std::move(size).error().in_program(program.name));
    code.resize(*size);
    return code;
}

Result<std::unique_ptr<Executable>> ubpf_jit(const Program& program, const Bindings& bindings) {
    const ubpf::Backend& target = ubpf::backend(ubpf::kHost);
    ubpf::Scratch& memory = ubpf::scratch();
    BPFTIME_CHECK(ubpf::prepare(program, bindings, target, memory.plan));
    std::uint32_t size = 0;
    const auto fill = [&](const CodePointers& pages) -> Status {
        ubpf::Job job{.program = program,
                      .bindings = bindings,
                      .scratch = memory,
                      .out = pages.code,
                      .address = reinterpret_cast<std::uint64_t>(pages.code),
                      .features = ubpf::host_features()};
        size = BPFTIME_TRY(target.emit(job));
        return {};
    };
    auto code = CodeMemory::publish({.code = memory.plan.capacity + ubpf::kSlack}, ubpf::near_helpers(bindings), std::ref(fill));
    ubpf::release(memory);
    if (!code) return fail(std::move(code).error().in_program(program.name));
    return std::make_unique<ubpf::UbpfExecutable>(std::move(*code), size);
}

}  // namespace bpftime
