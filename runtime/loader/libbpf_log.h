// What libbpf says while it works, kept instead of printed.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime {

// Held by whoever uses libbpf here: its print function and its section handlers are the process's.
std::mutex& libbpf_mutex();

// Collects libbpf's warnings on this thread while it lives; messages of other threads go where they went before.
class LibbpfLog {
public:
    LibbpfLog();
    LibbpfLog(const LibbpfLog&) = delete;
    LibbpfLog& operator=(const LibbpfLog&) = delete;
    ~LibbpfLog();

    void clear() { warnings_.clear(); }
    void add(std::string_view warning);

    // The warning that says why, without libbpf's prefix: the first that is neither a remark nor a consequence; else
    // `fallback`.
    std::string decisive(std::string_view fallback) const;
    // The program that the warnings blame, if any: "prog 'NAME': ...".
    std::optional<std::string> blamed_program() const;
    // True when the kernel's side refused a program, rather than libbpf itself.
    bool program_load_failed() const;
    // libbpf's rendering of a CO-RE relocation that failed, if one is named.
    std::optional<std::string> failed_relocation() const;

private:
    std::vector<std::string> warnings_;
};

}  // namespace bpftime
