// What exports.cpp asks before it calls the real function. Nothing here throws, prints or changes errno; an empty
// answer means that the call is not ours. Results are those of the system call, or negative error numbers.
#pragma once

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "runtime/registry/fd.h"
#include "runtime/syscall-server/mappings.h"

namespace bpftime::preload {

// False while this thread is inside one of the functions below: what they call themselves goes to the kernel.
bool outside();

long bpf(int command, void* attr, unsigned size) noexcept;
std::optional<long> open_event(void* attr, pid_t pid, int cpu, int group, unsigned long flags) noexcept;
std::optional<long> control_event(int fd, unsigned long request, void* argument) noexcept;

// What to map in place of `fd` (mappings.h); mmap(2)'s own arguments.
std::optional<Result<Mapping>> mapped_object(std::size_t size, int protection, int flags, int fd,
                                             off_t offset) noexcept;

// After epoll_ctl succeeded; before and after waiting (waits.h). Before, the descriptors may be no address; after, the kernel has filled
// them in.
void epoll_changed(int epoll, int operation, int fd, const epoll_event* event) noexcept;
void about_to_wait(int epoll) noexcept;
void about_to_poll(const pollfd* descriptors, nfds_t count) noexcept;
void about_to_select(const fd_set* readers, int count) noexcept;
void has_waited(int epoll, const epoll_event* events, int count) noexcept;
void has_polled(const pollfd* descriptors, nfds_t count, int ready) noexcept;
void has_selected(const fd_set* readers, int count, int ready) noexcept;

// Taken before a descriptor is closed, and handed in once it is.
std::optional<FileIdentity> about_to_close(int fd) noexcept;
void has_closed(int fd, const FileIdentity& file) noexcept;
// The same for all descriptors from `first` to `last`: empty when none of them is ours.
std::optional<FileIdentity> about_to_close(unsigned first, unsigned last) noexcept;
void has_closed(unsigned first, unsigned last, const FileIdentity& file) noexcept;

// After the real open or access failed: a descriptor, or 0.
std::optional<int> open_instead(const char* path, int flags) noexcept;
bool access_instead(const char* path, int mode) noexcept;
// After it succeeded.
void opened(const char* path, int fd) noexcept;

// After readlink succeeded: what the link holds instead, in its first `size` bytes; the answer is the length.
std::optional<long> link_instead(const char* path, char* out, std::size_t size) noexcept;

// Pins live in the registry, wherever a BPF file system would have them.
// Whether `path`, which may be no address unless a call has read it, is where that file system belongs.
bool is_pin_place(const char* path) noexcept;
// After the real unlink failed: true when `path` was a pin, and is none any more.
bool unpinned(const char* path) noexcept;

}  // namespace bpftime::preload
