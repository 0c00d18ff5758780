t bpftime-aot keygen mine
t stat -c '%a %n' mine.key mine.pub
t bpftime-aot keygen other
t bpftime-aot build "$bpf/cli-simple.bpf.o" --sign mine.key
head -c 16 /dev/zero >zero.bin
t bpftime-aot run sum.o zero.bin --trust mine.pub
t bpftime-aot run sum.o zero.bin --trust other.pub
t bpftime-aot run sum.o zero.bin --trust other.pub --trust mine.pub
t bpftime-aot build "$bpf/cli-simple.bpf.o" -o unsigned
t bpftime-aot run unsigned/sum.o zero.bin --trust mine.pub
t bpftime-aot build "$bpf/cli-simple.bpf.o" --sign zero.bin
printf '\1' | dd of=sum.o bs=1 seek=100 conv=notrunc status=none
t bpftime-aot run sum.o zero.bin
