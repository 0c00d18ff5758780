// The few functions of the C++ library that the archive's code calls out of line, on top of the C library, so that C
// drivers link with `cc` alone. The archive is built without exceptions; its symbols but for the interface are local to
// it.
#include <cstdlib>
#include <new>
#include <string>

void* operator new(std::size_t size) {
    void* memory = std::malloc(size == 0 ? 1 : size);
    if (memory == nullptr) __builtin_trap();  // as an uncaught bad_alloc
    return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

extern "C" void __cxa_pure_virtual() { __builtin_trap(); }

namespace std {
// Reached only by a broken precondition inside the library.
[[noreturn]] void __throw_length_error(const char*) { __builtin_trap(); }
[[noreturn]] void __throw_logic_error(const char*) { __builtin_trap(); }
[[noreturn]] void __throw_out_of_range_fmt(const char*, ...) { __builtin_trap(); }
[[noreturn]] void __throw_bad_alloc() { __builtin_trap(); }
[[noreturn]] void __throw_bad_array_new_length() { __builtin_trap(); }
}  // namespace std

#if _GLIBCXX_RELEASE >= 13
// Taken for one of the shared library's since then.
template void std::string::_M_replace_cold(char*, size_type, const char*, size_type, size_type);
#endif
