; Two subprograms: one inlined away, one handed to a helper as a callback.
r6 = r2
call add
r1 = 10
r2 = &callback ll
r3 = r10
r3 += -8
*(u64 *)(r3 + 0) = r6
w4 = 0
call 181
r0 += r6
exit
add:
r0 = r1
r0 += r2
exit
callback:
r0 = *(u64 *)(r2 + 0)
r0 += r1
*(u64 *)(r2 + 0) = r0
r0 = 0
exit
