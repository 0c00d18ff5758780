// What is known of a program: recorded when it is loaded, told by OBJ_GET_INFO_BY_FD.
#pragma once

#include <linux/bpf.h>

#include <algorithm>
#include <span>

#include "runtime/registry/objects.h"
#include "runtime/syscall-server/user_memory.h"

namespace bpftime {

// The kernel's tag: the first bytes of SHA-256 over the code with the descriptors of maps taken out (SHA-1 before Linux
// 6.18).
ProgramTag kernel_tag(std::span<const RawInsn> code);

// Whether programs under `license` may call helpers that are for GPL programs only.
bool gpl_compatible(std::string_view license);

// Notes tag, time and user of the load, and the raw debug records. `code` is as it came.
Status record_origin(const bpf_attr& attr, std::span<const RawInsn> code, ProgramObject& program);

// The code as the kernel shows it: maps by their ids.
std::vector<RawInsn> shown_code(const ProgramObject& program);

// What the template JIT makes of the program, with maps as their ids; empty when it cannot run here.
std::vector<std::uint8_t> native_code(const ProgramObject& program);

// Fills the arrays that `asked` has room for.
Result<bpf_prog_info> describe_program(const ProgramObject& program, const bpf_prog_info& asked);

// Fills an array that the caller offers in an info structure: as much as fits, and the full count.
template <class T>
Status offer(std::uint64_t address, std::uint32_t& count, std::span<const T> items) {
    const std::size_t fits = std::min<std::size_t>(count, items.size());
    BPFTIME_CHECK(write_user(address, {reinterpret_cast<const std::uint8_t*>(items.data()), fits * sizeof(T)}));
    count = static_cast<std::uint32_t>(items.size());
    return {};
}

}  // namespace bpftime
