// BTF func_info and line_info of a program that is being loaded (struct bpf_func_info, bpf_line_info of the UAPI).
#pragma once

#include <linux/bpf.h>

#include "runtime/registry/objects.h"
#include "runtime/syscall-server/bpf_call.h"

namespace bpftime {

// Functions by func_info, ascending; refuses offsets that do not ascend from 0 or lie outside `slots`, and types that
// are no function.
Result<std::vector<DraftFunction>> read_functions(const bpf_attr& attr, const Btf& btf, std::uint32_t slots);

// Fills program.lines and source_files; refuses offsets that do not ascend or lie outside the program.
Status read_lines(const bpf_attr& attr, const Btf& btf, Program& program, std::uint32_t slots);

}  // namespace bpftime
