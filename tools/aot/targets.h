// Names of targets as people type them.
#pragma once

#include <string>
#include <string_view>

namespace bpftime::aot {

// "aarch64" or "arm64" -> "aarch64-linux-gnu"; a whole triple stays; empty stays empty (this machine).
std::string target_triple(std::string_view name);

// Whether `name` can be the name of a C function.
bool is_c_identifier(std::string_view name);

}  // namespace bpftime::aot
