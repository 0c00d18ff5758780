// Calls of helpers that helper_cases.bpf.c makes in the kernel and helpers_kernel_test.cpp in this process, with the same constants.
// FORMAT_CASE(format, arguments...) · TRACE_CASE(format, arguments 1..3) · NUMBER_CASE(text, flags) · COMPARE_CASE(left, size, right)
// CHECKSUM_CASE(from size, to size, seed)
// HELLO and BYTES are addresses, as integers, of "hello" and of 16 bytes; whoever includes this defines them.

#define FORMAT_CASES                                                             \
    FORMAT_CASE("plain text", 0)                                                 \
    FORMAT_CASE("%d %i %u", -1, -2, -3)                                          \
    FORMAT_CASE("%d %u %x %X", 0x1ffffffffull, 0x1ffffffffull, 0xabcull, 0xABCull) \
    FORMAT_CASE("%ld %lu %lx", -1, -1, 0x123456789abcdefull)                     \
    FORMAT_CASE("%lld %llu %llx %llX", -5, -5, -5, -5)                           \
    FORMAT_CASE("[%5d] [%-5d] [%05d] [%+d] [% d]", 42, 42, 42, 42, 42)           \
    FORMAT_CASE("[%8x] [%-8x] [%08lx]", 0xbeef, 0xbeef, 0xbeef)                  \
    FORMAT_CASE("[%+5d] [%-+5d] [%0+5d] [%+x]", 42, 42, 42, 42)                  \
    FORMAT_CASE("100%% of %d", 7)                                                \
    FORMAT_CASE("%c%c%c", 'a', 'b', 0x163)                                       \
    FORMAT_CASE("[%3c] [%-3c]", 'x', 'y')                                        \
    FORMAT_CASE("%s", HELLO)                                                     \
    FORMAT_CASE("[%10s] [%-10s] [%2s]", HELLO, HELLO, HELLO)                     \
    FORMAT_CASE("%s %d %s", HELLO, 1, HELLO)                                     \
    FORMAT_CASE("%pks", HELLO)                                                   \
    FORMAT_CASE("null %s.", 0)                                                   \
    FORMAT_CASE("%px %px", 0x1234, 0xffff888000000000ull)                        \
    FORMAT_CASE("[%20px] [%-20px] [%4px]", 0x1234, 0x1234, 0x1234)               \
    FORMAT_CASE("%pI4 %pi4", BYTES, BYTES)                                       \
    FORMAT_CASE("%pI6", BYTES)                                                   \
    FORMAT_CASE("%pi6", BYTES)                                                   \
    FORMAT_CASE("%d,%d;%d", 1, 2, 3)                                             \
    FORMAT_CASE("too long for sixty-four bytes: %d, and %s; what follows is cut off", 123456789, HELLO) \
    FORMAT_CASE("[%100d]", 5)                                                    \
    FORMAT_CASE("[%-0 +5d] [%--5d] [%005d]", 5, 5, 5)                            \
    FORMAT_CASE("tab\tnewline\n", 0)                                             \
    FORMAT_CASE("extra arguments %d", 1, 2, 3)

#define TRACE_CASES                      \
    TRACE_CASE("ok %d %d %d", 1, 2, 3)   \
    TRACE_CASE("ok\n", 0, 0, 0)          \
    TRACE_CASE("four %d %d %d %d", 1, 2, 3) \
    TRACE_CASE("%f", 1, 2, 3)            \
    TRACE_CASE("%", 1, 2, 3)             \
    TRACE_CASE("%l", 1, 2, 3)            \
    TRACE_CASE("%ll", 1, 2, 3)           \
    TRACE_CASE("%llld", 1, 2, 3)         \
    TRACE_CASE("%hd", 1, 2, 3)           \
    TRACE_CASE("%n", 1, 2, 3)            \
    TRACE_CASE("%o", 1, 2, 3)            \
    TRACE_CASE("%p", 1, 2, 3)            \
    TRACE_CASE("%pz", 1, 2, 3)           \
    TRACE_CASE("%p,", 1, 2, 3)           \
    TRACE_CASE("%pI5", BYTES, 2, 3)      \
    TRACE_CASE("%pI4x", BYTES, 2, 3)     \
    TRACE_CASE("%pxyz12-3", 1, 2, 3)     \
    TRACE_CASE("%pksab %d", HELLO, 2, 3) \
    TRACE_CASE("%sx", HELLO, 2, 3)       \
    TRACE_CASE("%s,x", HELLO, 2, 3)      \
    TRACE_CASE("%ds", 1, 2, 3)           \
    TRACE_CASE("%.3d", 1, 2, 3)          \
    TRACE_CASE("%#x", 1, 2, 3)           \
    TRACE_CASE("%*d", 1, 2, 3)           \
    TRACE_CASE("%5%", 1, 2, 3)           \
    TRACE_CASE("bell \a", 1, 2, 3)       \
    TRACE_CASE("bell after %d \a", 1, 2, 3) \
    TRACE_CASE("%c%d", 1, 2, 3)          \
    TRACE_CASE("%pks%s", HELLO, HELLO, 3) \
    TRACE_CASE("%p%%", 1, 2, 3)          \
    TRACE_CASE("", 1, 2, 3)

#define NUMBER_CASES                         \
    NUMBER_CASE("42", 0)                     \
    NUMBER_CASE("42 apples", 10)             \
    NUMBER_CASE("  \t\n-17", 0)              \
    NUMBER_CASE("+5", 0)                     \
    NUMBER_CASE("0x1F", 0)                   \
    NUMBER_CASE("0x1F", 16)                  \
    NUMBER_CASE("0X1fz", 0)                  \
    NUMBER_CASE("0x", 0)                     \
    NUMBER_CASE("0xg", 0)                    \
    NUMBER_CASE("0x", 16)                    \
    NUMBER_CASE("ff", 16)                    \
    NUMBER_CASE("017", 0)                    \
    NUMBER_CASE("017", 8)                    \
    NUMBER_CASE("018", 0)                    \
    NUMBER_CASE("09", 8)                     \
    NUMBER_CASE("9", 8)                      \
    NUMBER_CASE("0", 0)                      \
    NUMBER_CASE("-0", 0)                     \
    NUMBER_CASE("", 0)                       \
    NUMBER_CASE(" ", 0)                      \
    NUMBER_CASE("-", 0)                      \
    NUMBER_CASE("--1", 0)                    \
    NUMBER_CASE("- 1", 0)                    \
    NUMBER_CASE("abc", 10)                   \
    NUMBER_CASE("12", 2)                     \
    NUMBER_CASE("12", 0x20)                  \
    NUMBER_CASE("12", 0x10a)                 \
    NUMBER_CASE("9223372036854775807", 10)   \
    NUMBER_CASE("9223372036854775808", 10)   \
    NUMBER_CASE("-9223372036854775808", 10)  \
    NUMBER_CASE("-9223372036854775809", 10)  \
    NUMBER_CASE("18446744073709551615", 10)  \
    NUMBER_CASE("18446744073709551616", 10)  \
    NUMBER_CASE("99999999999999999999999", 10) \
    NUMBER_CASE("-99999999999999999999999", 10) \
    NUMBER_CASE("0000000000000000000000000000000000000000000000000000000000000000000000012", 10) \
    NUMBER_CASE("\v\f\r7", 0)

#define COMPARE_CASES                 \
    COMPARE_CASE("abc", 3, "abc")     \
    COMPARE_CASE("abc", 4, "abc")     \
    COMPARE_CASE("abc", 4, "abcd")    \
    COMPARE_CASE("abc", 3, "abcd")    \
    COMPARE_CASE("abd", 3, "abc")     \
    COMPARE_CASE("abc", 3, "abd")     \
    COMPARE_CASE("", 1, "a")          \
    COMPARE_CASE("\xff", 1, "a")      \
    COMPARE_CASE("ab\0x", 4, "ab\0y")

#define CHECKSUM_CASES                      \
    CHECKSUM_CASE(0, 0, 0)                  \
    CHECKSUM_CASE(0, 0, 0x12345678)         \
    CHECKSUM_CASE(0, 4, 0)                  \
    CHECKSUM_CASE(4, 0, 0)                  \
    CHECKSUM_CASE(4, 4, 0)                  \
    CHECKSUM_CASE(0, 40, 0xffff)            \
    CHECKSUM_CASE(40, 0, 0xffff)            \
    CHECKSUM_CASE(40, 0, 0x12345678)        \
    CHECKSUM_CASE(12, 36, 0x9abcdef0)       \
    CHECKSUM_CASE(36, 12, 0xffffffff)       \
    CHECKSUM_CASE(64, 64, 0x10000)          \
    CHECKSUM_CASE(0, 3, 0)                  \
    CHECKSUM_CASE(6, 8, 0)                  \
    CHECKSUM_CASE(7, 0, 77)                 \
    CHECKSUM_CASE(0, 61, 5)

// DYNPTR_CASE(expression): calls on `d`, of 64 bytes at `memory`, and on `r`, a record of the ring buffer `ring`, with `buffer` of 16
// bytes.
#define DYNPTR_CASES                                            \
    DYNPTR_CASE(bpf_dynptr_from_mem(memory, 64, 1, &d))         \
    DYNPTR_CASE(bpf_dynptr_read(buffer, 1, &d, 0, 0))           \
    DYNPTR_CASE(bpf_dynptr_from_mem(memory, 64, 0, &d))         \
    DYNPTR_CASE(bpf_dynptr_write(&d, 60, "abcd", 4, 0))         \
    DYNPTR_CASE(bpf_dynptr_write(&d, 61, "abcd", 4, 0))         \
    DYNPTR_CASE(bpf_dynptr_write(&d, 0xffffffff, "abcd", 4, 0)) \
    DYNPTR_CASE(bpf_dynptr_write(&d, 0, "abcd", 4, 1))          \
    DYNPTR_CASE(bpf_dynptr_write(&d, 61, "abcd", 4, 1))         \
    DYNPTR_CASE(bpf_dynptr_read(buffer, 16, &d, 48, 0))         \
    DYNPTR_CASE(buffer[12] * 256 + buffer[15])                  \
    DYNPTR_CASE(bpf_dynptr_read(buffer, 16, &d, 49, 0))         \
    DYNPTR_CASE(bpf_dynptr_read(buffer, 16, &d, 48, 1))         \
    DYNPTR_CASE(bpf_dynptr_read(buffer, 0, &d, 64, 0))          \
    DYNPTR_CASE(bpf_dynptr_read(buffer, 0, &d, 65, 0))          \
    DYNPTR_CASE(bpf_dynptr_data(&d, 56, 8) != 0)                \
    DYNPTR_CASE(bpf_dynptr_data(&d, 57, 8) != 0)                \
    DYNPTR_CASE(bpf_ringbuf_reserve_dynptr(&ring, 16, 1, &r))   \
    DYNPTR_CASE(bpf_dynptr_write(&r, 0, "abcd", 4, 0))          \
    DYNPTR_END(bpf_ringbuf_submit_dynptr(&r, 0))                \
    DYNPTR_CASE(bpf_ringbuf_query(&ring, 0))                    \
    DYNPTR_CASE(bpf_ringbuf_reserve_dynptr(&ring, 5000, 0, &r)) \
    DYNPTR_END(bpf_ringbuf_discard_dynptr(&r, 0))               \
    DYNPTR_CASE(bpf_ringbuf_reserve_dynptr(&ring, 1 << 24, 0, &r)) \
    DYNPTR_END(bpf_ringbuf_discard_dynptr(&r, 0))               \
    DYNPTR_CASE(bpf_ringbuf_reserve_dynptr(&ring, 16, 0, &r))   \
    DYNPTR_CASE(bpf_dynptr_write(&r, 14, "abcd", 2, 0))         \
    DYNPTR_CASE(bpf_dynptr_write(&r, 15, "abcd", 2, 0))         \
    DYNPTR_END(bpf_ringbuf_submit_dynptr(&r, 0))                \
    DYNPTR_CASE(bpf_ringbuf_query(&ring, 0))                    \
    DYNPTR_CASE(bpf_ringbuf_reserve_dynptr(&ring, 0, 0, &r))    \
    DYNPTR_END(bpf_ringbuf_discard_dynptr(&r, 0))               \
    DYNPTR_CASE(bpf_ringbuf_query(&ring, 0))

// NAMESPACE_CASE(device, inode, size): with those of the process's pid namespace.
#define NAMESPACE_CASES                            \
    NAMESPACE_CASE(device, inode, 8)               \
    NAMESPACE_CASE(device, inode + 1, 8)           \
    NAMESPACE_CASE(device + 1, inode, 8)           \
    NAMESPACE_CASE(device | 1ull << 32, inode, 8)  \
    NAMESPACE_CASE(device, inode, 4)
