t bpftime-aot build missing.bpf.o -o out
: >empty.o
t bpftime-aot build empty.o -o out
echo 'int main(void) { return 0; }' >text.o
t bpftime-aot build text.o -o out
cc -c -o native.o -x c text.o
t bpftime-aot build native.o -o out
head -c 300 "$bpf/cli-simple.bpf.o" >short.o
t bpftime-aot build short.o -o out
clang-19 -target bpfeb -O2 -c -o big.o -x c - <<'C'
__attribute__((section("xdp"))) int big(void *ctx) { return 0; }
C
t bpftime-aot build big.o -o out
t bpftime-aot build . -o out
t ls out
t bpftime-aot build "$bpf/cli-simple.bpf.o" -o text.o
t bpftime-aot build "$bpf/cli-simple.bpf.o" -o /proc/none
t bpftime-aot build "$bpf/cli-simple.bpf.o" --program nothing
t bpftime-aot run missing.o
t bpftime-aot run empty.o
t bpftime-aot run text.o
t bpftime-aot run native.o
t bpftime-aot run "$bpf/cli-simple.bpf.o" missing.bin
t bpftime-aot run "$bpf/cli-simple.bpf.o" .
t bpftime-aot inspect native.o
t bpftime-aot build "$bpf/cli-needs_core.bpf.o" --btf missing.btf
