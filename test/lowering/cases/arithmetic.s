; Division by a register, signed division, masked shifts, sign extension, byte order.
r0 = r2
r3 = r2
r3 >>= 7
r0 /= r3
r0 s%= r3
w4 = w2
w4 <<= w3
r5 = (s8)r4
r5 = be16 r5
r0 += r5
r0 += r4
exit
