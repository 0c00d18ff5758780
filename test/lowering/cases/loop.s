; A byte copy with a 32-bit counter and a run-time length, for the vectoriser.
w3 = 0
if w2 == 0 goto out
loop:
r4 = r1
r4 += r3
w5 = *(u8 *)(r4 + 0)
*(u8 *)(r4 + 1024) = w5
w3 += 1
if w3 < w2 goto loop
out:
r0 = 0
exit
