#include "runtime/registry/fd.h"

#include <fcntl.h>
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

Result<Fd> anonymous_file(const char* name, std::size_t size) {
    Fd fd(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd || (size != 0 && ftruncate(fd.get(), static_cast<off_t>(size)) != 0)) {
        const int error = errno;
        return fail(failure("cannot create an anonymous file: ", std::strerror(error)).with_errno(error));
    }
    return fd;
}

Result<Fd> counted_descriptor(int fd) {
    const auto refused = [] {
        const int error = errno;
        return fail(failure("cannot open a file descriptor: ", std::strerror(error)).with_errno(error));
    };
    Fd opened(open(cat("/proc/self/fd/", fd).c_str(), O_RDWR | O_CLOEXEC));
    // Without /proc, or a changed user: a duplicate, which is not counted.
    if (!opened) opened = Fd(fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!opened) return refused();
    // A lock of the open file (fcntl(2), F_OFD_SETLK) ends with its last descriptor, in whichever process that is.
    struct flock lock {};
    lock.l_type = F_RDLCK;
    lock.l_whence = SEEK_SET;
    if (fcntl(opened.get(), F_OFD_SETLK, &lock) != 0) return refused();
    if (opened.get() > STDERR_FILENO) return opened;
    Fd moved(fcntl(opened.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!moved) return refused();
    return moved;
}

bool counted_elsewhere(int fd) {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return fcntl(fd, F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
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
