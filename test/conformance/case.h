// A conformance case: a program, what it runs on, and what must come of it. README.md describes the file format.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vm/core/program.h"
#include "vm/core/result.h"

namespace bpftime::test {

struct CaseMap {
    MapSpec spec;
    std::vector<std::uint8_t> values;  // initial contents, max_entries * value_size bytes
};

struct Case {
    std::string name;
    std::string origin{};  // "frames.data:12"
    std::vector<std::uint8_t> bytecode{};
    std::vector<std::uint8_t> memory{};
    std::vector<CaseMap> maps{};
    std::vector<std::vector<std::uint8_t>> variables{};  // what lddw src=3 leads to, by id

    // One of these is set.
    std::optional<std::uint64_t> result{};  // r0
    std::optional<std::string> error{};     // part of the message with which every engine refuses the program
    std::optional<std::string> fault{};     // part of the message that stops a checked run; other engines do not run it

    std::optional<std::vector<std::uint8_t>> after{};  // memory after the run, when the case says
    std::map<std::string, std::string> skip{};         // engine: why it cannot run this case
};

// Reads one .data file.
Result<std::vector<Case>> parse_cases(std::string_view text, std::string_view file_name);

// Reads the public vectors: a JSON object a line with name, bytecode, mem, and r0 or "expect": "reject".
Result<std::vector<Case>> parse_vectors(std::string_view text, std::string_view file_name);

}  // namespace bpftime::test
