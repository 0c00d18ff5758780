#include "runtime/syscall-server/tracepoints.h"

#include <array>

namespace bpftime {

namespace {

constexpr std::uint32_t kFirstId = 1u << 20;

struct Syscall {
    std::string_view name;
};
// Generated from the build target's <asm/unistd.h> (CMakeLists.txt).
constexpr Syscall kSyscalls[] = {
#define SYSCALL(name) {#name},
#include "syscall_names.inc"
};

// Functions of the kernel that are not called as their system call.
constexpr std::array<std::array<std::string_view, 2>, 6> kRenamed = {{
    {"stat", "newstat"},
    {"fstat", "newfstat"},
    {"lstat", "newlstat"},
    {"uname", "newuname"},
    {"sendfile", "sendfile64"},
    {"umount2", "umount"},
}};

std::string_view kernel_name(std::string_view name) {
    for (const auto& [call, function] : kRenamed)
        if (call == name) return function;
    return name;
}

// An id is kFirstId, then twice the position of the call, 0 standing for any, plus 1 on exit.
constexpr std::string_view kDirections[] = {"sys_enter", "sys_exit"};

std::optional<std::uint32_t> position(std::string_view call) {
    for (std::uint32_t at = 0; at < std::size(kSyscalls); ++at)
        if (kernel_name(kSyscalls[at].name) == call) return at + 1;
    return std::nullopt;
}

}  // namespace

std::optional<std::uint32_t> tracepoint_id(std::string_view category, std::string_view name) {
    for (std::uint32_t exit = 0; exit < 2; ++exit) {
        const std::string_view prefix = kDirections[exit];
        if (category == "raw_syscalls" && name == prefix) return kFirstId + exit;
        if (category != "syscalls" || !name.starts_with(prefix) || !name.substr(prefix.size()).starts_with('_'))
            continue;
        if (const auto at = position(name.substr(prefix.size() + 1))) return kFirstId + 2 * *at + exit;
    }
    return std::nullopt;
}

std::optional<std::string> tracepoint_name(std::uint64_t id) {
    if (id < kFirstId || (id - kFirstId) / 2 > std::size(kSyscalls)) return std::nullopt;
    const std::string direction(kDirections[id % 2]);
    const std::uint64_t at = (id - kFirstId) / 2;
    if (at == 0) return "raw_syscalls:" + direction;
    return "syscalls:" + direction + '_' + std::string(kernel_name(kSyscalls[at - 1].name));
}

std::optional<TracepointPath> split_tracepoint_path(std::string_view path) {
    for (const std::string_view root : {"/sys/kernel/tracing/events/", "/sys/kernel/debug/tracing/events/"}) {
        if (!path.starts_with(root)) continue;
        const std::string_view rest = path.substr(root.size());
        const std::size_t first = rest.find('/'), second = rest.find('/', first + 1);
        if (first == std::string_view::npos || second == std::string_view::npos) return std::nullopt;
        const TracepointPath parts{rest.substr(0, first), rest.substr(first + 1, second - first - 1),
                                   rest.substr(second + 1)};
        if (parts.file.find('/') != std::string_view::npos) return std::nullopt;
        return parts;
    }
    return std::nullopt;
}

}  // namespace bpftime
