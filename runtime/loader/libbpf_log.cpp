#include "runtime/loader/libbpf_log.h"

#include <bpf/libbpf.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>

namespace bpftime {

namespace {

constinit thread_local LibbpfLog* current_log = nullptr;
libbpf_print_fn_t previous_print = nullptr;

// Warnings that say nothing about the cause.
constexpr std::string_view kRemarks[] = {
    "Error in bpf_create_map_xattr", "failed to load object",       "-- BEGIN PROG LOAD LOG --",
    "BPF program load failed",       "failed to load BPF skeleton", "is a known limitation",
    "Kernel doesn't support",        "BTF is optional, ignoring",   "permission error while running",
};

bool is_remark(std::string_view text) {
    return std::ranges::any_of(kRemarks,
                               [&](std::string_view remark) { return text.find(remark) != std::string_view::npos; });
}

int keep(libbpf_print_level level, const char* format, va_list arguments) {
    if (current_log == nullptr) return previous_print != nullptr ? previous_print(level, format, arguments) : 0;
    if (level != LIBBPF_WARN) return 0;
    char text[8192];
    const int length = std::vsnprintf(text, sizeof(text), format, arguments);
    if (length > 0) current_log->add(std::string_view(text, std::min<std::size_t>(length, sizeof(text) - 1)));
    return length;
}

constexpr std::string_view kProgram = "prog '";

std::string_view program_of(std::string_view warning) {
    if (!warning.starts_with(kProgram)) return {};
    const std::size_t end = warning.find("': ", kProgram.size());
    return end == std::string_view::npos ? std::string_view() : warning.substr(kProgram.size(), end - kProgram.size());
}

}  // namespace

std::mutex& libbpf_mutex() {
    static std::mutex mutex;
    return mutex;
}

LibbpfLog::LibbpfLog() {
    const libbpf_print_fn_t before = libbpf_set_print(keep);
    if (before != keep) previous_print = before;
    current_log = this;
}

LibbpfLog::~LibbpfLog() {
    current_log = nullptr;
    libbpf_set_print(previous_print);
}

void LibbpfLog::add(std::string_view warning) {
    constexpr std::string_view kPrefix = "libbpf: ";
    if (warning.starts_with(kPrefix)) warning.remove_prefix(kPrefix.size());
    while (warning.ends_with('\n') || warning.ends_with('.')) warning.remove_suffix(1);
    warnings_.emplace_back(warning);
}

std::string LibbpfLog::decisive(std::string_view fallback) const {
    for (const std::string& warning : warnings_) {
        if (is_remark(warning)) continue;
        std::string_view text = warning;
        const std::string_view program = program_of(text);
        if (!program.empty()) text.remove_prefix(kProgram.size() + program.size() + 3);
        return std::string(text);
    }
    return std::string(fallback);
}

std::optional<std::string> LibbpfLog::blamed_program() const {
    for (auto warning = warnings_.rbegin(); warning != warnings_.rend(); ++warning)
        if (const std::string_view program = program_of(*warning); !program.empty()) return std::string(program);
    return std::nullopt;
}

bool LibbpfLog::program_load_failed() const {
    return std::ranges::any_of(warnings_, [](const std::string& warning) {
        return warning.find("BPF program load failed") != std::string::npos;
    });
}

std::optional<std::string> LibbpfLog::failed_relocation() const {
    constexpr std::string_view kFailed = "failed to resolve CO-RE relocation ";
    for (const std::string& warning : warnings_) {
        const std::size_t at = warning.find(kFailed);
        if (at == std::string::npos) continue;
        const std::size_t begin = at + kFailed.size();
        return warning.substr(begin, warning.find('\n', begin) - begin);
    }
    return std::nullopt;
}

}  // namespace bpftime
