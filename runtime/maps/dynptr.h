// struct bpf_dynptr as programs hold it: 16 bytes that only helpers look into, laid out as the kernel's bpf_dynptr_kern.
#pragma once

#include <cstdint>

namespace bpftime {

enum class DynptrType : std::uint8_t { Invalid, Local, Ringbuf };

struct alignas(8) Dynptr {
    void* data = nullptr;
    std::uint32_t size = 0;  // bytes, below kMaxDynptr; above them the type, and in the highest bit: read-only
    std::uint32_t offset = 0;
};
static_assert(sizeof(Dynptr) == 16);

inline constexpr std::uint32_t kMaxDynptr = (1u << 24) - 1;
inline constexpr std::uint32_t kDynptrTypeShift = 28;
inline constexpr std::uint32_t kDynptrReadOnly = 1u << 31;

inline Dynptr make_dynptr(void* data, std::uint32_t size, DynptrType type) {
    return {data, size | static_cast<std::uint32_t>(type) << kDynptrTypeShift, 0};
}

}  // namespace bpftime
