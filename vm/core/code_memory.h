// The one place that makes memory executable. Code is written while its pages are writable and not executable, then switched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "vm/core/result.h"

namespace bpftime {

// Pages that hold published code and its read-only data. Unmaps on destruction. Move-only.
class CodeMemory {
public:
    CodeMemory() = default;
    CodeMemory(CodeMemory&& other) noexcept;
    CodeMemory& operator=(CodeMemory&& other) noexcept;
    ~CodeMemory();

    // Maps `code_size` + `data_size` bytes (the data on pages of its own, after the code), near `near` when it is not null so
    // that 32-bit displacements reach it. `fill` writes both through the pointers given, which are also the final addresses;
    // if it fails nothing stays mapped. Then code becomes read+execute and data read-only, instruction caches are synchronised.
    static Result<CodeMemory> publish(std::size_t code_size, std::size_t data_size, const void* near,
                                      const std::function<Status(std::uint8_t* code, std::uint8_t* data)>& fill);

    const std::uint8_t* code() const { return base_; }
    std::size_t size() const { return size_; }

private:
    std::uint8_t* base_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace bpftime
