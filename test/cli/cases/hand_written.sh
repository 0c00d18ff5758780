cat >plain.c <<'C'
#include <stdint.h>
uint64_t _bpf_helper_ext_0014(void);
static uint64_t calls;
uint64_t bpf_main(void *ctx, uint64_t size) { return size + (_bpf_helper_ext_0014() != 0) + ++calls; }
C
clang-19 -O2 -fPIC -c plain.c
printf 12345 >mem.bin
t bpftime-aot run plain.o mem.bin
t bpftime-aot run plain.o mem.bin --allow-unverified
cat >system.c <<'C'
#include <stdint.h>
int system(const char *);
uint64_t bpf_main(void *ctx, uint64_t size) { return system("id"); }
C
clang-19 -O2 -c system.c
t bpftime-aot run system.o --allow-unverified
t bpftime-aot inspect plain.o
