// What depends on how the program came to run: tail calls, and what a probe knows of the function it is in.
#include "runtime/helpers/functions.h"
#include "runtime/helpers/run_context.h"
#include "runtime/maps/id_array.h"
#include "vm/core/kernel_names.h"

namespace bpftime::helpers {

namespace {

constexpr std::uint32_t kMaxTailCalls = 33;  // MAX_TAIL_CALL_CNT
constexpr u64 kNotSupported = result(-EOPNOTSUPP);

}  // namespace

// The Entry to go on with (vm/core/engine.h), or 0: no program at the index, too many calls, or nobody counts them.
u64 tail_call(u64, u64 map, u64 index, u64, u64) {
    const auto* programs = pointer<Map>(map);
    RunContext* run = current_run_context();
    if (run == nullptr || programs->spec().type != static_cast<std::uint32_t>(MapType::ProgArray)) return 0;
    const void* entry = static_cast<const ProgArrayMap*>(programs)->resolved(static_cast<std::uint32_t>(index));
    if (entry == nullptr || run->tail_calls >= kMaxTailCalls) return 0;
    ++run->tail_calls;
    return address(entry);
}

// The probed function shall return `value` and not run. Only a probe at its entry can see to that.
u64 override_return(u64, u64 value, u64, u64, u64) {
    RunContext* run = current_run_context();
    if (run == nullptr || run->replaced == nullptr) return kNotSupported;
    *run->replaced = value;
    return 0;
}

u64 get_func_ip(u64, u64, u64, u64, u64) {
    const RunContext* run = current_run_context();
    return run == nullptr ? 0 : run->function;
}

u64 get_attach_cookie(u64, u64, u64, u64, u64) {
    const RunContext* run = current_run_context();
    return run == nullptr ? 0 : run->cookie;
}

u64 get_func_arg(u64, u64 index, u64 out, u64, u64) {
    const RunContext* run = current_run_context();
    index = static_cast<std::uint32_t>(index);
    if (run == nullptr || index >= run->arguments.size()) return result(-EINVAL);
    *pointer<u64>(out) = run->arguments[index];
    return 0;
}

u64 get_func_ret(u64, u64 out, u64, u64, u64) {
    const RunContext* run = current_run_context();
    if (run == nullptr || !run->returned) return kNotSupported;
    *pointer<u64>(out) = *run->returned;
    return 0;
}

u64 get_func_arg_cnt(u64, u64, u64, u64, u64) {
    const RunContext* run = current_run_context();
    return run == nullptr ? 0 : run->arguments.size();
}

}  // namespace bpftime::helpers
