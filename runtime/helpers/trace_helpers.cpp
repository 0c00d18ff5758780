// printk and snprintf.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <span>

#include "runtime/helpers/format.h"
#include "runtime/helpers/functions.h"
#include "runtime/helpers/helpers.h"
#include "runtime/helpers/run_context.h"
#include "runtime/helpers/trace_ring.h"

namespace bpftime {

namespace {

std::atomic<int> trace_fd{STDERR_FILENO};

}  // namespace

void set_trace_output(int fd) { trace_fd.store(fd, std::memory_order_relaxed); }

namespace helpers {

namespace {

constexpr std::size_t kLine = 1024;        // the kernel's BPF_TRACE_PRINTK_SIZE
constexpr u64 kMaxVariableArguments = 12;  // MAX_BPRINTF_VARARGS

// To the run's ring; without one to the descriptor. There, one write a line, so that lines of several threads do not
// mix, and an end of the line where the program gave none.
void emit(char* line, std::size_t length) {
    const RunContext* run = current_run_context();
    if (run != nullptr && run->trace != nullptr) return run->trace->write({line, length});
    if (run != nullptr && run->silent) return;
    if (length == 0 || line[length - 1] != '\n') line[length++] = '\n';
    const int fd = trace_fd.load(std::memory_order_relaxed);
    const int kept_errno = errno;  // the traced code's
    if (fd >= 0 && write(fd, line, length) < 0) errno = kept_errno;
}

u64 print_line(u64 format, u64 format_size, std::span<const u64> arguments) {
    const char* text = pointer<char>(format);
    if (std::memchr(text, 0, format_size) == nullptr) return result(-EINVAL);
    char line[kLine + 1];
    const std::int64_t length = format_bpf(line, kLine, text, arguments);
    if (length >= 0) emit(line, std::min<std::size_t>(static_cast<std::size_t>(length), kLine - 1));
    return result(length);
}

bool arguments_valid(u64 data, u64 size) {
    return size % 8 == 0 && size <= kMaxVariableArguments * 8 && (size == 0 || data != 0);
}

std::span<const u64> arguments_of(u64 data, u64 size) { return {pointer<const u64>(data), size / 8}; }

}  // namespace

// Format of `size` bytes with its NUL, up to three arguments. The number of bytes formatted.
u64 trace_printk(u64 format, u64 size, u64 a, u64 b, u64 c) {
    const std::array<u64, 3> arguments{a, b, c};
    return print_line(format, static_cast<std::uint32_t>(size), arguments);
}

// The same with an array of up to twelve.
u64 trace_vprintk(u64 format, u64 size, u64 data, u64 data_size, u64) {
    data_size = static_cast<std::uint32_t>(data_size);
    if (!arguments_valid(data, data_size)) return result(-EINVAL);
    return print_line(format, static_cast<std::uint32_t>(size), arguments_of(data, data_size));
}

// Length of the text with its NUL, also where it was cut to `size`.
u64 snprintf(u64 out, u64 size, u64 format, u64 data, u64 data_size) {
    data_size = static_cast<std::uint32_t>(data_size);
    if (!arguments_valid(data, data_size)) return result(-EINVAL);
    const std::int64_t length = format_bpf(pointer<char>(out), static_cast<std::uint32_t>(size), pointer<char>(format),
                                           arguments_of(data, data_size));
    return result(length < 0 ? length : length + 1);
}

}  // namespace helpers

}  // namespace bpftime
