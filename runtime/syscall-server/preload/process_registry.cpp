#include "runtime/syscall-server/preload/process_registry.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <climits>

#include "runtime/registry/shared_registry.h"
#include "runtime/syscall-server/preload/forking.h"

namespace bpftime::preload {

namespace {

constinit std::atomic<pid_t> owner = 0;
constinit std::atomic<SharedRegistry*> shared = nullptr;

bool leads_into(int directory, const char* name, const std::string& path) {
    char target[PATH_MAX];
    const ssize_t length = readlinkat(directory, name, target, sizeof target);
    return length > 0 && std::string_view(target, static_cast<std::size_t>(length)).starts_with(path + '/');
}

}  // namespace

Result<Registry*> process_registry() {
    if (SharedRegistry* registry = shared.load(std::memory_order_acquire)) return registry;
    auto opened = BPFTIME_TRY(SharedRegistry::open(ShmDirectory::Open::Create));
    SharedRegistry* none = nullptr;
    if (!shared.compare_exchange_strong(none, opened.get())) return none;
    survive_forks();
    owner.store(getpid(), std::memory_order_release);
    return opened.release();
}

bool has_process_registry() { return owner.load(std::memory_order_acquire) != 0; }

bool owns_process_registry() { return has_process_registry() && owner.load(std::memory_order_relaxed) == getpid(); }

void adopt_inherited_descriptors() {
    const auto path = shm_path();
    struct stat status {};
    if (!path || stat(path->c_str(), &status) != 0) return;  // the common case: nothing to inherit from
    DIR* const descriptors = opendir("/proc/self/fd");
    if (descriptors == nullptr) return;
    bool any = false;
    while (const dirent* entry = any ? nullptr : readdir(descriptors))
        any = leads_into(dirfd(descriptors), entry->d_name, *path);
    closedir(descriptors);
    if (any) (void)process_registry();
}

void lock_process_registry() {
    if (const SharedRegistry* registry = shared.load(std::memory_order_acquire)) registry->before_fork();
}

void unlock_process_registry() {
    if (const SharedRegistry* registry = shared.load(std::memory_order_acquire)) registry->after_fork();
}

void own_process_registry() { owner.store(getpid(), std::memory_order_release); }

}  // namespace bpftime::preload
