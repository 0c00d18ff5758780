#include "vm/core/code_chunk.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

namespace bpftime {

namespace {

Error system_failure(const char* what) {
    const int error = errno;
    return failure(what, " failed: ", std::strerror(error)).with_errno(error);
}

// Kernels before 6.3 do not know MFD_EXEC, later ones may insist on it.
int executable_memory(std::size_t size) {
    int fd = memfd_create("bpftime-code", MFD_CLOEXEC | MFD_EXEC);
    if (fd < 0) fd = memfd_create("bpftime-code", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, static_cast<off_t>(size)) == 0) return fd;
    close(fd);
    return -1;
}

}  // namespace

CodeChunk::CodeChunk(CodeChunk&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)), size_(std::exchange(other.size_, 0)), fd_(std::exchange(other.fd_, -1)) {}

CodeChunk& CodeChunk::operator=(CodeChunk&& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(size_, other.size_);
    std::swap(fd_, other.fd_);
    return *this;
}

CodeChunk::~CodeChunk() {
    if (base_ != nullptr) munmap(base_, size_);
    if (fd_ >= 0) close(fd_);
}

Result<CodeChunk> CodeChunk::map(std::uint64_t address, std::size_t size) {
    CodeChunk chunk;
    chunk.fd_ = executable_memory(size);
    if (chunk.fd_ < 0) return fail(system_failure("making memory for code"));
    const int placed = address != 0 ? MAP_FIXED_NOREPLACE : 0;
    void* const base = mmap(reinterpret_cast<void*>(address), size, PROT_READ | PROT_EXEC, MAP_SHARED | placed, chunk.fd_, 0);
    if (base == MAP_FAILED) return fail(system_failure("mapping memory for code"));
    chunk.base_ = static_cast<std::uint8_t*>(base);
    chunk.size_ = size;
    // Kernels before 4.17 take the address for a hint.
    if (address != 0 && chunk.address() != address) return fail(failure("the address is taken").with_errno(EEXIST));
    return chunk;
}

Status CodeChunk::write(std::size_t at, std::size_t count, const std::function<Status(std::uint8_t*)>& fill) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t first = at / page * page, length = (at + count - first + page - 1) / page * page;
    void* const writable =
        mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, static_cast<off_t>(first));
    if (writable == MAP_FAILED) return fail(system_failure("mapping memory to write code"));
    Status written = fill(static_cast<std::uint8_t*>(writable) + (at - first));
    munmap(writable, length);
    auto* const begin = reinterpret_cast<char*>(base_ + at);
    __builtin___clear_cache(begin, begin + count);
    return written;
}

bool CodeChunk::map_again(void* address, std::size_t size) const {
    return mmap(address, size, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, fd_, 0) != MAP_FAILED;
}

}  // namespace bpftime
