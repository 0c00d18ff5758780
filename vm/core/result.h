// Errors are data: every fallible function of the project returns Result<T>, and one function formats what went wrong.
#pragma once

#include <cerrno>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace bpftime {

// What went wrong, where, and what to do about it. Every field but `cause` may be empty.
struct Error {
    std::string cause;       // one clause, lower case, no full stop: "helper 999 is unknown"
    std::string hint;        // what the user can do: "rebuild with -mcpu=v3"
    std::string file;        // the input file, as the user named it
    std::string program;     // the BPF program
    std::int64_t insn = -1;  // the instruction's slot in the program, or -1
    int errnum = EINVAL;     // what bpf(2) would set errno to

    Error&& in_file(std::string_view name) && { file = name; return std::move(*this); }
    Error&& in_program(std::string_view name) && { program = name; return std::move(*this); }
    Error&& at(std::int64_t slot) && { insn = slot; return std::move(*this); }
    Error&& with_hint(std::string_view text) && { hint = text; return std::move(*this); }
    Error&& with_errno(int number) && { errnum = number; return std::move(*this); }
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

// "prog.bpf.o: program 'count', instruction 12: cause; hint" with the parts that are known.
std::string to_string(const Error& error);

namespace detail {
inline void append(std::string& out, std::string_view text) { out += text; }
inline void append(std::string& out, char c) { out += c; }
template <class T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, char>)
void append(std::string& out, T number) { out += std::to_string(number); }
}  // namespace detail

// Concatenates strings and integers: cat("register r", 11, " does not exist").
template <class... Parts>
std::string cat(const Parts&... parts) {
    std::string out;
    (detail::append(out, parts), ...);
    return out;
}

// "0x" and lower-case hexadecimal digits.
std::string hex(std::uint64_t number);

// failure("unknown opcode ", hex(op)).at(3) : the value to return from a function that returns Result<T>.
template <class... Parts>
Error failure(const Parts&... parts) {
    return Error{.cause = cat(parts...), .hint = {}, .file = {}, .program = {}};
}

inline std::unexpected<Error> fail(Error error) { return std::unexpected<Error>(std::move(error)); }

}  // namespace bpftime

// Evaluates a Result; on error returns it from the enclosing function, else yields the value.
#define BPFTIME_TRY(expr)                                                             \
    ({                                                                                \
        auto bpftime_result_ = (expr);                                                \
        if (!bpftime_result_) return ::bpftime::fail(std::move(bpftime_result_).error()); \
        std::move(bpftime_result_).value();                                           \
    })

// The same for a Status: checks, yields nothing.
#define BPFTIME_CHECK(expr)                                                           \
    do {                                                                              \
        auto bpftime_result_ = (expr);                                                \
        if (!bpftime_result_) return ::bpftime::fail(std::move(bpftime_result_).error()); \
    } while (0)
