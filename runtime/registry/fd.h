// File descriptors that close themselves, and the anonymous files that stand behind BPF objects.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "vm/core/result.h"

namespace bpftime {

// Owns a descriptor; -1 means none.
class Fd {
public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Fd();

    int get() const { return fd_; }
    int release() { return std::exchange(fd_, -1); }
    explicit operator bool() const { return fd_ >= 0; }

private:
    int fd_ = -1;
};

// Which file a descriptor leads to, however often it was duplicated.
struct FileIdentity {
    std::uint64_t device = 0, inode = 0;
    auto operator<=>(const FileIdentity&) const = default;
};
Result<FileIdentity> identify(int fd);  // EBADF

// A description of its own of the file behind `fd`, which shares neither locks nor position with it.
enum class OpenFor : std::uint8_t { Read, ReadWrite };
Result<Fd> reopen(int fd, OpenFor access = OpenFor::ReadWrite);

// A new anonymous file of `size` zero bytes, close-on-exec, that can be sealed. `name` shows in /proc/PID/fd.
Result<Fd> anonymous_file(const char* name, std::size_t size);

// Who uses a file: a shared flock(2) on an open file description counts through dup, fork, mmap and SCM_RIGHTS, and ends with the
// last of them, however its process ends.
// Marks the description behind `fd` as a user of the file. ENOENT when the file has no name any more.
Status hold(int fd);
// True when no description but that of `fd` holds the file. seize() keeps others from it until `fd` is closed: who opens the file
// meanwhile waits in hold(), and finds it gone if it was unlinked.
bool is_unheld(int fd);
bool seize(int fd);
// A flock(2) that ends with this: explicitly, as a child forked meanwhile has a copy of the descriptor.
class FileLock {
public:
    FileLock() = default;
    explicit FileLock(Fd locked) : fd_(std::move(locked)) {}
    FileLock(FileLock&&) = default;
    FileLock& operator=(FileLock&&) = default;
    ~FileLock();

private:
    Fd fd_;
};

// The file of `fd` opened anew and held, close-on-exec and never as a standard stream.
Result<Fd> held_descriptor(int fd, OpenFor access = OpenFor::ReadWrite);

// Who may change a file behind the registry's back: a mapping to write counts from mark_writer(), on the description that it is made
// from, until the last of that description's descriptors and mappings is gone. keep_writers_out() fails with EBUSY while there is one;
// until its result is destroyed mark_writer() waits.
class WriterLock {
public:
    explicit WriterLock(Fd locked) : fd_(std::move(locked)) {}
    WriterLock(WriterLock&&) = default;
    WriterLock& operator=(WriterLock&&) = default;
    ~WriterLock();

private:
    Fd fd_;
};
Status mark_writer(int fd);
Result<WriterLock> keep_writers_out(int fd);

// Shared pages of a file. Unmaps on destruction.
class SharedPages {
public:
    SharedPages() = default;
    static Result<SharedPages> map(int fd, std::size_t size);
    SharedPages(SharedPages&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
    SharedPages& operator=(SharedPages&& other) noexcept {
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~SharedPages();

    std::span<std::uint8_t> bytes() const { return bytes_; }

private:
    std::span<std::uint8_t> bytes_;
};

}  // namespace bpftime
