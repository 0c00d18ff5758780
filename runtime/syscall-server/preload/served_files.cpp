#include "runtime/syscall-server/preload/served_files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>
#include <mutex>
#include <string>

#include "runtime/registry/fd.h"
#include "runtime/syscall-server/fd_info.h"
#include "runtime/syscall-server/preload/process_registry.h"
#include "runtime/syscall-server/preload/real.h"
#include "runtime/syscall-server/preload/trace_pipe.h"
#include "runtime/syscall-server/tracepoints.h"

namespace bpftime::preload {

namespace {

// Above what the kernel gives to event sources, and positive as loaders read it.
constexpr std::uint32_t kUprobeType = 1u << 20;
constexpr char kUprobePath[] = "/sys/bus/event_source/devices/uprobe/type";
constexpr char kKprobePath[] = "/sys/bus/event_source/devices/kprobe/type";

struct ServedFile {
    std::string_view path, text;
};
constexpr ServedFile kFiles[] = {
    {kUprobePath, "1048576\n"},
    {"/sys/bus/event_source/devices/uprobe/format/retprobe", "config:0\n"},
    {"/sys/bus/event_source/devices/uprobe/format/ref_ctr_offset", "config:32-63\n"},
    // Probes made by writing to this file: none, as bcc makes sure before it closes one made otherwise.
    {"/sys/kernel/tracing/uprobe_events", ""},
    {"/sys/kernel/debug/tracing/uprobe_events", ""},
    // Functions of the kernel that can be traced from here: none.
    {"/sys/kernel/tracing/available_filter_functions", ""},
    {"/sys/kernel/debug/tracing/available_filter_functions", ""},
};

std::optional<std::string> served_text(std::string_view path) {
    for (const ServedFile& file : kFiles)
        if (file.path == path) return std::string(file.text);
    for (const std::string_view root : {"/sys/kernel/tracing/", "/sys/kernel/debug/tracing/"})
        if (path.starts_with(root) && path.substr(root.size()) == "available_events") return available_tracepoints();
    const auto tracepoint = split_tracepoint_path(path);
    if (tracepoint && tracepoint->file == "format") return tracepoint_format(tracepoint->category, tracepoint->name);
    if (!tracepoint || tracepoint->file != "id") return std::nullopt;
    const auto id = tracepoint_id(tracepoint->category, tracepoint->name);
    if (!id) return std::nullopt;
    return std::to_string(*id) + '\n';
}

std::optional<std::uint32_t> read_number(int fd) {
    char text[16];
    const ssize_t size = pread(fd, text, sizeof(text), 0);
    std::uint32_t number = 0;
    if (size <= 0 || std::from_chars(text, text + size, number).ec != std::errc()) return std::nullopt;
    return number;
}

std::optional<std::uint32_t> read_number(const char* path) {
    const auto open_real = real_open();
    const Fd file(open_real == nullptr ? -1 : open_real(path, O_RDONLY | O_CLOEXEC));
    return file ? read_number(file.get()) : std::nullopt;
}

// The kernel's ids that this process has come across.
struct KernelIds {
    std::mutex mutex;
    std::map<std::uint64_t, std::string> names;
};
KernelIds& kernel_ids() {
    static KernelIds& ids = *new KernelIds;
    return ids;
}

std::optional<std::string> name_of_tracepoint(std::uint64_t id) {
    {
        KernelIds& known = kernel_ids();
        const std::lock_guard lock(known.mutex);
        const auto found = known.names.find(id);
        if (found != known.names.end()) return found->second;
    }
    return tracepoint_name(id);
}

}  // namespace

namespace {

// N of "/proc/self/fdinfo/N" or with this process's number, else -1; `what` is "fdinfo" or "fd".
int described_descriptor(std::string_view path, std::string_view what) {
    for (const std::string& root : {cat("/proc/self/", what, '/'), cat("/proc/", getpid(), '/', what, '/'),
                                    cat("/proc/thread-self/", what, '/')}) {
        if (!path.starts_with(root)) continue;
        path.remove_prefix(root.size());
        int fd = -1;
        const char* const end = path.data() + path.size();
        return std::from_chars(path.data(), end, fd).ptr == end ? fd : -1;
    }
    return -1;
}

std::string read_all(int fd) {
    std::string text(4096, '\0');
    const ssize_t size = pread(fd, text.data(), text.size(), 0);
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
}

// The registry's own locks are no business of the application's.
std::string without_locks(const std::string& text) {
    std::string rest;
    for (std::size_t at = 0, end = 0; at < text.size(); at = end) {
        end = std::min(text.find('\n', at), text.size() - 1) + 1;
        const std::string_view line = std::string_view(text).substr(at, end - at);
        if (!line.starts_with("lock:")) rest += line;
    }
    return rest;
}

// A file of this content, to be read.
Fd file_of(const char* name, std::string_view text) {
    auto file = anonymous_file(name, 0);
    if (!file || write(file->get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) return {};
    lseek(file->get(), 0, SEEK_SET);
    fcntl(file->get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
    return *std::move(file);
}

}  // namespace

bool may_be_extended(const char* path) { return std::strncmp(path, "/proc/", 6) == 0 && has_process_registry(); }

void extend_opened(const char* path, int fd) {
    const int described = described_descriptor(path, "fdinfo");
    const auto registry = process_registry();
    if (described < 0 || !registry) return;
    const auto object = (*registry)->at(described);
    if (!object) return;
    const Fd file = file_of("fdinfo", without_locks(read_all(fd)) + fd_info(**object));
    const int flags = fcntl(fd, F_GETFD);
    if (file) dup3(file.get(), fd, (flags & FD_CLOEXEC) != 0 ? O_CLOEXEC : 0);
}

std::optional<std::string_view> link_of_descriptor(const char* path) {
    const int described = described_descriptor(path, "fd");
    const auto registry = process_registry();
    if (described < 0 || !registry) return std::nullopt;
    const auto object = (*registry)->at(described);
    if (!object) return std::nullopt;
    return fd_link(**object);
}

bool may_be_served(const char* path) { return std::strncmp(path, "/sys/", 5) == 0; }

std::optional<int> open_served(const char* path, int flags) {
    if ((flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_DIRECTORY)) != 0) return std::nullopt;
    if (is_trace_pipe(path)) return open_trace_pipe(flags);
    const auto text = served_text(path);
    if (!text) return std::nullopt;
    Fd file = file_of("sysfs", *text);
    if (!file) return std::nullopt;
    if ((flags & O_CLOEXEC) == 0) fcntl(file.get(), F_SETFD, 0);
    return file.release();
}

bool is_served(const char* path, int mode) {
    if ((mode & ~R_OK) != 0) return false;
    if (is_trace_pipe(path) || served_text(path)) return true;
    // Loaders ask by this file whether a tracepoint exists.
    const auto tracepoint = split_tracepoint_path(path);
    return tracepoint && tracepoint->file == "format" && tracepoint_id(tracepoint->category, tracepoint->name);
}

void note_opened(const char* path, int fd) {
    const auto tracepoint = split_tracepoint_path(path);
    if (!tracepoint || tracepoint->file != "id") return;
    const auto id = read_number(fd);
    if (!id) return;
    KernelIds& known = kernel_ids();
    const std::lock_guard lock(known.mutex);
    known.names[*id] = cat(tracepoint->category, ':', tracepoint->name);
}

void lock_served_files() { kernel_ids().mutex.lock(); }
void unlock_served_files() { kernel_ids().mutex.unlock(); }

const EventSources& event_sources() {
    static const EventSources& sources = *new EventSources{
        .uprobe = read_number(kUprobePath).value_or(kUprobeType),
        .kprobe = read_number(kKprobePath),
        .tracepoint = name_of_tracepoint,
    };
    return sources;
}

}  // namespace bpftime::preload
