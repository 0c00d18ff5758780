// The kernel's own types as a BTF object among those of a registry: bpftrace looks for it there. Its descriptor is that of the file
// that everybody may read.
#pragma once

#include <linux/bpf.h>

#include <climits>
#include <cstdint>

#include "vm/core/result.h"

namespace bpftime {

// The last id there can be, so that ids of the registry's objects stay what they are. (In the kernel it is 1.)
inline constexpr std::uint32_t kKernelBtfId = INT_MAX - 1;

// Whether this kernel has any.
bool has_kernel_btf();
Result<int> open_kernel_btf();  // the caller owns the descriptor
bool is_kernel_btf(int fd);
Result<bpf_btf_info> describe_kernel_btf(int fd, const bpf_btf_info& asked);

}  // namespace bpftime
