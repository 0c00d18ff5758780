// What the commands on elements of maps share: which map a descriptor means, and whether it may be used so.
#pragma once

#include <memory>

#include "runtime/syscall-server/handlers.h"

namespace bpftime {

// The map behind `fd`, or EPERM when system calls may not read it; or not write it, because it is frozen or read-only.
Result<std::shared_ptr<MapObject>> readable_map(BpfSession& session, int fd);
Result<std::shared_ptr<MapObject>> writable_map(BpfSession& session, int fd);

// BPF_F_LOCK among the flags of an element's command needs a spin lock in the values: EINVAL.
Status check_lock_flag(const MapObject& map, std::uint64_t flags);

}  // namespace bpftime
