#include "tools/aot/targets.h"

#include <algorithm>
#include <cctype>

namespace bpftime::aot {

std::string target_triple(std::string_view name) {
    if (name.empty() || name.find('-') != std::string_view::npos) return std::string(name);
    if (name == "arm64") name = "aarch64";
    if (name == "x86-64" || name == "amd64") name = "x86_64";
    return std::string(name) + "-unknown-linux-gnu";
}

bool is_c_identifier(std::string_view name) {
    const auto letter = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
    return !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 && std::ranges::all_of(name, letter);
}

}  // namespace bpftime::aot
