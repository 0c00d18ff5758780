// Formatting as the kernel's bpf_trace_printk, bpf_trace_vprintk and bpf_snprintf do it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace bpftime {

// Formats into `out`, cut to `size` bytes with the NUL (nothing is written when size is 0). Accepts [0+- ][width] before
//   d i u x X with l or ll, c, s, p, px pK ps pS pB (raw addresses), pks pus (strings), pi4 pI4 pi6 pI6 (addresses in
//   memory), %%.
// A width has no effect on pks, pus and the addresses in memory. Text between conversions may hold any byte but ASCII's
// control characters. Strings and addresses are read safely; what cannot be read prints as empty or zero. Result: length
// of the whole text without NUL; -EINVAL for anything else in the format or too few arguments; -ENOSPC when strings
// exceed the kernel's 512-byte buffer.
std::int64_t format_bpf(char* out, std::size_t size, const char* format, std::span<const std::uint64_t> arguments);

}  // namespace bpftime
