#include "runtime/registry/shm_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace bpftime {

namespace {

constexpr const char* kRoot = "/dev/shm/";
constexpr const char* kDefaultName = "bpftime_maps_shm";
constexpr const char* kControl = "control";
constexpr std::uint64_t kDefaultLimitMb = 1024;

Error system_error(int error, std::string_view what) {
    return failure(what, ": ", std::strerror(error)).with_errno(error);
}

// Nobody else may have made the directory, nor may read it.
Status check_owner(int fd, const std::string& path) {
    struct stat status {};
    if (fstat(fd, &status) != 0) return fail(system_error(errno, path));
    if (status.st_uid != geteuid())
        return fail(failure(path, " belongs to user ", status.st_uid, " and not to you").with_errno(EPERM));
    if ((status.st_mode & 077) != 0)
        return fail(failure(path, " can be reached by other users").with_hint(cat("chmod 700 ", path)).with_errno(EPERM));
    return {};
}

template <class Visit>
void for_each_entry(const std::string& directory, Visit visit) {
    const int fd = openat(AT_FDCWD, directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR* const stream = fd < 0 ? nullptr : fdopendir(fd);
    if (stream == nullptr) return;
    while (const dirent* entry = readdir(stream)) visit(fd, *entry);
    closedir(stream);
}

Result<Fd> unnamed_file(const std::string& directory) {
    Fd fd(openat(AT_FDCWD, directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (!fd) return fail(system_error(errno, "cannot create a file in shared memory"));
    return fd;
}

Status give_name(const std::string& path, int fd) {
    const std::string self = cat("/proc/self/fd/", fd);
    if (linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) == 0) return {};
    return fail(system_error(errno, cat("cannot link ", path)));
}

// 0 where /proc or the kind of namespace is missing.
std::uint64_t namespace_of(const char* kind) {
    struct stat status {};
    return stat(cat("/proc/self/ns/", kind).c_str(), &status) == 0 ? status.st_ino : 0;
}

Status check_namespace(std::uint64_t theirs, const char* kind, const std::string& path) {
    const std::uint64_t ours = namespace_of(kind);
    if (theirs == 0 || ours == 0 || theirs == ours) return {};
    return fail(failure(path, " belongs to processes of another ", kind, " namespace")
                    .with_hint("set another BPFTIME_GLOBAL_SHM_NAME in each namespace")
                    .with_errno(EPROTO));
}

// Makes the control page if it is missing; when two do so at once, one of them wins.
Status make_control(const std::string& directory) {
    const std::string path = cat(directory, '/', kControl);
    if (faccessat(AT_FDCWD, path.c_str(), F_OK, 0) == 0) return {};
    const Fd fd = BPFTIME_TRY(unnamed_file(directory));
    if (const int error = posix_fallocate(fd.get(), 0, kShmPage); error != 0)  // written later without a fault
        return fail(system_error(error, "cannot size the control page"));
    const SharedPages pages = BPFTIME_TRY(SharedPages::map(fd.get(), kShmPage));
    auto* page = reinterpret_cast<ControlPage*>(pages.bytes().data());
    page->magic = kControlMagic;
    page->version = kShmVersion;
    page->pid_namespace = namespace_of("pid");
    page->time_namespace = namespace_of("time");
    const Status linked = give_name(path, fd.get());
    return linked || linked.error().errnum == EEXIST ? Status{} : linked;
}

Result<SharedPages> map_control(const std::string& path) {
    const Fd fd(openat(AT_FDCWD, cat(path, '/', kControl).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    if (!fd) return fail(system_error(errno, cat(path, '/', kControl)));
    struct stat status {};
    if (fstat(fd.get(), &status) != 0 || static_cast<std::uint64_t>(status.st_size) < kShmPage)
        return fail(failure(path, '/', kControl, " is truncated").with_errno(EPROTO));
    SharedPages pages = BPFTIME_TRY(SharedPages::map(fd.get(), kShmPage));
    const auto* page = reinterpret_cast<const ControlPage*>(pages.bytes().data());
    if (page->magic != kControlMagic)
        return fail(failure(path, " is not a registry of bpftime").with_errno(EPROTO));
    if (page->version != kShmVersion)
        return fail(failure(path, " is of version ", page->version, ", not ", kShmVersion)
                        .with_hint(cat("end its users and remove it: rm -r ", path))
                        .with_errno(EPROTO));
    BPFTIME_CHECK(check_namespace(page->pid_namespace, "pid", path));
    BPFTIME_CHECK(check_namespace(page->time_namespace, "time", path));
    return pages;
}

}  // namespace

Result<ShmDirectory> ShmDirectory::open(const std::string& name, Open how) {
    ShmDirectory result;
    result.path_ = BPFTIME_TRY(shm_path(name));
    if (how == Open::Create && mkdir(result.path_.c_str(), 0700) != 0 && errno != EEXIST)
        return fail(system_error(errno, result.path_));
    const Fd directory(openat(AT_FDCWD, result.path_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory) {
        const int error = errno;
        if (error != ENOENT) return fail(system_error(error, result.path_));
        return fail(failure("there is no registry at ", result.path_)
                        .with_hint("start the loader under libbpftime-syscall-server.so with the same BPFTIME_GLOBAL_SHM_NAME")
                        .with_errno(ENOENT));
    }
    BPFTIME_CHECK(check_owner(directory.get(), result.path_));
    result.device_ = BPFTIME_TRY(identify(directory.get())).device;
    if (how == Open::Create) BPFTIME_CHECK(make_control(result.path_));
    result.control_ = BPFTIME_TRY(map_control(result.path_));
    return result;
}

Result<Fd> ShmDirectory::make_file(std::uint64_t size) const {
    std::uint64_t used = 0;
    for (const std::string& name : names()) {
        struct stat status {};
        if (fstatat(AT_FDCWD, file(name).c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0)
            used += static_cast<std::uint64_t>(status.st_size);
    }
    if (size > shm_limit() || used > shm_limit() - size)
        return fail(failure("shared memory for ", size, " bytes more than the ", used, " in use exceeds ", shm_limit() >> 20, " MB")
                        .with_hint("set BPFTIME_SHM_MEMORY_MB")
                        .with_errno(ENOMEM));
    Fd fd = BPFTIME_TRY(unnamed_file(path_));
    if (size == 0) return fd;
    if (const int error = posix_fallocate(fd.get(), 0, static_cast<off_t>(size)); error != 0)
        return fail(failure("shared memory has no room for ", size, " bytes: ", std::strerror(error)).with_errno(ENOMEM));
    return fd;
}

Status ShmDirectory::make_pipe(const std::string& name) const {
    if (mkfifo(file(name).c_str(), 0600) == 0) return {};
    return fail(system_error(errno, cat("cannot make the pipe ", path_, '/', name)));
}

Status ShmDirectory::link(int fd, const std::string& name) const { return give_name(file(name), fd); }

// A file without a name can only be linked where there is none yet: under another name first.
Status ShmDirectory::replace(int fd, const std::string& name) const {
    constexpr int kAttempts = 100;
    const std::string next = cat(name, kReplacing);
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        const Status linked = link(fd, next);
        if (linked && rename(file(next).c_str(), file(name).c_str()) == 0) return {};
        if (!linked && linked.error().errnum != EEXIST) return linked;
        (void)unlink(next);  // of somebody who was killed between the two steps, or is as far as we are
    }
    return fail(failure("cannot replace ", path_, '/', name, ": others do so all the time").with_errno(EBUSY));
}

Status ShmDirectory::unlink(const std::string& name) const {
    if (::unlink(file(name).c_str()) == 0) return {};
    return fail(system_error(errno, cat("cannot remove ", path_, '/', name)));
}

Result<Fd> ShmDirectory::open_file(const std::string& name) const {
    Fd fd(openat(AT_FDCWD, file(name).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!fd) return fail(system_error(errno, cat(path_, '/', name)));
    return fd;
}

std::vector<std::string> ShmDirectory::names() const {
    std::vector<std::string> result;
    for_each_entry(path_, [&](int, const dirent& entry) {
        const bool file = entry.d_type == DT_REG || entry.d_type == DT_FIFO;
        const std::string_view called = entry.d_name;
        if (file && called != kControl && called != kCpusFile) result.emplace_back(entry.d_name);
    });
    return result;
}

std::vector<std::pair<std::string, std::string>> ShmDirectory::links(const char* name) const {
    std::vector<std::pair<std::string, std::string>> result;
    for_each_entry(file(name), [&](int directory, const dirent& entry) {
        char target[NAME_MAX + 1];
        const ssize_t length = readlinkat(directory, entry.d_name, target, sizeof target);
        if (length > 0) result.emplace_back(entry.d_name, std::string(target, static_cast<std::size_t>(length)));
    });
    return result;
}

std::optional<std::string> ShmDirectory::name_of(int fd) const {
    char target[PATH_MAX];
    const ssize_t length = readlink(cat("/proc/self/fd/", fd).c_str(), target, sizeof target);
    if (length <= 0) return std::nullopt;
    const std::string_view whole(target, static_cast<std::size_t>(length));
    const std::size_t slash = whole.rfind('/');
    if (slash != path_.size() || !whole.starts_with(path_)) return std::nullopt;
    return std::string(whole.substr(slash + 1));
}

// On a file of its own description each time: descriptors that a fork shares would share the lock as well.
Result<FileLock> ShmDirectory::lock(DirectoryLock what) const {
    Fd fd(openat(AT_FDCWD, file(kControl).c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return fail(system_error(errno, cat(path_, '/', kControl)));
    const int operation = what == DirectoryLock::Publish ? LOCK_SH : LOCK_EX | LOCK_NB;
    int result;
    do result = flock(fd.get(), operation);
    while (result != 0 && errno == EINTR);
    if (result != 0) return fail(system_error(errno, cat("cannot lock ", path_)));
    return FileLock(std::move(fd));
}

Result<std::string> ShmDirectory::subdirectory(const char* name) const {
    if (mkdir(file(name).c_str(), 0700) != 0 && errno != EEXIST)
        return fail(system_error(errno, cat(path_, '/', name)));
    return cat(path_, '/', name);
}

Result<std::string> shm_path(const std::string& name) {
    std::string chosen = name;
    if (chosen.empty())
        if (const char* given = secure_getenv("BPFTIME_GLOBAL_SHM_NAME")) chosen = given;
    if (chosen.empty()) chosen = kDefaultName;
    if (chosen.front() == '.' || chosen.find('/') != std::string::npos || chosen.size() > 200)
        return fail(failure("'", chosen, "' cannot be the name of a shared-memory registry")
                        .with_hint("BPFTIME_GLOBAL_SHM_NAME is a file name of up to 200 characters"));
    return cat(kRoot, chosen, '.', geteuid());
}

std::uint64_t shm_limit() {
    std::uint64_t megabytes = kDefaultLimitMb;
    if (const char* given = secure_getenv("BPFTIME_SHM_MEMORY_MB")) {
        char* end = nullptr;
        const unsigned long long value = std::strtoull(given, &end, 10);
        if (end != given && *end == '\0' && value > 0 && value < (1ull << 40)) megabytes = value;
    }
    return megabytes << 20;
}

}  // namespace bpftime
