#include "runtime/attach/patch.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <vector>

#include "runtime/attach/live_text.h"
#include "runtime/attach/x86_64/jump.h"
#include "runtime/attach/x86_64/trampoline.h"
#include "runtime/attach/x86_64/trampoline_space.h"
#include "runtime/attach/x86_64/traps.h"

namespace bpftime::attach {

namespace {

using namespace x86_64;

constexpr std::uint8_t kBreakpoint = 0xcc, kJump = 0xe9;
constexpr std::uint8_t kEndbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};

std::mutex patching;  // of code, trampolines and the table of traps
TrampolineSpace& space() {
    static TrampolineSpace& all = *new TrampolineSpace;  // for good: threads may be in there
    return all;
}

// Control-flow enforcement wants an endbr64 to stay where it is: what runs there runs behind it.
std::size_t size_of_landing(std::span<const std::uint8_t> code) {
    const bool there = code.size() > sizeof kEndbr64 && std::equal(std::begin(kEndbr64), std::end(kEndbr64), code.begin());
    return there ? sizeof kEndbr64 : 0;
}

// Bytes that a patch writes, and when: the first stands for all while it is a breakpoint.
class TextPatch final : public Patch {
public:
    TextPatch(const Window& window, std::uint64_t trampoline, PatchForm form) : form_(form), address_(window.address) {
        const std::uint32_t size = form == PatchForm::Jump ? kJumpSize : 1;
        original_.assign(window.bytes.begin(), window.bytes.begin() + size);
        patched_ = {kBreakpoint};
        boundaries_ = window.boundaries();
        if (form == PatchForm::Breakpoint) return;
        const auto distance = static_cast<std::uint32_t>(trampoline - (address_ + kJumpSize));
        patched_.resize(kJumpSize);
        patched_[0] = kJump;
        std::memcpy(patched_.data() + 1, &distance, sizeof distance);
    }

    PatchForm form() const override { return form_; }

    Status enable() override {
        const std::lock_guard lock(patching);
        BPFTIME_CHECK(check_there(original_));
        if (form_ == PatchForm::Breakpoint) return first(kBreakpoint);
        // Threads at a boundary trap before the bytes behind it change.
        BPFTIME_CHECK(first(kBreakpoint));
        BPFTIME_CHECK(rest(patched_, true));
        BPFTIME_CHECK(rest(patched_, false));
        return first(patched_[0]);
    }

    Status disable() override {
        const std::lock_guard lock(patching);
        BPFTIME_CHECK(check_there(patched_));
        if (form_ == PatchForm::Jump) {
            BPFTIME_CHECK(first(kBreakpoint));
            BPFTIME_CHECK(rest(original_, false));
            BPFTIME_CHECK(rest(original_, true));
        }
        return first(original_[0]);
    }

private:
    Status check_there(const std::vector<std::uint8_t>& bytes) const {
        if (std::memcmp(reinterpret_cast<const void*>(address_), bytes.data(), bytes.size()) == 0) return {};
        return fail(failure("the code at ", hex(address_), " has been changed by somebody else").with_errno(EBUSY));
    }
    Status first(std::uint8_t byte) const {
        BPFTIME_CHECK(write_text(address_, std::span(&byte, 1)));
        return sync_text();
    }
    // Those behind the first, at boundaries or elsewhere; one at a time, so that each changes in one piece.
    Status rest(const std::vector<std::uint8_t>& bytes, bool at_boundaries) const {
        for (std::uint32_t i = 1; i < bytes.size(); ++i)
            if (((boundaries_ >> i & 1) != 0) == at_boundaries) BPFTIME_CHECK(write_text(address_ + i, std::span(&bytes[i], 1)));
        return sync_text();
    }

    PatchForm form_;
    std::uint64_t address_;
    std::vector<std::uint8_t> original_, patched_;
    std::uint32_t boundaries_ = 0;
};

// A trampoline for the window; where it begins.
Result<std::uint64_t> build(const PatchRequest& request, const Window& window, PatchForm form) {
    const std::uint32_t boundaries = form == PatchForm::Jump ? window.boundaries() : 0;
    TrampolineSpace::Slot slot = BPFTIME_TRY(space().take(window.address, boundaries, kMaxTrampoline));
    Trampoline made;
    const TrampolineRequest wanted{.window = &window,
                                   .ip = request.address,
                                   .handler = request.handler,
                                   .place = request.place,
                                   .at_entry = request.at_entry};
    const auto emit = [&](std::uint8_t* out) -> Status {
        made = BPFTIME_TRY(emit_trampoline(wanted, out, slot.address()));
        return {};
    };
    BPFTIME_CHECK(slot.chunk->write(slot.at, kMaxTrampoline, emit));
    BPFTIME_CHECK(redirect_trap(window.address, slot.address()));
    for (std::uint32_t i = 1; i < window.count; ++i)
        BPFTIME_CHECK(redirect_trap(window.address + window.instructions[i].offset,
                                    slot.address() + made.copy + made.copied.offsets[i]));
    return slot.address();
}

Result<std::unique_ptr<Patch>> prepare_form(const PatchRequest& request, PatchForm form) {
    const std::size_t landing = size_of_landing(request.code);
    const Window window = BPFTIME_TRY(decode_window(request.code.subspan(landing), request.address + landing,
                                                    form == PatchForm::Jump ? kJumpSize : 1));
    const std::uint64_t trampoline = BPFTIME_TRY(build(request, window, form));
    return std::make_unique<TextPatch>(window, trampoline, form);
}

}  // namespace

Result<std::unique_ptr<Patch>> Patch::prepare(const PatchRequest& request) {
    const std::lock_guard lock(patching);
    BPFTIME_CHECK(catch_traps());
    auto jump = prepare_form(request, PatchForm::Jump);
    if (jump) return jump;
    return prepare_form(request, PatchForm::Breakpoint);
}

}  // namespace bpftime::attach
