// Who and where the calling thread is. Process ids are those of the process's own pid namespace.
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "runtime/helpers/functions.h"
#include "runtime/maps/cpus.h"
#include "runtime/maps/thread_id.h"

namespace bpftime::helpers {

u64 get_current_pid_tgid(u64, u64, u64, u64, u64) {
    const TaskIds ids = task_ids();
    return u64{ids.process} << 32 | ids.thread;
}

u64 get_current_uid_gid(u64, u64, u64, u64, u64) { return u64{getgid()} << 32 | getuid(); }

// The thread's name, cut to size - 1 bytes and padded with zeros.
u64 get_current_comm(u64 buffer, u64 size, u64, u64, u64) {
    constexpr u64 kCommSize = 16;  // TASK_COMM_LEN
    char comm[kCommSize] = {};
    size = static_cast<std::uint32_t>(size);
    if (size == 0) return result(-EINVAL);
    if (prctl(PR_GET_NAME, comm, 0, 0, 0) != 0) return result(-errno);
    char* out = pointer<char>(buffer);
    const u64 kept = std::min(size - 1, static_cast<u64>(strnlen(comm, kCommSize - 1)));
    std::memcpy(out, comm, kept);
    std::memset(out + kept, 0, size - kept);
    return 0;
}

u64 get_smp_processor_id(u64, u64, u64, u64, u64) { return current_cpu(); }

u64 get_numa_node_id(u64, u64, u64, u64, u64) {
    unsigned node = 0;
    return getcpu(nullptr, &node) == 0 ? node : 0;  // fails only where there are no nodes to tell apart
}

}  // namespace bpftime::helpers
