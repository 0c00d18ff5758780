#include "test/support/golden.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace bpftime::test {

namespace {

// The line of `text` that holds position `at`.
std::string_view line_at(std::string_view text, std::size_t at) {
    const std::size_t begin = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;
    return text.substr(begin, text.find('\n', begin) - begin);
}

bool blessing() {
    const char* const value = std::getenv("BLESS");
    return value != nullptr && *value != '\0' && std::string_view(value) != "0";
}

}  // namespace

std::string differs_from_golden(const std::string& path, std::string_view actual) {
    if (blessing()) {
        std::ofstream out(path, std::ios::binary | std::ios::trunc);
        out << actual;
        return out.flush() ? std::string() : path + " cannot be written";
    }
    std::ifstream in(path, std::ios::binary);
    if (!in) return path + " is missing; run with BLESS=1 to write it";
    const std::string expected{std::istreambuf_iterator<char>(in), {}};
    if (expected == actual) return {};
    std::size_t at = 0;
    std::size_t line = 1;
    while (at < expected.size() && at < actual.size() && expected[at] == actual[at]) line += expected[at++] == '\n';
    return path + ":" + std::to_string(line) + " differs\n  expected: " + std::string(line_at(expected, at)) +
           "\n  actual:   " + std::string(line_at(actual, at)) + "\nrun with BLESS=1 to accept the new text";
}

}  // namespace bpftime::test
