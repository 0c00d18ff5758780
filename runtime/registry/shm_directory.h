// The directory of files that a shared registry consists of. An object's file appears complete, under its name, by one link(2),
// and goes by one unlink(2): a process that is killed leaves nothing half-made.
//
// Who uses an object holds a shared flock(2) on its file, on the open file description behind each descriptor that was handed out:
// the kernel counts those through dup, fork and SCM_RIGHTS, and lets go when the last one is closed, however its process ends.
// Mappings are made from descriptors without a lock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/registry/fd.h"
#include "runtime/registry/shm_layout.h"

namespace bpftime {

// Behind the name of a file that is about to take another's place.
inline constexpr std::string_view kReplacing = ".new";

// What a lock of the whole directory is for: many may publish at once, one may collect.
enum class DirectoryLock : std::uint8_t { Publish, Collect };

class ShmDirectory {
public:
    enum class Open : std::uint8_t { Existing, Create };

    // The registry of this user with this name (a file name; empty: $BPFTIME_GLOBAL_SHM_NAME, or its default). Errors: ENOENT
    // when there is none to open, EPERM when it belongs to somebody else or others may read it, EPROTO for another version, a damaged
    // one, or one of processes in other namespaces.
    static Result<ShmDirectory> open(const std::string& name, Open how);

    const std::string& path() const { return path_; }
    std::uint64_t device() const { return device_; }  // of the file system that it is on
    ControlPage& control() const { return *reinterpret_cast<ControlPage*>(control_.bytes().data()); }

    // A new file without a name, `size` bytes, zero, with memory behind every page. ENOMEM beyond the registry's limit
    // ($BPFTIME_SHM_MEMORY_MB).
    Result<Fd> make_file(std::uint64_t size) const;
    // A named pipe. EEXIST.
    Status make_pipe(const std::string& name) const;
    // Gives a file its name. EEXIST.
    Status link(int fd, const std::string& name) const;
    // ...in place of a file that has it, in one step.
    Status replace(int fd, const std::string& name) const;
    Status unlink(const std::string& name) const;
    // Opens a file for reading and writing, close-on-exec; pipes do not block. ENOENT.
    Result<Fd> open_file(const std::string& name) const;
    // Names of all files of objects, in no order.
    std::vector<std::string> names() const;
    // The name of the file that `fd` leads to, if it is one of this directory.
    std::optional<std::string> name_of(int fd) const;

    // Released when the result is destroyed, or when this process dies. Collect does not wait: no value when others are at work.
    Result<FileLock> lock(DirectoryLock what) const;

    // A directory below this one, made when it is missing; the symbolic links in it, with what they hold.
    Result<std::string> subdirectory(const char* name) const;
    std::vector<std::pair<std::string, std::string>> links(const char* name) const;

private:
    std::string file(const std::string& name) const { return cat(path_, '/', name); }

    // By path every time: a process may close descriptors that it does not know, and use their numbers for other directories.
    std::string path_;
    std::uint64_t device_ = 0;
    SharedPages control_;
};

// Where ShmDirectory::open() looks.
Result<std::string> shm_path(const std::string& name = {});

// Bytes that a registry may use in all.
std::uint64_t shm_limit();

}  // namespace bpftime
