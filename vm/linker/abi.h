// The names by which an AOT object and the world know each other: what the compiler emits and the linker binds.
// docs/aot-object.md tells the same to a C programmer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "vm/core/result.h"

namespace bpftime::abi {

// Strong symbols, part of the fixed contract: a driver defines those that its objects use.
inline constexpr std::string_view kEntry = "bpf_main";                     // u64 (void *ctx, u64 size)
inline constexpr std::string_view kMapByFd = "__lddw_helper_map_by_fd";    // u64 (u32 map number)
inline constexpr std::string_view kMapByIdx = "__lddw_helper_map_by_idx";  // u64 (u32 index)
inline constexpr std::string_view kMapValue = "__lddw_helper_map_val";  // u64 (u64 handle): address of the first value
inline constexpr std::string_view kVarAddr = "__lddw_helper_var_addr";  // u64 (u32 id)
inline constexpr std::string_view kCodeAddr = "__lddw_helper_code_addr";  // u64 (u32 id)
inline constexpr std::string_view kHelperPrefix = "_bpf_helper_ext_";     // followed by four decimal digits

// Weak symbols: where one is absent its address is null and the code takes the slower path through the functions above.
// They are addresses, not variables: the symbol's value is the thing itself.
inline constexpr std::string_view kMapHandlePrefix = "__bpftime_map_handle_";  // + map number: the handle
inline constexpr std::string_view kMapValuesPrefix = "__bpftime_map_values_";  // + map number: address of its values
// callx, a helper by a number known only at run time: u64 (u64 id, u64 r1, u64 r2, u64 r3, u64 r4, u64 r5). Where it is
// absent r0 becomes -EINVAL.
inline constexpr std::string_view kCallHelper = "__bpftime_call_helper";

// Name of the section that carries Metadata; not loaded, dropped by a static linker (SHF_EXCLUDE).
inline constexpr std::string_view kMetadataSection = ".bpftime.meta";

// _bpf_helper_ext_0014 for 14.
inline std::string helper_symbol(std::uint32_t id) {
    std::string digits = std::to_string(id);
    return cat(kHelperPrefix, std::string(digits.size() < 4 ? 4 - digits.size() : 0, '0'), digits);
}
inline std::string map_handle_symbol(std::uint32_t number) { return cat(kMapHandlePrefix, number); }
inline std::string map_values_symbol(std::uint32_t number) { return cat(kMapValuesPrefix, number); }

}  // namespace bpftime::abi
