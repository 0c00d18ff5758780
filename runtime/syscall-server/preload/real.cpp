#include "runtime/syscall-server/preload/real.h"

#include <dlfcn.h>

namespace bpftime::preload {

void* find_next(std::atomic<void*>& cache, const char* name) {
    static constinit thread_local bool searching = false;
    if (searching) return nullptr;
    searching = true;
    void* found = dlsym(RTLD_NEXT, name);
    searching = false;
    if (found != nullptr) cache.store(found, std::memory_order_relaxed);
    return found;
}

namespace {

// From here on no lookup happens in a signal handler or between fork and exec.
[[gnu::constructor]] void find_all() {
#define BPFTIME_FIND(name, type) real_##name();
    BPFTIME_REAL_FUNCTIONS(BPFTIME_FIND)
#undef BPFTIME_FIND
}

}  // namespace

}  // namespace bpftime::preload
