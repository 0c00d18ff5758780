// The handlers of bpf_commands.def. Each takes attributes that have been checked for size and unused fields, and may
// write results back into them; errors carry the kernel's errno. Pointers in attributes are read and written through
// user_memory.h only.
#pragma once

#include <linux/bpf.h>

#include "runtime/syscall-server/bpf_call.h"

namespace bpftime {

#define BPF_COMMAND(number, NAME, handler, last) Result<long> handler(BpfSession& session, bpf_attr& attr);
#define BPF_COMMAND_OF_SIZE(number, NAME, handler, size) BPF_COMMAND(number, NAME, handler, )
#include "runtime/syscall-server/bpf_commands.def"

}  // namespace bpftime
