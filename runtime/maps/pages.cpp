#include "runtime/maps/pages.h"

#include <sys/mman.h>

#include <cstring>

namespace bpftime {

namespace {

constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 46;  // beyond any address space of today

}  // namespace

Pages::~Pages() {
    if (base_ != nullptr) munmap(base_, size_);
}

Result<Pages> Pages::reserve(std::uint64_t size) { return make(size, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1); }

Result<Pages> Pages::inherit(std::uint64_t size) { return make(size, MAP_SHARED | MAP_ANONYMOUS, -1); }

Result<Pages> Pages::share(int fd, std::uint64_t size) { return make(size, MAP_SHARED, fd); }

Result<Pages> Pages::make(std::uint64_t size, int flags, int fd) {
    if (size == 0 || size > kMaxBytes)
        return fail(failure("a map of ", size, " bytes does not fit").with_errno(ENOMEM));
    void* base = mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (base == MAP_FAILED)
        return fail(failure("cannot get ", size, " bytes for a map: ", std::strerror(errno)).with_errno(ENOMEM));
    return Pages(static_cast<std::uint8_t*>(base), size);
}

}  // namespace bpftime
