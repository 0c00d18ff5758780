// Rules of BPF_MAP_CREATE that several map types share; errnos are the kernel's.
#pragma once

#include "vm/core/program.h"
#include "vm/core/result.h"

namespace bpftime {

// BPF_F_* of BPF_MAP_CREATE (linux/bpf.h).
namespace map_flag {
inline constexpr std::uint32_t kNoPrealloc = 1u << 0;
inline constexpr std::uint32_t kNoCommonLru = 1u << 1;
inline constexpr std::uint32_t kNumaNode = 1u << 2;
inline constexpr std::uint32_t kRdonly = 1u << 3;
inline constexpr std::uint32_t kWronly = 1u << 4;
inline constexpr std::uint32_t kStackBuildId = 1u << 5;
inline constexpr std::uint32_t kZeroSeed = 1u << 6;
inline constexpr std::uint32_t kRdonlyProg = 1u << 7;
inline constexpr std::uint32_t kWronlyProg = 1u << 8;
inline constexpr std::uint32_t kMmapable = 1u << 10;
inline constexpr std::uint32_t kPreserveElems = 1u << 11;
inline constexpr std::uint32_t kInnerMap = 1u << 12;
inline constexpr std::uint32_t kAccess = kRdonly | kWronly | kRdonlyProg | kWronlyProg;
}  // namespace map_flag

inline constexpr std::uint64_t kMaxPercpuValue = 32 << 10;  // the kernel's PCPU_MIN_UNIT_SIZE

inline constexpr std::uint32_t kMaxAllocation = 4u << 20;  // the kernel's KMALLOC_MAX_SIZE

// A flag outside `allowed`, contradictory access flags, or map_extra: EINVAL.
Status check_map_flags(const MapSpec& spec, std::uint32_t allowed_flags);
// A size or capacity of zero: EINVAL.
Status check_map_sizes(const MapSpec& spec);
// Both.
Status check_map_shape(const MapSpec& spec, std::uint32_t allowed_flags);

// The value of a per-CPU map is at most kMaxPercpuValue: E2BIG.
Status check_percpu_value(const MapSpec& spec);

// The flags argument of update: ANY, NOEXIST or EXIST.
constexpr bool update_flags_valid(std::uint64_t flags) { return flags <= 2; }

}  // namespace bpftime
