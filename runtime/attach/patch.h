// A place in this process's code at which a handler runs before the instruction there. One file of each architecture's folder
// implements it.
#pragma once

#include <asm/ptrace.h>

#include <cstdint>
#include <memory>
#include <span>

#include "vm/core/result.h"

namespace bpftime::attach {

// Called with the registers as they are before the instruction at the place. What it changes in them takes effect; with another ip
// control goes there instead. It and all that it calls leave vector registers alone, or save them; it may be running in several
// threads, and still run in one when disable() has returned.
using Handler = void (*)(pt_regs* registers, void* place);

struct PatchRequest {
    std::uint64_t address = 0;           // of an instruction
    std::span<const std::uint8_t> code;  // the bytes from there to the end of the function, or of what is known to be code
    bool at_entry = true;                // a function's first instruction: flags and the space below the stack pointer are free
    Handler handler = nullptr;
    void* place = nullptr;
};

enum class PatchForm : std::uint8_t {
    Jump,        // costs nanoseconds
    Breakpoint,  // where no jump fits: a trap and a signal, a microsecond or two
};

class Patch {
public:
    // Prepares a trampoline and changes no code yet. Fails with what keeps the place from being patched. Trampolines are never
    // freed, since a thread may sleep in one: make a Patch once for a place and enable it again.
    static Result<std::unique_ptr<Patch>> prepare(const PatchRequest& request);
    virtual ~Patch() = default;

    virtual PatchForm form() const = 0;
    // Other threads may run the code meanwhile. From the return on every thread that comes to the place runs the handler. EBUSY when
    // the code is not as it was at prepare(): somebody else has changed it.
    virtual Status enable() = 0;
    // Restores the bytes. EBUSY when they are not those that enable() wrote.
    virtual Status disable() = 0;
};

}  // namespace bpftime::attach
