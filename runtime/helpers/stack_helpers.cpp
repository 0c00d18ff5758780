// The stack of the thread that a probe interrupted, walked by frame pointers from the registers of the run's context. A
// run without registers has no stack to show: -EFAULT, as in the kernel. So has the kernel's stack, which is asked for
// without BPF_F_USER_STACK.
#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "runtime/helpers/functions.h"
#include "runtime/helpers/run_context.h"
#include "runtime/helpers/safe_memory.h"
#include "runtime/maps/stack_trace.h"
#include "vm/core/kernel_names.h"

namespace bpftime::helpers {

namespace {

constexpr u64 kSkipMask = 0xff;           // BPF_F_SKIP_FIELD_MASK
constexpr u64 kUserStack = 1u << 8;       // BPF_F_USER_STACK
constexpr u64 kUserBuildId = 1u << 11;    // BPF_F_USER_BUILD_ID
constexpr std::size_t kMaxDepth = 127;    // kernel.perf_event_max_stack
constexpr std::int32_t kFrameIsAddress = 2;  // BPF_STACK_BUILD_ID_IP: what the kernel gives where it knows no build id

struct BuildIdFrame {
    std::int32_t status;
    std::uint8_t build_id[20];
    u64 address;
};

struct Stack {
    std::array<u64, kMaxDepth> frames;
    std::size_t depth = 0;

    void add(u64 address) {
        if (depth < kMaxDepth) frames[depth++] = address;
    }
};

// Innermost first, as perf_callchain_user() of the kernel has it: the interrupted instruction; at a function's entry,
// where there is no frame yet, where it will return to; then what the frames say.
void walk(const RunContext& run, Stack& stack) {
    const ProbeRegisters& at = *run.registers;
    stack.add(at.ip);
    if (run.function == at.ip) {
        u64 caller = at.link;
        if (caller != 0 || safe_read(&caller, at.sp, sizeof caller) == 0) stack.add(caller);
    }
    for (u64 frame = at.fp; stack.depth < kMaxDepth;) {
        u64 words[2];  // the caller's frame, the address in the caller
        if (frame % sizeof(u64) != 0 || frame < at.sp || safe_read(words, frame, sizeof words) != 0 || words[1] == 0) return;
        stack.add(words[1]);
        if (words[0] <= frame) return;  // frames further out lie higher
        frame = words[0];
    }
}

// Without the innermost that flags say to skip; empty: there is nothing.
std::span<const u64> frames_of(Stack& stack, u64 flags) {
    const RunContext* run = current_run_context();
    if ((flags & kUserStack) == 0 || run == nullptr || !run->registers) return {};
    walk(*run, stack);
    return std::span(stack.frames).first(stack.depth).subspan(std::min<std::size_t>(flags & kSkipMask, stack.depth));
}

std::int64_t copy_stack(u64 to, u64 size, u64 flags) {
    constexpr u64 kFlags = kSkipMask | kUserStack | kUserBuildId;
    const bool build_ids = (flags & kUserBuildId) != 0;
    const u64 each = build_ids ? sizeof(BuildIdFrame) : sizeof(u64);
    if ((flags & ~kFlags) != 0 || (build_ids && (flags & kUserStack) == 0) || size % each != 0) return -EINVAL;
    Stack stack;
    const std::span<const u64> frames = frames_of(stack, flags);
    if (frames.empty()) return -EFAULT;
    const std::size_t count = std::min<std::size_t>(frames.size(), size / each);
    for (std::size_t i = 0; i < count; ++i) {
        const BuildIdFrame named{kFrameIsAddress, {}, frames[i]};
        const void* from = build_ids ? static_cast<const void*>(&named) : &frames[i];
        std::memcpy(pointer(to + i * each), from, each);
    }
    std::memset(pointer(to + count * each), 0, size - count * each);
    return static_cast<std::int64_t>(count * each);
}

}  // namespace

u64 get_stackid(u64, u64 map, u64 flags, u64, u64) {
    constexpr u64 kFlags = kSkipMask | kUserStack | StackTraceMap::kFastCompare | StackTraceMap::kReuse;
    auto* const stacks = pointer<Map>(map);
    if ((flags & ~kFlags) != 0 || stacks->spec().type != static_cast<std::uint32_t>(MapType::StackTrace))
        return result(-EINVAL);
    Stack stack;
    const std::span<const u64> frames = frames_of(stack, flags);
    return result(frames.empty() ? -EFAULT : static_cast<StackTraceMap*>(stacks)->put(frames, flags));
}

// Bytes written. On errors, and behind the last frame, zeros.
u64 get_stack(u64, u64 to, u64 size, u64 flags, u64) {
    size = static_cast<std::uint32_t>(size);
    const std::int64_t written = copy_stack(to, size, flags);
    if (written < 0) std::memset(pointer(to), 0, size);
    return result(written);
}

}  // namespace bpftime::helpers
