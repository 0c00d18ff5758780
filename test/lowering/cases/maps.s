; map counts array 4 12 8
; map hash hash 8 8 64
; map data array 4 16 1
; map rodata array 4 8 1 frozen 0102030405060708
w6 = *(u32 *)(r1 + 0)
*(u32 *)(r10 - 4) = w6
r2 = r10
r2 += -4
ld_pseudo r1, 1, 0
call 1
if r0 == 0 goto out
w7 = *(u32 *)(r0 + 4)
ld_pseudo r1, 1, 1
r2 = r10
r2 += -16
*(u64 *)(r2 + 0) = r7
call 3
ld_pseudo r3, 2, 2, 8
w4 = 1
lock *(u64 *)(r3 + 0) += r4
ld_pseudo r3, 2, 3, 4
w5 = *(u32 *)(r3 + 0)
r7 += r5
r0 = r7
exit
out:
r0 = 0
exit
