// Lines of bpf_printk in memory that processes share: a ring of slots that overwrites the oldest, as the kernel's
// tracing buffer does.
//
// Writers take no lock: each takes the next slots by one addition, marks them as being written, fills them, and marks
// them as whole. A writer that dies in between leaves slots that a reader passes over. One that sleeps there until the
// ring has come round finds its slots taken and gives up; what it may have spoilt does not match its check sum.
// Reading takes a line away, so that of several readers each line goes to one.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "runtime/maps/pages.h"

namespace bpftime {

// What bpf_trace_printk() leaves.
struct TraceLine {
    std::uint64_t time = 0;  // CLOCK_MONOTONIC, ns
    std::uint32_t process = 0, thread = 0, cpu = 0;
    std::uint32_t length = 0;
    char comm[16] = {};  // of the thread, with its NUL
    std::array<char, 1024> text;

    std::string_view words() const { return {text.data(), length}; }
};

// As /sys/kernel/tracing/trace_pipe shows it, with the line's end; the number of bytes, at most 1200.
std::size_t format_trace_line(const TraceLine& line, std::span<char> out);

class TraceRing {
public:
    static constexpr std::uint64_t kStorage = kPage + 4096 * 128;

    // Over kStorage bytes, which were zero when they were made.
    explicit TraceRing(Pages pages) : pages_(std::move(pages)) {}

    // Adds a line of the calling thread. Safe in signal handlers; keeps errno. Text beyond 1023 bytes is cut, a newline
    // at its end dropped.
    void write(std::string_view text);

    enum class Read : std::uint8_t {
        Line,   // here it is
        Empty,  // nothing more now
        Lost,   // lines were overwritten before they were read, or their writer died over them
    };
    // Takes the oldest line. Slots that stay unfinished for `patience` reads in a row are passed over.
    Read read(TraceLine& line, std::uint32_t patience = 3);

private:
    struct Head;
    struct Slot;
    struct Start;
    Head& head() const;
    Slot& slot(std::uint64_t ticket) const;
    bool copy(std::uint64_t ticket, TraceLine& line, std::uint64_t& next) const;
    Read pass_over(std::uint64_t ticket, std::uint64_t there, std::uint64_t end, std::uint32_t patience);

    Pages pages_;
    std::uint64_t waited_for_ = 0;  // the slot that was unfinished at the last read, and how often
    std::uint32_t waited_ = 0;
};

}  // namespace bpftime
