#include "vm/core/result.h"

namespace bpftime {

std::string to_string(const Error& error) {
    std::string out;
    if (!error.file.empty()) out += cat(error.file, ": ");
    if (!error.program.empty()) out += cat("program '", error.program, '\'');
    if (error.insn >= 0) out += cat(error.program.empty() ? "" : ", ", "instruction ", error.insn);
    if (!error.program.empty() || error.insn >= 0) out += ": ";
    out += error.cause;
    if (!error.hint.empty()) out += cat("; ", error.hint);
    return out;
}

std::string hex(std::uint64_t number) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    do {
        out.insert(out.begin(), digits[number & 15]);
        number >>= 4;
    } while (number != 0);
    return "0x" + out;
}

}  // namespace bpftime
