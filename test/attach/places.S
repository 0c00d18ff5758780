# Functions uint64_t f(uint64_t a, uint64_t b) with the beginnings that compilers and people write. Each begins a row of the table
# `places`: name, address, size. What each returns: patch_test.cpp.
    .intel_syntax noprefix
    .text

    .macro place name
    .p2align 4
    .globl place_\name
    .type place_\name, @function
place_\name:
    .pushsection .rodata.names, "aMS", @progbits, 1
1:  .asciz "\name"
    .popsection
    .pushsection .data.rel.ro.places, "aw"
    .quad 1b, place_\name, 9f - place_\name
    .popsection
    .endm

    .macro done
9:
    .endm

    place push_mov
    push rbp
    mov rbp, rsp
    lea rax, [rdi + rsi]
    pop rbp
    ret
    done

    place landing
    endbr64
    push rbp
    mov rbp, rsp
    lea rax, [rdi + rsi]
    pop rbp
    ret
    done

    place sub_stack
    sub rsp, 8
    lea rax, [rdi + rsi]
    add rsp, 8
    ret
    done

    place nop5
    .byte 0x0f, 0x1f, 0x44, 0, 0
    lea rax, [rdi + rsi]
    ret
    done

    place rip_operand
    lea rdx, [rip + thousand]
    mov rax, [rdx]
    lea rax, [rax + rdi - 1000]
    add rax, rsi
    ret
    done

    place rip_immediate
    cmp dword ptr [rip + thousand], 1000
    jne 2f
    lea rax, [rdi + rsi]
2:  ret
    done

    # Compilers do this to test an argument first.
    place early_branch
    test rdi, rdi
    je 2f
    lea rax, [rdi + rsi]
    ret
2:  mov rax, rsi
    ret
    done

    place early_jump
    jmp 2f
    ud2
2:  lea rax, [rdi + rsi]
    ret
    done

    # A loop whose head lies inside what a jump covers.
    place jump_back
    mov rax, rsi
2:  inc rax
    dec rdi
    jne 2b
    ret
    done

    # ...and one whose head is the place itself: every round is a hit.
    place loop_at_entry
    add rsi, 1
    sub rdi, 1
    jne place_loop_at_entry
    mov rax, rsi
    ret
    done

    place counted
    mov rcx, rdi
    jrcxz 2f
    lea rax, [rdi + rsi]
    ret
2:  mov rax, rsi
    ret
    done

    place call_first
    call adder
    ret
    done

    place call_register
    lea rax, [rip + adder]
    call rax
    ret
    done

    place call_memory
    push rbx
    call [rip + adder_address]
    pop rbx
    ret
    done

    # Three bytes and padding behind them.
    place short_padded
    xchg rax, rdi
    ret
    .p2align 4
    done

    # Three bytes, and the next function right behind: no room for a jump.
    .p2align 4
    .globl place_short
    .type place_short, @function
place_short:
    .pushsection .rodata.names, "aMS", @progbits, 1
1:  .asciz "short"
    .popsection
    .pushsection .data.rel.ro.places, "aw"
    .quad 1b, place_short, 16
    .popsection
    xchg rax, rdi
    ret
behind_short:
    mov eax, 77
    ret
    .p2align 4

    # The callee looks at its return address.
    place returns_here
    push rax
    call where
    pop rdx
    ret
    done
    .globl returns_here_next
    .set returns_here_next, place_returns_here + 6

    # The place is in the middle: flags and the red zone are in use.
    place middle
    mov [rsp - 8], rdi
    mov [rsp - 128], rsi
    cmp rdi, rsi
    .globl place_in_the_middle
place_in_the_middle:
    lea rax, [rdi + rsi]
    mov rdx, [rsp - 128]
    jae 2f
    mov rax, rdx
    sub rax, [rsp - 8]
2:  ret
    done

adder:
    lea rax, [rdi + rsi]
    ret
where:
    mov rax, [rsp]
    ret

    .section .data.rel.ro.local, "aw"
adder_address: .quad adder
    .section .rodata
    .p2align 3
thousand: .quad 1000

    .section .data.rel.ro.places, "aw"
    .globl places_end
places_end:
    .section .note.GNU-stack, "", @progbits
