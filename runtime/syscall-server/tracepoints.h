// The tracepoints that mean something in userspace, their ids and the tracefs files by which loaders find them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bpftime {

// "syscalls:sys_enter_openat", "raw_syscalls:sys_exit": system calls as the kernel names them on this architecture.
// Ids of our own, far above the kernel's 16 bits.
std::optional<std::uint32_t> tracepoint_id(std::string_view category, std::string_view name);
std::optional<std::string> tracepoint_name(std::uint64_t id);

// What the file "format" of such a tracepoint says of its context; empty where the arguments are not known.
std::optional<std::string> tracepoint_format(std::string_view category, std::string_view name);
// The file "available_events": every tracepoint of these, one a line.
std::string available_tracepoints();

// Takes "<tracefs>/events/CATEGORY/NAME/FILE" apart; empty for any other path.
struct TracepointPath {
    std::string_view category, name, file;
};
std::optional<TracepointPath> split_tracepoint_path(std::string_view path);

}  // namespace bpftime
