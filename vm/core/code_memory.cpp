#include "vm/core/code_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

namespace bpftime {

namespace {

std::size_t round_to_pages(std::size_t bytes) {
    static const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    return (bytes + page - 1) / page * page;
}

// Address to ask mmap for so that code lands within 2 GiB of `near`; the kernel takes the next free range below or above.
void* hint_near(const void* near, std::size_t size) {
    if (near == nullptr) return nullptr;
    const auto address = reinterpret_cast<std::uintptr_t>(near);
    constexpr std::uintptr_t kReach = 256u << 20;
    return reinterpret_cast<void*>(address > kReach + size ? (address - kReach - size) & ~std::uintptr_t{0xffff} : 0);
}

Error system_failure(const char* what) { return failure(what, " failed: ", std::strerror(errno)).with_errno(errno); }

}  // namespace

CodeMemory::CodeMemory(CodeMemory&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)), size_(std::exchange(other.size_, 0)) {}

CodeMemory& CodeMemory::operator=(CodeMemory&& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(size_, other.size_);
    return *this;
}

CodeMemory::~CodeMemory() {
    if (base_ != nullptr) munmap(base_, size_);
}

Result<CodeMemory> CodeMemory::publish(const CodeLayout& layout, const void* near,
                                       const std::function<Status(const CodePointers&)>& fill) {
    const std::size_t code = round_to_pages(layout.code);
    const std::size_t constants = round_to_pages(layout.constants);
    const std::size_t size = code + constants + round_to_pages(layout.data);
    void* base = mmap(hint_near(near, size), size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) return fail(system_failure("mapping memory for code"));

    CodeMemory memory;
    memory.base_ = static_cast<std::uint8_t*>(base);
    memory.size_ = size;
    BPFTIME_CHECK(fill({memory.base_, memory.base_ + code, memory.base_ + code + constants}));

    if (constants != 0 && mprotect(memory.base_ + code, constants, PROT_READ) != 0)
        return fail(system_failure("protecting constants"));
    if (code != 0 && mprotect(memory.base_, code, PROT_READ | PROT_EXEC) != 0)
        return fail(system_failure("making code executable"));
    __builtin___clear_cache(reinterpret_cast<char*>(memory.base_), reinterpret_cast<char*>(memory.base_ + code));
    return memory;
}

}  // namespace bpftime
