// The producers' end of what a client waits on: the pipe behind the descriptor of a ring buffer or an output event. No thread and no
// reader is needed: a byte written stays until somebody waits.
#pragma once

#include <atomic>
#include <string>

#include "runtime/registry/fd.h"

namespace bpftime {

// Owns a descriptor of the pipe in a process that is not the registry's own, a traced one perhaps: such a process may close every
// descriptor that it does not know and use the number for something else, so that each wake-up asks what the number leads to.
class Waker {
public:
    // Opens `path` when it is first needed, and again when the descriptor was taken away.
    explicit Waker(std::string path) : path_(std::move(path)) {}
    // For a pipe without a name.
    explicit Waker(Fd pipe);
    Waker(const Waker&) = delete;
    Waker& operator=(const Waker&) = delete;
    ~Waker();

    // Wakes who waits, now or next. Keeps errno; may be called by any thread and in a signal handler. Does nothing once the object
    // has gone.
    void wake();

private:
    bool leads_to_pipe(int fd) const;
    int open_again(int before);

    std::string path_;
    std::atomic<int> fd_ = -1;
    std::atomic<std::uint64_t> device_ = 0, inode_ = 0;  // of the pipe; inode 0: not opened yet
};

}  // namespace bpftime
