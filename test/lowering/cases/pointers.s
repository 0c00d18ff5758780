; A pointer loaded from memory and dereferenced becomes one with a single conversion; end - data stays a number.
r3 = *(u64 *)(r1 + 0)
r4 = *(u64 *)(r1 + 8)
r5 = r4
r5 -= r3
r0 = 0
if r5 < 14 goto out
r6 = r3
r6 += 12
w0 = *(u16 *)(r6 + 0)
w7 = *(u8 *)(r3 + 0)
r3 += r7
w1 = *(u8 *)(r3 + 1)
r0 += r1
out:
exit
