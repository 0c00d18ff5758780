/* What a shared library given to `bpftime-benchmark --peer NAME=LIBRARY` exports: another BPF engine, to be measured in the
 * same run. Plain C; the benchmark passes programs as bytes, so that a peer needs nothing of this project. */
#ifndef BPFTIME_BENCHMARK_PEER_H
#define BPFTIME_BENCHMARK_PEER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint64_t (*bpftime_peer_helper)(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5);

/* Compiles `count` 8-byte instructions. Calls of helper N go to helpers[N] (212 entries, null where there is none); loads of
 * maps have become plain 64-bit constants. Returns a program, or null if it cannot be compiled. */
void *bpftime_peer_compile(const uint64_t *instructions, size_t count, const bpftime_peer_helper *helpers);

/* Runs it with r1 = memory and r2 = size; returns r0. */
uint64_t bpftime_peer_run(void *program, void *memory, uint64_t size);

/* Optional: native code of the program as uint64_t (*)(void *memory, uint64_t size), called instead of bpftime_peer_run. */
void *bpftime_peer_entry(void *program);

void bpftime_peer_free(void *program);

#ifdef __cplusplus
}
#endif
#endif
