// probe_read and its kin. One address space: the _user and _kernel forms differ in name only, and kernel addresses are
// -EFAULT.
#include <cstring>

#include "runtime/helpers/functions.h"
#include "runtime/helpers/safe_memory.h"

namespace bpftime::helpers {

namespace {

// As the kernel does, what could not be read is zeroed.
u64 read_bytes(u64 to, u64 size, u64 from) {
    size = static_cast<std::uint32_t>(size);
    const int error = safe_read(pointer(to), from, size);
    if (error != 0) std::memset(pointer(to), 0, size);
    return result(error);
}

u64 read_string(u64 to, u64 size, u64 from) {
    size = static_cast<std::uint32_t>(size);
    const std::int64_t length = safe_read_string(pointer<char>(to), from, size);
    if (length < 0) std::memset(pointer(to), 0, size);
    return result(length);
}

}  // namespace

u64 probe_read(u64 to, u64 size, u64 from, u64, u64) { return read_bytes(to, size, from); }
u64 probe_read_user(u64 to, u64 size, u64 from, u64, u64) { return read_bytes(to, size, from); }
u64 probe_read_kernel(u64 to, u64 size, u64 from, u64, u64) { return read_bytes(to, size, from); }
u64 copy_from_user(u64 to, u64 size, u64 from, u64, u64) { return read_bytes(to, size, from); }

u64 probe_read_str(u64 to, u64 size, u64 from, u64, u64) { return read_string(to, size, from); }
u64 probe_read_user_str(u64 to, u64 size, u64 from, u64, u64) { return read_string(to, size, from); }
u64 probe_read_kernel_str(u64 to, u64 size, u64 from, u64, u64) { return read_string(to, size, from); }

u64 probe_write_user(u64 to, u64 from, u64 size, u64, u64) {
    return result(safe_write(to, pointer(from), static_cast<std::uint32_t>(size)));
}

}  // namespace bpftime::helpers
