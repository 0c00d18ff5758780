#include "runtime/maps/thread_id.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/maps/task_lock.h"

namespace bpftime {

namespace {

// A page that the kernel zeroes in every forked child (MADV_WIPEONFORK): the process id of whoever filled it, else 0.
std::uint32_t* process_page = nullptr;

struct Cached {
    TaskIds ids;
    std::uint32_t process_of_page = 0;  // 0: not filled
    std::uint32_t token = 0;            // 0: not asked for yet
};
// Initial-exec: read by one instruction, and never allocated lazily inside a signal handler.
__attribute__((tls_model("initial-exec"))) thread_local constinit Cached cached;

std::uint32_t* make_page() {
    void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return nullptr;
    std::uint32_t* expected = nullptr;
    auto* made = static_cast<std::uint32_t*>(page);
    if (madvise(page, 4096, MADV_WIPEONFORK) == 0 &&
        __atomic_compare_exchange_n(&process_page, &expected, made, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return made;
    munmap(page, 4096);
    return expected;  // another thread's, or none where the kernel cannot wipe: ids are asked for each time
}

[[gnu::noinline]] TaskIds ask() {
    const TaskIds ids{static_cast<std::uint32_t>(getpid()), static_cast<std::uint32_t>(syscall(SYS_gettid))};
    std::uint32_t* page = __atomic_load_n(&process_page, __ATOMIC_ACQUIRE);
    if (page == nullptr) page = make_page();
    if (page != nullptr) {
        __atomic_store_n(page, ids.process, __ATOMIC_RELAXED);
        cached = {ids, ids.process, 0};
    }
    return ids;
}

bool cache_holds() {
    const std::uint32_t* page = __atomic_load_n(&process_page, __ATOMIC_ACQUIRE);
    return page != nullptr && cached.process_of_page != 0 &&
           cached.process_of_page == __atomic_load_n(page, __ATOMIC_RELAXED);
}

// Where the cache cannot be trusted, a token without the time that the thread started.
[[gnu::noinline]] std::uint32_t ask_token() {
    const TaskIds ids = task_ids();
    if (!cache_holds()) return ids.thread;
    cached.token = make_task_token(ids.thread);
    return cached.token;
}

}  // namespace

TaskIds task_ids() { return cache_holds() ? cached.ids : ask(); }

std::uint32_t task_token() { return cache_holds() && cached.token != 0 ? cached.token : ask_token(); }

}  // namespace bpftime
