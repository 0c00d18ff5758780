// BPF_ENABLE_STATS.
#include "runtime/syscall-server/handlers.h"

namespace bpftime {

Result<long> enable_stats(BpfSession& session, bpf_attr& attr) {
    if (attr.enable_stats.type != BPF_STATS_RUN_TIME)
        return fail(failure("there are no statistics of type ", attr.enable_stats.type));
    return BPFTIME_TRY(session.registry.enable_stats());
}

}  // namespace bpftime
