// BPF_TASK_FD_QUERY of a perf event: which program runs where.
#pragma once

#include <string>

#include "runtime/syscall-server/handlers.h"

namespace bpftime {

// `path` names the descriptor, "/proc/PID/fd/N". ENOTSUPP when it is no event's, ENOENT when that has no program.
Result<long> query_event(BpfSession& session, bpf_attr& attr, const std::string& path);

}  // namespace bpftime
