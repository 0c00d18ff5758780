#include "runtime/registry/waker.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace bpftime {

namespace {

constexpr int kLowestDescriptor = 512;  // out of the way of programs that count theirs

int out_of_the_way(int fd) {
    if (fd < 0) return fd;
    const int high = fcntl(fd, F_DUPFD_CLOEXEC, kLowestDescriptor);
    if (high < 0) return fd;
    close(fd);
    return high;
}

}  // namespace

Waker::Waker(Fd pipe) {
    const auto file = identify(pipe.get());
    if (!file) return;
    device_ = file->device;
    inode_ = file->inode;
    fd_ = out_of_the_way(pipe.release());
}

Waker::~Waker() {
    if (leads_to_pipe(fd_)) close(fd_);
}

bool Waker::leads_to_pipe(int fd) const {
    struct stat status {};
    return fd >= 0 && fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode) && status.st_dev == device_ &&
           status.st_ino == inode_;
}

// Of threads that come here at once the first one's descriptor stays.
int Waker::open_again(int before) {
    if (path_.empty()) return -1;
    const int fd = out_of_the_way(openat(AT_FDCWD, path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW));
    struct stat status {};
    if (fd < 0 || fstat(fd, &status) != 0 || !S_ISFIFO(status.st_mode)) {
        if (fd >= 0) close(fd);
        return -1;
    }
    device_ = status.st_dev;  // the same for every thread: ids, and so names, are not used again
    inode_ = status.st_ino;
    if (fd_.compare_exchange_strong(before, fd)) return fd;
    close(fd);
    return before;
}

void Waker::wake() {
    const int saved = errno;
    int fd = fd_.load();
    if (!leads_to_pipe(fd)) fd = open_again(fd);
    if (fd >= 0 && write(fd, "", 1) < 0) errno = saved;  // full: somebody has been woken and has not looked yet
    errno = saved;
}

}  // namespace bpftime
