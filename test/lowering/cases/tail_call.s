; map jumps prog_array 4 4 8
; A tail call leaves as a jump; where the helper returns 0 the program goes on.
ld_pseudo r2, 1, 0
w3 = 1
call 12
r0 = 42
exit
