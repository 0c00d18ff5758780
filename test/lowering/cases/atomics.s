; Plain atomics are relaxed, those that return a value fully ordered.
r0 = 5
r3 = r2
lock *(u64 *)(r1 + 0) += r2
r2 = atomic_fetch_or((u64 *)(r1 + 0), r2)
w3 = xchg32_32(r1 + 8, w3)
r0 = cmpxchg_64(r1 + 16, r0, r2)
w4 = load_acquire((u8 *)(r1 + 24))
store_release((u64 *)(r1 + 32), r2)
r0 += r3
r0 += r4
exit
