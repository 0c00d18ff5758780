#include "vm/core/code_memory.h"

#include <sys/mman.h>

#include <cstring>

#include "vm/core/page_pool.h"

namespace bpftime {

namespace {

std::size_t round_to_pages(std::size_t bytes) {
    const std::size_t page = PagePool::page_size();
    return (bytes + page - 1) / page * page;
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
    if (base_ != nullptr && !PagePool::instance().give_back(base_, size_)) munmap(base_, size_);
}

Result<CodeMemory> CodeMemory::publish(const CodeLayout& layout, const void* near,
                                       const std::function<Status(const CodePointers&)>& fill) {
    const std::size_t code = round_to_pages(layout.code);
    const std::size_t constants = round_to_pages(layout.constants);
    const std::size_t size = code + constants + round_to_pages(layout.data);
    std::uint8_t* base = PagePool::instance().take(size, near);
    if (base == nullptr) base = map_near(size, near);
    if (base == nullptr) return fail(system_failure("mapping memory for code"));

    CodeMemory memory;
    memory.base_ = base;
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
