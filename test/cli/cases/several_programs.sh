t bpftime-aot build "$bpf/cli-several.bpf.o" -o out
t ls out
t bpftime-aot run out/first.o --dump-maps --repeat 2
t bpftime-aot run "$bpf/cli-several.bpf.o"
t bpftime-aot run "$bpf/cli-several.bpf.o" --program second --dump-maps
t bpftime-aot run "$bpf/cli-several.bpf.o" --program none
t bpftime-aot build "$bpf/cli-several.bpf.o" -o one --program second --entry count_second --header
t ls one
t grep -c 'uint64_t count_second(void \*ctx, uint64_t size);' one/second.aot.h
t bpftime-aot build "$bpf/cli-several.bpf.o" -o two --entry entry
t bpftime-aot run one/second.o
