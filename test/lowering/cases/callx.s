; A helper by a number known at run time, through a weak symbol.
r6 = r2
callx r6
exit
