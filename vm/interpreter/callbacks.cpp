#include "vm/interpreter/callbacks.h"

#include <mutex>
#include <utility>

namespace bpftime::interpreter {

namespace {

// Entries are written while they are free, under the lock, and read without it while they are claimed.
struct Pool {
    std::mutex lock;
    std::array<Callback, kCallbackLimit> entries{};
    std::array<bool, kCallbackLimit> claimed{};
    std::size_t hint = 0;  // where the search for a free entry begins
};

Pool& pool() {
    static Pool instance;
    return instance;
}

template <std::size_t index>
std::uint64_t forward(std::uint64_t r1, std::uint64_t r2, std::uint64_t r3, std::uint64_t r4, std::uint64_t r5) {
    const Callback& callback = pool().entries[index];
    return callback.call(callback.owner, callback.slot, {r1, r2, r3, r4, r5});
}

template <std::size_t... indexes>
constexpr std::array<HelperFn, sizeof...(indexes)> functions(std::index_sequence<indexes...>) {
    return {forward<indexes>...};
}
constexpr auto kFunctions = functions(std::make_index_sequence<kCallbackLimit>());

}  // namespace

Result<CallbackSlot> CallbackSlot::claim(const Callback& callback) {
    Pool& all = pool();
    const std::lock_guard guard(all.lock);
    for (std::size_t i = 0; i < kCallbackLimit; ++i) {
        const std::size_t index = (all.hint + i) % kCallbackLimit;
        if (all.claimed[index]) continue;
        all.claimed[index] = true;
        all.entries[index] = callback;
        all.hint = index + 1;
        return CallbackSlot(index);
    }
    return fail(failure("the ", kCallbackLimit, " callbacks that the interpreter has for this process are all in use")
                    .with_hint("unload other programs or use a compiling engine")
                    .with_errno(ENOSPC));
}

CallbackSlot& CallbackSlot::operator=(CallbackSlot&& other) noexcept {
    std::swap(index_, other.index_);
    return *this;
}

HelperFn CallbackSlot::function() const { return kFunctions[index_]; }

void CallbackSlot::release() {
    if (index_ == kNone) return;
    Pool& all = pool();
    const std::lock_guard guard(all.lock);
    all.claimed[index_] = false;
    index_ = kNone;
}

}  // namespace bpftime::interpreter
