// Golden files: expected text that lies beside a test. BLESS=1 in the environment rewrites them.
#pragma once

#include <string>
#include <string_view>

namespace bpftime::test {

// Empty when `actual` is what the file at `path` holds; else says how they differ, or that the file is missing. With
// BLESS=1 the file is written and the answer is empty.
std::string differs_from_golden(const std::string& path, std::string_view actual);

}  // namespace bpftime::test
