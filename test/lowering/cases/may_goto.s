; The frame's may_goto budget is an ordinary counter.
r0 = 0
again:
may_goto out
r0 += 1
if r0 != r2 goto again
out:
exit
