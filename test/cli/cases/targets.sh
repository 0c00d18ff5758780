for target in aarch64 riscv64 x86_64-pc-linux-gnu; do
    t bpftime-aot build "$bpf/cli-simple.bpf.o" -o $target --target $target
    t bpftime-aot inspect $target/sum.o | grep -E '^(target|cpu):'
done
t bpftime-aot run aarch64/sum.o
t bpftime-aot build "$bpf/cli-simple.bpf.o" -o none --target vax
t bpftime-aot build "$bpf/cli-simple.bpf.o" -o none --target mips
t bpftime-aot build "$bpf/cli-simple.bpf.o" -o none --mcpu 8086
t ls none
