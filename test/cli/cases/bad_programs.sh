# A program that never ends is refused for its structure where that shows, and stopped where it does not.
compile() { clang-19 -target bpf -O2 -g -c -o "$1.bpf.o" -x c -; }
compile forever <<'C'
__attribute__((section("uprobe"))) int forever(void *ctx) { for (;;) asm volatile("" ::: "memory"); }
C
t bpftime-aot build forever.bpf.o
compile spin <<'C'
__attribute__((section("uprobe"))) int spin(volatile unsigned long *ctx) { while (*ctx == 0) {} return 1; }
C
head -c 8 /dev/zero >zero.bin
t bpftime-aot build spin.bpf.o
t bpftime-aot run spin.o zero.bin --timeout 0.2
t bpftime-aot run spin.bpf.o zero.bin --engine interpreter --timeout 0.2
compile helper <<'C'
static long (*missing)(void) = (void *)9999;
__attribute__((section("uprobe"))) int helper(void *ctx) { return missing(); }
C
t bpftime-aot build helper.bpf.o
compile kernel_only <<'C'
static long (*send_signal)(unsigned) = (void *)109;
__attribute__((section("uprobe"))) int kernel_only(void *ctx) { return send_signal(9); }
C
t bpftime-aot build kernel_only.bpf.o
t bpftime-aot run kernel_only.o
t bpftime-aot run kernel_only.bpf.o
compile wild <<'C'
__attribute__((section("uprobe"))) int wild(void *ctx) { return *(volatile int *)0x10; }
C
t bpftime-aot build wild.bpf.o
t bpftime-aot run wild.o
t bpftime-aot run wild.bpf.o --engine checked
t ls
