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

Result<Fd> reopen(int fd) {
    // Not by open(): while libbpf loads an object, the loader answers that call in the kernel's place.
    Fd fresh(openat(AT_FDCWD, cat("/proc/self/fd/", fd).c_str(), O_RDWR | O_CLOEXEC));
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

Result<Fd> held_descriptor(int fd) {
    auto opened = reopen(fd);
    // Without /proc, or a changed user: a duplicate, which is not counted.
    if (opened) lock_file(opened->get(), LOCK_SH);
    else opened = Fd(fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (*opened && opened->get() <= STDERR_FILENO) opened = Fd(fcntl(opened->get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    const int error = errno;
    if (!*opened) return fail(failure("cannot open a file descriptor: ", std::strerror(error)).with_errno(error));
    return opened;
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
