#include "tools/support/files.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

namespace bpftime::tools {

namespace {

Error system_error(const std::string& path, std::string_view doing) {
    const int number = errno;
    return failure("cannot ", doing, ": ", std::strerror(number)).in_file(path).with_errno(number);
}

// A descriptor that closes itself.
class File {
public:
    explicit File(int fd) : fd_(fd) {}
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() {
        if (fd_ >= 0) close(fd_);
    }
    int get() const { return fd_; }

private:
    int fd_;
};

bool write_all(int fd, std::span<const std::uint8_t> contents) {
    while (!contents.empty()) {
        const ssize_t written = write(fd, contents.data(), contents.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        contents = contents.subspan(static_cast<std::size_t>(written));
    }
    return true;
}

}  // namespace

Result<Bytes> read_file(const std::string& path) {
    const File file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) return fail(system_error(path, "open"));
    struct stat status{};
    if (fstat(file.get(), &status) != 0) return fail(system_error(path, "read"));
    if (S_ISDIR(status.st_mode)) return fail(failure("is a directory, not a file").in_file(path).with_errno(EISDIR));

    Bytes contents(S_ISREG(status.st_mode) ? static_cast<std::size_t>(status.st_size) : 0);
    std::size_t filled = 0;
    while (true) {
        if (filled == contents.size()) contents.resize(filled + 65536);
        const ssize_t got = read(file.get(), contents.data() + filled, contents.size() - filled);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(system_error(path, "read"));
        if (got == 0) break;
        filled += static_cast<std::size_t>(got);
    }
    contents.resize(filled);
    return contents;
}

Status write_file(const std::string& path, std::span<const std::uint8_t> contents) {
    std::string temporary = path + ".XXXXXX";
    const File file(mkostemp(temporary.data(), O_CLOEXEC));
    if (file.get() < 0) return fail(system_error(path, "write"));
    const mode_t mask = umask(0);
    umask(mask);
    const bool written = write_all(file.get(), contents) && fchmod(file.get(), 0666 & ~mask) == 0 &&
                         rename(temporary.c_str(), path.c_str()) == 0;
    if (written) return {};
    Error error = system_error(path, "write");
    unlink(temporary.c_str());
    return fail(std::move(error));
}

Status write_file(const std::string& path, std::string_view contents) {
    return write_file(path, std::span(reinterpret_cast<const std::uint8_t*>(contents.data()), contents.size()));
}

Status make_directory(const std::string& path) {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (!error && !std::filesystem::is_directory(path, error)) error = std::make_error_code(std::errc::not_a_directory);
    if (error) return fail(failure("cannot create the directory: ", error.message()).in_file(path).with_errno(error.value()));
    return {};
}

FileKind file_kind(std::span<const std::uint8_t> contents) {
    if (contents.size() < sizeof(Elf64_Ehdr) || std::memcmp(contents.data(), ELFMAG, SELFMAG) != 0) return FileKind::Other;
    const bool big_endian = contents[EI_DATA] == ELFDATA2MSB;
    constexpr std::size_t kMachine = offsetof(Elf64_Ehdr, e_machine);
    const unsigned machine = contents[kMachine + (big_endian ? 1 : 0)] | contents[kMachine + (big_endian ? 0 : 1)] << 8;
    return machine == EM_BPF ? FileKind::Bpf : FileKind::Native;
}

}  // namespace bpftime::tools
