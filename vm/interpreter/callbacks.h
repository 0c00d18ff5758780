// Native function pointers for BPF subprograms: what an lddw of a code address gives to helpers such as bpf_loop.
// A fixed pool of compiled functions, each of which forwards to whoever has claimed it; nothing is made executable.
#pragma once

#include <array>
#include <cstdint>

#include "vm/core/engine.h"

namespace bpftime::interpreter {

inline constexpr std::size_t kCallbackLimit = 1024;  // subprograms whose address is taken, in all programs of the process

// Who a pool function forwards to. `owner` outlives the claim.
struct Callback {
    std::uint64_t (*call)(const void* owner, std::uint32_t slot, const std::array<std::uint64_t, 5>& args) = nullptr;
    const void* owner = nullptr;
    std::uint32_t slot = 0;  // where the subprogram begins
};

// One claimed function of the pool, given back on destruction. Move-only.
class CallbackSlot {
public:
    static Result<CallbackSlot> claim(const Callback& callback);

    CallbackSlot(CallbackSlot&& other) noexcept : index_(other.index_) { other.index_ = kNone; }
    CallbackSlot& operator=(CallbackSlot&& other) noexcept;
    ~CallbackSlot() { release(); }

    HelperFn function() const;

private:
    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
    explicit CallbackSlot(std::size_t index) : index_(index) {}
    void release();

    std::size_t index_;
};

}  // namespace bpftime::interpreter
