// The one place that makes memory executable. Code is written while its pages are writable and not executable, then switched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "vm/core/result.h"

namespace bpftime {

// Bytes wanted of each kind; each begins on a page of its own, in this order.
struct CodeLayout {
    std::size_t code = 0;      // becomes read + execute
    std::size_t constants = 0; // becomes read-only
    std::size_t data = 0;      // stays read + write
};

struct CodePointers {
    std::uint8_t* code = nullptr;
    std::uint8_t* constants = nullptr;
    std::uint8_t* data = nullptr;
};

// Pages that hold published code and its data. Unmaps on destruction. Move-only.
class CodeMemory {
public:
    CodeMemory() = default;
    CodeMemory(CodeMemory&& other) noexcept;
    CodeMemory& operator=(CodeMemory&& other) noexcept;
    ~CodeMemory();

    // Maps pages for `layout`, near `near` when it is not null so that 32-bit displacements reach it if there is room. `fill`
    // writes the contents through the pointers given, which are also the final addresses; if it fails nothing stays mapped.
    // Then protections change as CodeLayout says and instruction caches are synchronised.
    static Result<CodeMemory> publish(const CodeLayout& layout, const void* near,
                                      const std::function<Status(const CodePointers&)>& fill);

    const std::uint8_t* code() const { return base_; }
    std::size_t size() const { return size_; }

private:
    std::uint8_t* base_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace bpftime
