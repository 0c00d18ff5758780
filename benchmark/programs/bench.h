// One source, three builds: BPF (clang -target bpf), and native code at -O3 and -O3 -march=native to stand beside it.
// A program is `u64 name(u8 *mem, u64 size)`; benchmark/workloads.def gives the size of its memory and what is in it.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed int s32;
typedef signed long long s64;

#define NOINLINE static __attribute__((noinline))

#ifdef BENCH_NATIVE

#define BENCH_JOIN2(a, b) a##b
#define BENCH_JOIN(a, b) BENCH_JOIN2(a, b)
#define BENCH(name) u64 BENCH_JOIN(BENCH_PREFIX, name)(u8 *mem, u64 size)
#define NO_LIBRARY_CALLS

// The same functions that the engines call, through a real call.
extern u64 (*bench_helper_step)(u64 ctx, u64 value, u64, u64, u64);
extern u64 (*bench_helper_lookup)(u64 map, u64 key, u64, u64, u64);
extern u64 bench_map_handle;
#define helper_step(ctx, value) bench_helper_step((u64)(ctx), value, 0, 0, 0)
#define map_lookup(map, key) ((void *)bench_helper_lookup(bench_map_handle, (u64)(key), 0, 0, 0))

#else

#define BENCH(name) __attribute__((section("xdp"), used)) u64 name(u8 *mem, u64 size)
// There is no memcpy in BPF to call.
#define NO_LIBRARY_CALLS __attribute__((no_builtin("memcpy", "memset", "memmove")))

// bpf_set_hash, which the harness binds to "value + 1".
static u64 (*helper_step)(void *ctx, u64 value) = (void *)48;
static void *(*map_lookup)(void *map, const void *key) = (void *)1;

char _license[] __attribute__((section("license"), used)) = "GPL";

#endif
