#include <ucontext.h>

#include <cstdint>

#include "runtime/helpers/guarded_copy.h"

// int bpftime_copy(to, from, size): 0. Leaves the stack alone, so that every instruction of it may go on at the landing,
// which returns 1.
__asm__(R"(
    .pushsection .text.bpftime_copy, "ax", @progbits
    .p2align 4
    .type bpftime_copy, @function
bpftime_copy:
    subs x2, x2, #8
    b.lo 2f
1:  ldr x3, [x1], #8
    str x3, [x0], #8
    subs x2, x2, #8
    b.hs 1b
2:  adds x2, x2, #8
    b.eq 4f
3:  ldrb w3, [x1], #1
    strb w3, [x0], #1
    subs x2, x2, #1
    b.ne 3b
4:  mov w0, #0
    ret
bpftime_copy_landing:
    mov w0, #1
    ret
    .size bpftime_copy, . - bpftime_copy
    .popsection
)");

extern "C" {
int bpftime_copy(void* to, const void* from, std::size_t size) __attribute__((visibility("hidden")));
void bpftime_copy_landing() __attribute__((visibility("hidden")));
}

namespace bpftime {

bool recover_copy(void* context) {
    auto& ip = static_cast<ucontext_t*>(context)->uc_mcontext.pc;
    const auto landing = reinterpret_cast<std::uintptr_t>(&bpftime_copy_landing);
    if (ip < reinterpret_cast<std::uintptr_t>(&bpftime_copy) || ip >= landing) return false;
    ip = landing;
    return true;
}

bool guarded_copy(void* to, const void* from, std::size_t size) { return bpftime_copy(to, from, size) == 0; }

}  // namespace bpftime
