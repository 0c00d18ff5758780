// Links: programs attached to perf events or, through one call, to many places of a file. The handlers are those of
// handlers.h: link_create, link_update, link_detach.
#pragma once

#include "runtime/syscall-server/handlers.h"

namespace bpftime {

// OBJ_GET_INFO_BY_FD for a link.
Result<long> link_info(bpf_attr& attr, const LinkObject& link);

}  // namespace bpftime
