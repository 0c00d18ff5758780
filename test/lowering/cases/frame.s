; A spilled pointer, a buffer handed to a helper, an initialised word read back.
r6 = r1
*(u64 *)(r10 - 8) = r6
*(u32 *)(r10 - 12) = 7
r1 = r10
r1 += -40
w2 = 16
call 16
r3 = *(u64 *)(r10 - 8)
w0 = *(u32 *)(r3 + 0)
w4 = *(u32 *)(r10 - 12)
r0 += r4
exit
