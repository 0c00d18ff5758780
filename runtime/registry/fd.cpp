#include "runtime/registry/fd.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

namespace bpftime {

Fd::~Fd() {
    if (fd_ >= 0) close(fd_);
}

Result<FileIdentity> identify(int fd) {
    struct stat status {};
    if (fstat(fd, &status) != 0) return fail(failure("file descriptor ", fd, " is not open").with_errno(EBADF));
    return FileIdentity{status.st_dev, status.st_ino};
}

Result<Fd> reopen(int fd, OpenFor access) {
    // Not by open(): while libbpf loads an object, the loader answers that call in the kernel's place.
    Fd fresh(openat(AT_FDCWD, cat("/proc/self/fd/", fd).c_str(), (access == OpenFor::Read ? O_RDONLY : O_RDWR) | O_CLOEXEC));
    const int error = errno;
    if (!fresh) return fail(failure("cannot open file descriptor ", fd, " again: ", std::strerror(error)).with_errno(error));
    return fresh;
}

Result<Fd> anonymous_file(const char* name, std::size_t size) {
    Fd fd(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd || (size != 0 && ftruncate(fd.get(), static_cast<off_t>(size)) != 0)) {
        const int error = errno;
        return fail(failure("cannot create an anonymous file: ", std::strerror(error)).with_errno(error));
    }
    return fd;
}

namespace {

bool lock_file(int fd, int operation) {
    int result;
    do result = flock(fd, operation);
    while (result != 0 && errno == EINTR);
    return result == 0;
}

}  // namespace

Status hold(int fd) {
    const bool locked = lock_file(fd, LOCK_SH);
    const int error = errno;
    if (!locked) return fail(failure("cannot lock an object's file: ", std::strerror(error)).with_errno(error));
    struct stat status {};
    if (fstat(fd, &status) != 0 || status.st_nlink == 0) return fail(failure("the object has gone").with_errno(ENOENT));
    return {};
}

bool seize(int fd) { return lock_file(fd, LOCK_EX | LOCK_NB); }

bool is_unheld(int fd) {
    if (!seize(fd)) return false;
    flock(fd, LOCK_UN);
    return true;
}

FileLock::~FileLock() {
    if (fd_) flock(fd_.get(), LOCK_UN);
}

Result<Fd> held_descriptor(int fd, OpenFor access) {
    auto opened = reopen(fd, access);
    // Without /proc, or a changed user: a duplicate, which is not counted.
    if (opened) lock_file(opened->get(), LOCK_SH);
    else opened = Fd(fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (*opened && opened->get() <= STDERR_FILENO) opened = Fd(fcntl(opened->get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    const int error = errno;
    if (!*opened) return fail(failure("cannot open a file descriptor: ", std::strerror(error)).with_errno(error));
    return opened;
}

namespace {

// An open file description lock: it belongs to the description, as flock(2)'s do, and is counted apart from them.
bool mark(int fd, int command, short type) {
    struct flock range {};
    range.l_type = type;
    range.l_whence = SEEK_SET;
    range.l_len = 1;
    int result;
    do result = fcntl(fd, command, &range);
    while (result != 0 && errno == EINTR);
    return result == 0;
}

}  // namespace

WriterLock::~WriterLock() {
    if (fd_) mark(fd_.get(), F_OFD_SETLK, F_UNLCK);
}

Status mark_writer(int fd) {
    if (mark(fd, F_OFD_SETLKW, F_RDLCK)) return {};
    const int error = errno;
    return fail(failure("cannot lock a file for writing: ", std::strerror(error)).with_errno(error));
}

Result<WriterLock> keep_writers_out(int fd) {
    Fd own = BPFTIME_TRY(reopen(fd));
    if (mark(own.get(), F_OFD_SETLK, F_WRLCK)) return WriterLock(std::move(own));
    return fail(failure("it is mapped for writing").with_errno(EBUSY));
}

Result<SharedPages> SharedPages::map(int fd, std::size_t size) {
    void* base = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (base == MAP_FAILED) {
        const int error = errno;
        return fail(failure("cannot map ", size, " bytes: ", std::strerror(error)).with_errno(error));
    }
    SharedPages pages;
    pages.bytes_ = {static_cast<std::uint8_t*>(base), size};
    return pages;
}

SharedPages::~SharedPages() {
    if (!bytes_.empty()) munmap(bytes_.data(), bytes_.size());
}

}  // namespace bpftime
