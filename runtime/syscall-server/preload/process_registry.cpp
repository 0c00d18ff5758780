#include "runtime/syscall-server/preload/process_registry.h"

#include <unistd.h>

#include <atomic>

#include "runtime/registry/local_registry.h"

namespace bpftime::preload {

namespace {
constinit std::atomic<pid_t> owner = 0;
}

Registry& process_registry() {
    static Registry& registry = *new LocalRegistry;
    if (owner.load(std::memory_order_relaxed) == 0) owner.store(getpid(), std::memory_order_release);
    return registry;
}

bool has_process_registry() { return owner.load(std::memory_order_acquire) != 0; }

bool owns_process_registry() { return has_process_registry() && owner.load(std::memory_order_relaxed) == getpid(); }

}  // namespace bpftime::preload
