#include "runtime/syscall-server/preload/process_registry.h"

#include <unistd.h>

#include <atomic>

#include "runtime/registry/shared_registry.h"

namespace bpftime::preload {

namespace {
constinit std::atomic<pid_t> owner = 0;
constinit std::atomic<SharedRegistry*> shared = nullptr;
}  // namespace

Result<Registry*> process_registry() {
    if (SharedRegistry* registry = shared.load(std::memory_order_acquire)) return registry;
    auto opened = BPFTIME_TRY(SharedRegistry::open(ShmDirectory::Open::Create));
    SharedRegistry* none = nullptr;
    if (!shared.compare_exchange_strong(none, opened.get())) return none;
    owner.store(getpid(), std::memory_order_release);
    return opened.release();
}

bool has_process_registry() { return owner.load(std::memory_order_acquire) != 0; }

bool owns_process_registry() { return has_process_registry() && owner.load(std::memory_order_relaxed) == getpid(); }

}  // namespace bpftime::preload
