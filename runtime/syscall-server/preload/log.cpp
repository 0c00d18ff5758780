#include "runtime/syscall-server/preload/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "runtime/registry/fd.h"

namespace bpftime::preload {

namespace {

void write_line(int fd, const std::string& line) {
    // One call, so that lines of several threads and processes stay whole. A log that cannot be written is given up.
    if (write(fd, line.data(), line.size()) < 0) return;
}

}  // namespace

void log_refusal(std::string_view call, const Error& error) {
    const char* output = std::getenv("BPFTIME_LOG_OUTPUT");
    if (output == nullptr || *output == '\0') return;
    const std::string line =
        cat("bpftime: ", call, ": ", strerrorname_np(error.errnum) ? strerrorname_np(error.errnum) : "?", ": ",
            to_string(error), '\n');
    if (std::strcmp(output, "console") == 0) return write_line(STDERR_FILENO, line);
    const Fd file(open(output, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
    if (file) write_line(file.get(), line);
}

}  // namespace bpftime::preload
