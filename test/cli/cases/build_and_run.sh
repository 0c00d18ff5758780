head -c 16 /dev/zero | tr '\0' '\7' >mem.bin
t bpftime-aot build "$bpf/cli-simple.bpf.o" -o out
t ls out
t bpftime-aot run out/sum.o mem.bin --dump-memory after.bin
t od -An -tu1 after.bin
for engine in interpreter ubpf llvm; do t bpftime-aot run "$bpf/cli-simple.bpf.o" mem.bin --engine $engine; done
t bpftime-aot run out/sum.o mem.bin --repeat 1000
