#include "runtime/helpers/format.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "runtime/helpers/safe_memory.h"

namespace bpftime {

namespace {

constexpr std::size_t kArgumentBytes = 512;  // the kernel's MAX_BPRINTF_BIN_ARGS

// Kinds of characters as the kernel has them: ISO 8859-1.
bool is_plain(char c) { return (c & 0x80) == 0; }  // ASCII
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || c == '\xa0'; }
bool is_print(char c) { return c >= 0x20 && c < 0x7f; }
bool is_alnum(char c) {
    const auto byte = static_cast<unsigned char>(c);
    if (!is_plain(c)) return byte >= 0xc0 && byte != 0xd7 && byte != 0xf7;
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9');
}
bool is_punct(char c) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_plain(c)) return is_print(c) && c != ' ' && !is_alnum(c);
    return (byte > 0xa0 && byte < 0xc0) || byte == 0xd7 || byte == 0xf7;
}
bool ends_conversion(char c) { return c == 0 || is_space(c) || is_punct(c); }

// Text that counts all of its bytes and keeps those that fit, as snprintf does.
class Output {
public:
    Output(char* out, std::size_t size) : out_(out), size_(size) {}

    void put(char c) { put(&c, 1); }
    void put(const char* text, std::size_t length) {
        if (length_ + 1 < size_) {
            const std::size_t room = size_ - 1 - length_;
            std::memcpy(out_ + length_, text, length < room ? length : room);
        }
        length_ += length;
    }
    // printf with one of the C library's conversions, already checked.
    template <class Value>
    void print(const char* conversion, Value value) {
        const bool full = length_ + 1 >= size_;
        const int length =
            std::snprintf(full ? nullptr : out_ + length_, full ? 0 : size_ - length_, conversion, value);
        if (length > 0) length_ += static_cast<std::size_t>(length);
    }
    std::int64_t finish() {
        if (size_ > 0) out_[length_ < size_ ? length_ : size_ - 1] = 0;
        return static_cast<std::int64_t>(length_);
    }

private:
    char* out_;
    std::size_t size_;
    std::size_t length_ = 0;
};

// One conversion of the format: "%" flags and width, as text for the C library.
struct Conversion {
    char prefix[16] = "%";
    std::size_t length = 1;
    bool has_width = false;

    bool append(char c) {
        if (length + 8 > sizeof prefix) return false;  // room for "016llx" and NUL
        prefix[length++] = c;
        return true;
    }
    const char* with(const char* ending) {
        std::strcpy(prefix + length, ending);
        return prefix;
    }
};

class Formatter {
public:
    Formatter(char* out, std::size_t size, std::span<const std::uint64_t> arguments)
        : output_(out, size), arguments_(arguments) {}

    std::int64_t run(const char* format);

private:
    int convert();
    int pointer(Conversion& conversion);
    int string(std::uint64_t from, Conversion* conversion);
    int address_text(bool six, bool separators);
    int character(Conversion& conversion);
    int number(Conversion& conversion);
    int flags_and_width(Conversion& conversion);
    // Room for an argument in the kernel's buffer, from which later strings take what is left.
    int reserve(std::size_t bytes, std::size_t alignment);

    const char* at_ = nullptr;
    Output output_;
    std::span<const std::uint64_t> arguments_;
    std::size_t used_arguments_ = 0;
    std::size_t used_bytes_ = 0;
};

int Formatter::reserve(std::size_t bytes, std::size_t alignment) {
    used_bytes_ = (used_bytes_ + alignment - 1) / alignment * alignment;
    if (used_bytes_ + bytes > kArgumentBytes) return -ENOSPC;
    used_bytes_ += bytes;
    return 0;
}

int Formatter::flags_and_width(Conversion& conversion) {
    bool fits = true;
    while (*at_ == '0' || *at_ == '+' || *at_ == '-' || *at_ == ' ') {
        if (std::strchr(conversion.prefix, *at_) == nullptr) fits &= conversion.append(*at_);
        ++at_;
    }
    if (*at_ >= '1' && *at_ <= '9') {
        conversion.has_width = true;
        while (*at_ >= '0' && *at_ <= '9') fits &= conversion.append(*at_++);
    }
    return fits ? 0 : -EINVAL;
}

// Without a conversion, as it is: the kernel gives no width to what it has read for a pointer.
int Formatter::string(std::uint64_t from, Conversion* conversion) {
    if (!ends_conversion(*at_)) return -EINVAL;
    char text[kArgumentBytes];
    const std::size_t room = kArgumentBytes - used_bytes_;
    if (room == 0) return -ENOSPC;
    std::int64_t length = safe_read_string(text, from, room);
    if (length < 0) {
        text[0] = 0;
        length = 1;
    }
    used_bytes_ += static_cast<std::size_t>(length);
    if (conversion != nullptr)
        output_.print(conversion->with("s"), text);
    else
        output_.put(text, static_cast<std::size_t>(length) - 1);
    return 0;
}

// An IPv4 or IPv6 address in memory, in network order: "1.2.3.4" or "001.002.003.004"; "0102:..." or the digits alone.
int Formatter::address_text(bool six, bool separators) {
    std::uint8_t bytes[16] = {};
    const std::size_t size = six ? 16 : 4;
    if (safe_read(bytes, arguments_[used_arguments_ - 1], size) != 0) std::memset(bytes, 0, sizeof bytes);
    const char* form = six ? "%02x" : separators ? "%d" : "%03d";
    char text[48];
    int length = 0;
    for (std::size_t i = 0; i < size; ++i) {
        if (!six && i > 0) text[length++] = '.';
        if (six && separators && i > 0 && i % 2 == 0) text[length++] = ':';
        length += std::snprintf(text + length, sizeof text - static_cast<std::size_t>(length), form, bytes[i]);
    }
    output_.put(text, static_cast<std::size_t>(length));
    return reserve(static_cast<std::size_t>(length) + 1, 1);
}

int Formatter::pointer(Conversion& conversion) {
    const std::uint64_t value = arguments_[used_arguments_++];
    const char kind = *at_;
    if ((kind == 'k' || kind == 'u') && at_[1] == 's') {
        at_ += 2;
        return string(value, nullptr);
    }
    if ((kind == 'i' || kind == 'I') && (at_[1] == '4' || at_[1] == '6')) {
        const bool six = at_[1] == '6';
        at_ += 2;
        return address_text(six, kind == 'I');
    }
    const bool symbol = kind == 's' || kind == 'S' || kind == 'B';
    if (symbol || kind == 'x' || kind == 'K')
        ++at_;
    else if (!ends_conversion(kind))
        return -EINVAL;
    const char* digits = symbol ? "#llx" : conversion.has_width ? "llx" : "016llx";
    output_.print(conversion.with(digits), static_cast<unsigned long long>(value));
    return reserve(sizeof value, 4);
}

int Formatter::character(Conversion& conversion) {
    output_.print(conversion.with("c"), static_cast<int>(arguments_[used_arguments_++] & 0xff));
    return reserve(1, 1);
}

int Formatter::number(Conversion& conversion) {
    int longs = 0;
    while (longs < 2 && *at_ == 'l') ++at_, ++longs;
    const char kind = *at_;
    if (kind == 0 || std::strchr("diuxX", kind) == nullptr) return -EINVAL;
    ++at_;
    const std::uint64_t raw = arguments_[used_arguments_++];
    const bool is_signed = kind == 'd' || kind == 'i';
    const char ending[] = {'l', 'l', kind, 0};
    const char* text = conversion.with(ending);
    if (is_signed)
        output_.print(
            text, longs == 0 ? static_cast<long long>(static_cast<std::int32_t>(raw)) : static_cast<long long>(raw));
    else
        output_.print(text, longs == 0 ? static_cast<unsigned long long>(static_cast<std::uint32_t>(raw))
                                       : static_cast<unsigned long long>(raw));
    return reserve(longs == 0 ? 4 : 8, 4);
}

// A conversion; at_ stands behind its percent sign.
int Formatter::convert() {
    if (*at_ == '%') {
        output_.put(*at_++);
        return 0;
    }
    if (used_arguments_ >= arguments_.size()) return -EINVAL;
    Conversion conversion;
    if (const int error = flags_and_width(conversion)) return error;
    switch (*at_) {
        case 'p': {
            ++at_;
            const int status = pointer(conversion);
            while (is_alnum(*at_)) ++at_;  // the kernel takes letters and digits behind it for more of its kind
            return status;
        }
        case 's': ++at_; return string(arguments_[used_arguments_++], &conversion);
        case 'c': ++at_; return character(conversion);
        default: return number(conversion);
    }
}

std::int64_t Formatter::run(const char* format) {
    at_ = format;
    while (*at_ != 0) {
        const char c = *at_++;
        if (is_plain(c) && !is_print(c) && !is_space(c)) return -EINVAL;
        if (c != '%')
            output_.put(c);
        else if (const int error = convert())
            return error;
    }
    return output_.finish();
}

}  // namespace

std::int64_t format_bpf(char* out, std::size_t size, const char* format, std::span<const std::uint64_t> arguments) {
    return Formatter(out, size, arguments).run(format);
}

}  // namespace bpftime
