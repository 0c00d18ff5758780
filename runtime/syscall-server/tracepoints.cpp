#include "runtime/syscall-server/tracepoints.h"

#include <algorithm>
#include <array>

#include "vm/core/result.h"

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

struct Arguments {
    std::string_view call;  // the kernel's function
    std::string_view list;
};
constexpr Arguments kArguments[] = {
#define ARGUMENTS(name, list) {#name, list},
#include "runtime/syscall-server/syscall_arguments.def"
};

struct Field {
    std::string_view declaration;
    std::uint32_t offset, size, is_signed;
};

std::string field_line(const Field& field) {
    return cat("\tfield:", field.declaration, ";\toffset:", field.offset, ";\tsize:", field.size, ";\tsigned:", field.is_signed, ";\n");
}

// struct trace_entry, which every event begins with.
constexpr Field kCommon[] = {{"unsigned short common_type", 0, 2, 0},
                             {"unsigned char common_flags", 2, 1, 0},
                             {"unsigned char common_preempt_count", 3, 1, 0},
                             {"int common_pid", 4, 4, 1}};
constexpr Field kNumber{"int __syscall_nr", 8, 4, 1}, kLongNumber{"long id", 8, 8, 1}, kResult{"long ret", 16, 8, 1},
    kRawArguments{"unsigned long args[6]", 16, 48, 0};

// The fields behind the common ones, and how they are printed.
struct Context {
    std::string fields, print;
};

Context enter_context(std::string_view list) {
    Context context{field_line(kNumber), {}};
    std::string names, values;
    for (std::uint32_t offset = 16; !list.empty(); offset += 8) {
        const std::size_t end = std::min(list.find(", "), list.size());
        const std::string_view declaration = list.substr(0, end), name = declaration.substr(declaration.rfind(' ') + 1);
        list.remove_prefix(std::min(end + 2, list.size()));
        context.fields += field_line({declaration, offset, 8, 0});
        names += cat(names.empty() ? "" : ", ", name, ": 0x%08lx");
        values += cat(", ((unsigned long)(REC->", name, "))");
    }
    context.print = cat('"', names, '"', values);
    return context;
}

std::optional<Context> context_of(std::string_view category, std::string_view name) {
    if (category == "raw_syscalls" && name == "sys_enter")
        return Context{field_line(kLongNumber) + field_line(kRawArguments),
                       "\"NR %ld (%lx, %lx, %lx, %lx, %lx, %lx)\", REC->id, REC->args[0], REC->args[1], REC->args[2], "
                       "REC->args[3], REC->args[4], REC->args[5]"};
    if (category == "raw_syscalls")
        return Context{field_line(kLongNumber) + field_line(kResult), "\"NR %ld = %ld\", REC->id, REC->ret"};
    if (name.starts_with("sys_exit_")) return Context{field_line(kNumber) + field_line(kResult), "\"0x%lx\", REC->ret"};
    const std::string_view call = name.substr(kDirections[0].size() + 1);
    const auto* row = std::ranges::find(kArguments, call, &Arguments::call);
    if (row == std::end(kArguments)) return std::nullopt;
    return enter_context(row->list);
}

}  // namespace

std::optional<std::string> tracepoint_format(std::string_view category, std::string_view name) {
    const auto id = tracepoint_id(category, name);
    const auto context = id ? context_of(category, name) : std::nullopt;
    if (!context) return std::nullopt;
    std::string text = cat("name: ", name, "\nID: ", *id, "\nformat:\n");
    for (const Field& field : kCommon) text += field_line(field);
    return cat(text, '\n', context->fields, "\nprint fmt: ", context->print, '\n');
}

std::string available_tracepoints() {
    std::string text;
    for (std::uint64_t id = kFirstId; const auto name = tracepoint_name(id); ++id) text += *name + '\n';
    return text;
}

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
