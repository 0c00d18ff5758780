// Numbers from text, and comparing strings.
#include <algorithm>

#include "runtime/helpers/functions.h"

namespace bpftime::helpers {

namespace {

constexpr u64 kMaxDigits = 63;  // the kernel looks at no more

struct Parsed {
    u64 magnitude = 0;
    bool negative = false;
    int consumed = 0;  // bytes, or -errno
};

bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r') || c == '\xa0';
}  // the kernel's isspace is Latin-1

// Value of a digit of any base up to 16, or 255.
unsigned digit_value(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? static_cast<unsigned>(lower - 'a' + 10) : 255;
}

// Base 0 reads the prefix: 0x is 16, 0 is 8, else 10. Base 16 skips a 0x. Moves `at` behind the prefix.
unsigned take_prefix(const char*& at, const char* end, unsigned base) {
    const bool zero_x = end - at >= 2 && at[0] == '0' && (at[1] | 0x20) == 'x';
    if (base == 0) {
        if (zero_x && end - at >= 3 && digit_value(at[2]) < 16)
            base = 16;
        else
            base = at < end && at[0] == '0' ? 8 : 10;
    }
    if (base == 16 && zero_x) at += 2;
    return base;
}

// Digits up to the first that is none; 0 consumed bytes when there is no digit at all.
Parsed parse_digits(const char* at, const char* end, unsigned base) {
    Parsed parsed;
    const char* begin = at;
    bool overflow = false;
    for (; at < end && digit_value(*at) < base; ++at)
        overflow |= __builtin_mul_overflow(parsed.magnitude, u64{base}, &parsed.magnitude) |
                    __builtin_add_overflow(parsed.magnitude, u64{digit_value(*at)}, &parsed.magnitude);
    parsed.consumed = overflow ? -ERANGE : static_cast<int>(at - begin);
    return parsed;
}

Parsed parse_number(const char* text, u64 size, u64 flags) {
    if (flags != 0 && flags != 8 && flags != 10 && flags != 16) return {.consumed = -EINVAL};
    const char* at = text;
    const char* const end = text + size;
    while (at < end && is_space(*at)) ++at;
    const bool negative = at < end && *at == '-';
    if (negative) ++at;
    const char* digits = at;
    const char* digits_end = digits + std::min<u64>(static_cast<u64>(end - at), kMaxDigits);
    const unsigned base = take_prefix(digits, digits_end, static_cast<unsigned>(flags));
    Parsed parsed = parse_digits(digits, digits_end, base);
    parsed.negative = negative;
    if (parsed.consumed == 0) parsed.consumed = -EINVAL;
    if (parsed.consumed > 0) parsed.consumed += static_cast<int>(digits - text);
    return parsed;
}

}  // namespace

// Bytes consumed; the number, 0 on failure, goes to *out.
u64 strtol(u64 text, u64 size, u64 flags, u64 out, u64) {
    auto* number = pointer<std::int64_t>(out);
    *number = 0;
    const Parsed parsed = parse_number(pointer<char>(text), size, flags);
    if (parsed.consumed < 0) return result(parsed.consumed);
    constexpr u64 kLimit = u64{1} << 63;
    if (parsed.magnitude > kLimit - (parsed.negative ? 0 : 1)) return result(-ERANGE);
    *number = static_cast<std::int64_t>(parsed.negative ? 0 - parsed.magnitude : parsed.magnitude);
    return result(parsed.consumed);
}

u64 strtoul(u64 text, u64 size, u64 flags, u64 out, u64) {
    auto* number = pointer<u64>(out);
    *number = 0;
    const Parsed parsed = parse_number(pointer<char>(text), size, flags);
    if (parsed.consumed < 0) return result(parsed.consumed);
    if (parsed.negative) return result(-EINVAL);
    *number = parsed.magnitude;
    return result(parsed.consumed);
}

// -1, 0 or 1 from the first `size` bytes of two strings.
u64 strncmp(u64 left, u64 size, u64 right, u64, u64) {
    const auto* a = pointer<unsigned char>(left);
    const auto* b = pointer<unsigned char>(right);
    size = static_cast<std::uint32_t>(size);
    for (u64 i = 0; i < size; ++i) {
        if (a[i] != b[i]) return result(a[i] < b[i] ? -1 : 1);
        if (a[i] == 0) break;
    }
    return 0;
}

}  // namespace bpftime::helpers
