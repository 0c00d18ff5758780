// bpf(2) in userspace: one call, checked as the kernel checks it, carried out on a registry by typed handlers
// (handlers.h).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/registry/registry.h"
#include "vm/core/encoding.h"
#include "vm/core/result.h"

namespace bpftime {

// A function of a program that is being loaded: where its code begins, by BTF func_info.
struct DraftFunction {
    std::string name;
    std::uint32_t begin = 0;  // slot
};

// A program between its arrival and its validation.
struct ProgramDraft {
    std::string name;
    std::vector<RawInsn> code;
    std::vector<DraftFunction> functions;  // by begin; empty without func_info
};

// A slot that stands for something that cannot be had, and why: "kernel function 'bpf_rdonly_cast' is not ...". Only a
// program that can reach it is refused.
struct AbsentReference {
    std::uint32_t slot = 0;
    std::string reason;
};

// Who calls, and on what. One per thread of calls.
struct BpfSession {
    Registry& registry;
    // Called by PROG_LOAD before anything is decoded: may change the code and names what is absent.
    std::function<std::vector<AbsentReference>(ProgramDraft&)> resolve_references;
    // Why the last call failed.
    std::optional<Error> error;
};

// Carries out `command` on `size` bytes of attributes at `attr`. Returns what the system call does, or a negative
// errno.
long bpf_call(BpfSession& session, int command, void* attr, unsigned size);

// "PROG_LOAD" for 5, empty for a number that no kernel knows.
std::string_view bpf_command_name(int command);

}  // namespace bpftime
