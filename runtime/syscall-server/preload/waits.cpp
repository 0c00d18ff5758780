#include "runtime/syscall-server/preload/waits.h"

#include <map>
#include <mutex>
#include <set>
#include <vector>

#include "runtime/syscall-server/preload/process_registry.h"
#include "runtime/syscall-server/waiting.h"

namespace bpftime::preload {

namespace {

// Which descriptors of ours an epoll descriptor looks at. A number that has been closed behind our back (dup2,
// close_range) is looked at in vain, no more.
struct Watches {
    std::mutex mutex;
    std::map<int, std::set<int>> by_epoll;
};
Watches& watches() {
    static Watches& all = *new Watches;
    return all;
}

// Null unless it is an object that is waited on.
std::shared_ptr<BpfObject> waited_on(Registry& registry, int fd) {
    const auto object = registry.at(fd);
    return object && is_waited_on(**object) ? *object : nullptr;
}

void settle(int fd) {
    const auto registry = process_registry();
    if (!registry) return;
    if (const auto object = waited_on(**registry, fd)) settle_readiness(**registry, *object, fd);
}

}  // namespace

void watch(int epoll, int fd) {
    const auto registry = process_registry();
    if (!registry || !waited_on(**registry, fd)) return;
    const std::lock_guard lock(watches().mutex);
    watches().by_epoll[epoll].insert(fd);
}

void unwatch(int epoll, int fd) {
    const std::lock_guard lock(watches().mutex);
    const auto found = watches().by_epoll.find(epoll);
    if (found != watches().by_epoll.end()) found->second.erase(fd);
}

void unwatch_all(int fd) {
    const std::lock_guard lock(watches().mutex);
    watches().by_epoll.erase(fd);
    for (auto& [epoll, descriptors] : watches().by_epoll) descriptors.erase(fd);
}

void before_epoll_wait(int epoll) {
    std::vector<int> descriptors;
    {
        const std::lock_guard lock(watches().mutex);
        const auto found = watches().by_epoll.find(epoll);
        if (found == watches().by_epoll.end()) return;
        descriptors.assign(found->second.begin(), found->second.end());
    }
    for (const int fd : descriptors) settle(fd);
}

void before_poll(const pollfd* descriptors, nfds_t count) {
    for (nfds_t i = 0; i < count; ++i)
        if (descriptors[i].fd >= 0) settle(descriptors[i].fd);
}

}  // namespace bpftime::preload
