// The few files of sysfs and tracefs without which loaders do not attach: served where the real ones cannot be read,
// because the user may not or the kernel has none.
#pragma once

#include <optional>
#include <string_view>

#include "runtime/syscall-server/perf_events.h"

namespace bpftime::preload {

// Whether `path` may be served at all, or be added to: quick, for every path that is opened.
bool may_be_served(const char* path);
bool may_be_extended(const char* path);

// /proc/self/fdinfo/N was opened as `fd`: puts a file in its place that says what the kernel says of a descriptor of BPF as well.
// Nothing happens to other files.
void extend_opened(const char* path, int fd);

// A new descriptor with the file's contents. Empty when it is not served, or not with these flags of open(2).
std::optional<int> open_served(const char* path, int flags);

// What access(2) says of a served file: readable.
bool is_served(const char* path, int mode);

// A real file was opened: the id of a tracepoint in it is remembered with its name.
void note_opened(const char* path, int fd);

// For forking.h.
void lock_served_files();
void unlock_served_files();

// How events are numbered here: by the real files where they can be read, else as the served ones say.
const EventSources& event_sources();

// What the symbolic link /proc/self/fd/N holds when N is a descriptor of BPF.
std::optional<std::string_view> link_of_descriptor(const char* path);

}  // namespace bpftime::preload
