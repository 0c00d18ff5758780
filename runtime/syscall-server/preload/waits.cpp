#include "runtime/syscall-server/preload/waits.h"

#include <sys/stat.h>

#include <map>
#include <mutex>
#include <vector>

#include "runtime/syscall-server/preload/process_registry.h"
#include "runtime/syscall-server/waiting.h"

namespace bpftime::preload {

namespace {

// An object that is waited on, as it was last found behind a descriptor.
struct Waited {
    FileIdentity file;
    std::shared_ptr<BpfObject> object;
    SharedPages pages;
};

// Which descriptors of ours an epoll descriptor looks at, and what is behind descriptors. Numbers may be closed and
// used again behind our back (dup2, close_range): what a descriptor leads to is asked every time.
struct Watches {
    std::mutex mutex;
    std::map<int, std::map<int, std::uint64_t>> by_epoll;  // with the data of their events
    std::map<int, Waited> by_descriptor;
};
Watches& watches() {
    static Watches& all = *new Watches;
    return all;
}

// Null unless `fd` leads to an object that is waited on: behind those are pipes.
Waited* find_waited(Watches& all, int fd) {
    struct stat status {};
    if (fstat(fd, &status) != 0 || !S_ISFIFO(status.st_mode)) return nullptr;
    const FileIdentity file{status.st_dev, status.st_ino};
    const auto known = all.by_descriptor.find(fd);
    if (known != all.by_descriptor.end() && known->second.file == file) return &known->second;
    const auto registry = process_registry();
    if (!registry) return nullptr;
    const auto object = (*registry)->at(fd);
    if (!object || !is_waited_on(**object)) return nullptr;
    return &all.by_descriptor.insert_or_assign(fd, Waited{file, *object, {}}).first->second;
}

void settle(Watches& all, int fd) {
    Waited* const waited = find_waited(all, fd);
    const auto registry = process_registry();
    if (waited == nullptr || !registry || !is_ready_by_records(*waited->object)) return;
    if (waited->pages.bytes().empty()) {
        auto pages = open_positions(**registry, *waited->object);
        if (pages) waited->pages = *std::move(pages);
    }
    settle_readiness(*waited->object, waited->pages.bytes(), fd);
}

// The caller was told that `fd` is readable.
void has_told(Watches& all, int fd) {
    const Waited* const waited = find_waited(all, fd);
    if (waited != nullptr && !is_ready_by_records(*waited->object)) take_wakeups(fd);
}

}  // namespace

void watch(int epoll, int fd, std::uint64_t data) {
    Watches& all = watches();
    const std::lock_guard lock(all.mutex);
    if (find_waited(all, fd) != nullptr) all.by_epoll[epoll][fd] = data;
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
    watches().by_descriptor.erase(fd);
}

void unwatch_all(unsigned first, unsigned last) {
    const auto closed = [&](int fd) { return static_cast<unsigned>(fd) >= first && static_cast<unsigned>(fd) <= last; };
    Watches& all = watches();
    const std::lock_guard lock(all.mutex);
    std::erase_if(all.by_epoll, [&](const auto& one) { return closed(one.first); });
    for (auto& [epoll, descriptors] : all.by_epoll)
        std::erase_if(descriptors, [&](const auto& one) { return closed(one.first); });
    std::erase_if(all.by_descriptor, [&](const auto& one) { return closed(one.first); });
}

void forget_pages(int fd) {
    const std::lock_guard lock(watches().mutex);
    watches().by_descriptor.erase(fd);
}

void before_epoll_wait(int epoll) {
    Watches& all = watches();
    const std::lock_guard lock(all.mutex);
    const auto found = all.by_epoll.find(epoll);
    if (found == all.by_epoll.end()) return;
    for (const auto& [fd, data] : found->second) settle(all, fd);
}

void before_poll(const pollfd* descriptors, nfds_t count) {
    Watches& all = watches();
    const std::lock_guard lock(all.mutex);
    for (nfds_t i = 0; i < count; ++i)
        if (descriptors[i].fd >= 0) settle(all, descriptors[i].fd);
}

void before_select(const fd_set& readers, int count) {
    Watches& all = watches();
    const std::lock_guard lock(all.mutex);
    for (int fd = 0; fd < count; ++fd)
        if (FD_ISSET(fd, &readers)) settle(all, fd);
}

void after_epoll_wait(int epoll, std::span<const epoll_event> events) {
    Watches& all = watches();
    const std::lock_guard lock(all.mutex);
    const auto found = all.by_epoll.find(epoll);
    if (found == all.by_epoll.end()) return;
    for (const epoll_event& event : events)
        for (const auto& [fd, data] : found->second)
            if (data == event.data.u64 && (event.events & EPOLLIN) != 0) has_told(all, fd);
}

void after_poll(const pollfd* descriptors, nfds_t count) {
    Watches& all = watches();
    const std::lock_guard lock(all.mutex);
    for (nfds_t i = 0; i < count; ++i)
        if (descriptors[i].fd >= 0 && (descriptors[i].revents & POLLIN) != 0) has_told(all, descriptors[i].fd);
}

void after_select(const fd_set& readers, int count) {
    Watches& all = watches();
    const std::lock_guard lock(all.mutex);
    for (int fd = 0; fd < count; ++fd)
        if (FD_ISSET(fd, &readers)) has_told(all, fd);
}

void lock_waits() { watches().mutex.lock(); }
void unlock_waits() { watches().mutex.unlock(); }

}  // namespace bpftime::preload
