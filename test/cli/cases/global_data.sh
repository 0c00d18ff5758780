t bpftime-aot build "$bpf/cli-section_data.bpf.o" -o .
t bpftime-aot run scaled.o --repeat 3 --dump-maps
t bpftime-aot run "$bpf/cli-section_data.bpf.o" --dump-maps
t bpftime-aot inspect scaled.o
t bpftime-aot inspect "$bpf/cli-section_data.bpf.o"
t bpftime-aot inspect scaled.o --json | grep -c '"name": ".rodata"'
