#include <ucontext.h>

#include <cstdint>

#include "runtime/helpers/guarded_copy.h"

// int bpftime_copy(to, from, size): 0. Leaves the stack alone, so that every instruction of it may go on at the landing,
// which returns 1. Sizes of a register are moved at once, as probe_read mostly has them.
__asm__(R"(
    .pushsection .text.bpftime_copy, "ax", @progbits
    .p2align 4
    .type bpftime_copy, @function
bpftime_copy:
    xorl %eax, %eax
    cmpq $8, %rdx
    je 1f
    cmpq $4, %rdx
    je 2f
    movq %rdx, %rcx
    rep movsb
    ret
1:  movq (%rsi), %rcx
    movq %rcx, (%rdi)
    ret
2:  movl (%rsi), %ecx
    movl %ecx, (%rdi)
    ret
bpftime_copy_landing:
    movl $1, %eax
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
    auto& ip = static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP];
    const auto at = static_cast<std::uintptr_t>(ip), landing = reinterpret_cast<std::uintptr_t>(&bpftime_copy_landing);
    if (at < reinterpret_cast<std::uintptr_t>(&bpftime_copy) || at >= landing) return false;
    ip = static_cast<greg_t>(landing);
    return true;
}

bool guarded_copy(void* to, const void* from, std::size_t size) { return bpftime_copy(to, from, size) == 0; }

}  // namespace bpftime
