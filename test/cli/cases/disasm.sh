t bpftime-aot disasm "$bpf/cli-section_data.bpf.o"
t bpftime-aot disasm "$bpf/cli-section_data.bpf.o" --syntax kernel
t bpftime-aot disasm "$bpf/cli-simple.bpf.o" --dot
t bpftime-aot disasm "$bpf/cli-several.bpf.o" --program first --native --target aarch64 | grep -c 'bl'
t bpftime-aot disasm "$bpf/cli-simple.bpf.o" --ir -O 0 | grep -c 'define.*bpf_main'
bpftime-aot build "$bpf/cli-simple.bpf.o" >build.log
t bpftime-aot disasm sum.o | grep -c 'ret$'
t bpftime-aot disasm sum.o --ir
t bpftime-aot build "$bpf/cli-simple.bpf.o" -e
t ls
