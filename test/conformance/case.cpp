#include "test/conformance/case.h"

#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tools/conformance-plugin/hex.h"
#include "vm/core/decode.h"
#include "vm/core/disasm.h"
#include "vm/core/encoding.h"

namespace bpftime::test {

namespace {

std::vector<std::uint8_t> bytes_of(std::span<const RawInsn> code) {
    const auto* begin = reinterpret_cast<const std::uint8_t*>(code.data());
    return {begin, begin + code.size_bytes()};
}

Result<std::uint64_t> number(std::string_view text) {
    const bool hexadecimal = text.starts_with("0x");
    const char* const begin = text.data() + (hexadecimal ? 2 : 0);
    const char* const end = text.data() + text.size();
    std::uint64_t value = 0;
    const auto [stop, problem] = std::from_chars(begin, end, value, hexadecimal ? 16 : 10);
    if (problem != std::errc() || stop != end || begin == end) return fail(failure("'", text, "' is not a number"));
    return value;
}

// "-- key argument" and the lines up to the next one.
struct Section {
    std::string key, argument, body;
    int line = 0;
};

std::vector<Section> split(std::string_view text) {
    std::vector<Section> sections;
    std::istringstream in{std::string(text)};
    int number = 0;
    for (std::string line; std::getline(in, line);) {
        ++number;
        if (line.starts_with("-- ")) {
            const auto space = line.find(' ', 3);
            sections.push_back({line.substr(3, space - 3), space == line.npos ? "" : line.substr(space + 1), {}, number});
        } else if (!sections.empty() && !line.starts_with("#")) {
            sections.back().body += line + '\n';
        }
    }
    return sections;
}

// Replaces each line ".rep COUNT STATEMENT" by as many statements.
std::string expanded(const std::string& text) {
    std::istringstream in(text);
    std::string out;
    for (std::string line; std::getline(in, line);) {
        int count = 1, consumed = 0;
        if (std::sscanf(line.c_str(), ".rep %d %n", &count, &consumed) == 1) line.erase(0, static_cast<std::size_t>(consumed));
        for (int i = 0; i < count; ++i) out += line + '\n';
    }
    return out;
}

Result<std::vector<std::uint8_t>> assembled(const std::string& text) {
    const std::vector<Insn> insns = BPFTIME_TRY(assemble(expanded(text)));
    return bytes_of(encode(insns));
}

Result<CaseMap> parse_map(const Section& section) {
    std::istringstream words(section.argument);
    CaseMap map;
    if (!(words >> map.spec.name >> map.spec.type >> map.spec.key_size >> map.spec.value_size >> map.spec.max_entries))
        return fail(failure("a map needs NAME TYPE KEY_SIZE VALUE_SIZE MAX_ENTRIES and may have FLAGS"));
    words >> map.spec.flags;  // may be left out
    map.values = BPFTIME_TRY(parse_hex(section.body));
    map.values.resize(std::size_t{map.spec.value_size} * map.spec.max_entries);
    return map;
}

Status apply(const Section& section, Case& one) {
    const std::string& key = section.key;
    if (key == "asm") one.bytecode = BPFTIME_TRY(assembled(section.body));
    else if (key == "raw") one.bytecode = BPFTIME_TRY(parse_hex(section.body));
    else if (key == "mem") one.memory = BPFTIME_TRY(parse_hex(section.argument + section.body));
    else if (key == "after") one.after = BPFTIME_TRY(parse_hex(section.argument + section.body));
    else if (key == "map") one.maps.push_back(BPFTIME_TRY(parse_map(section)));
    else if (key == "var") one.variables.push_back(BPFTIME_TRY(parse_hex(section.argument + section.body)));
    else if (key == "result") one.result = BPFTIME_TRY(number(section.argument));
    else if (key == "error") one.error = section.argument;
    else if (key == "fault") one.fault = section.argument;
    else if (key == "skip") {
        const auto space = section.argument.find(' ');
        if (space == std::string::npos) return fail(failure("skip needs an engine and a reason"));
        one.skip[section.argument.substr(0, space)] = section.argument.substr(space + 1);
    } else {
        return fail(failure("unknown section '", key, "'"));
    }
    return {};
}

Status complete(const Case& one) {
    if (one.bytecode.empty() && !one.error) return fail(failure("case '", one.name, "' has no program"));
    if (one.result.has_value() + one.error.has_value() + one.fault.has_value() != 1)
        return fail(failure("case '", one.name, "' needs one of result, error and fault"));
    return {};
}

}  // namespace

Result<std::vector<Case>> parse_cases(std::string_view text, std::string_view file_name) {
    std::vector<Case> cases;
    const auto located = [&](const Section& section, Error error) {
        error.cause = cat("line ", section.line, ": ", error.cause);
        return fail(std::move(error).in_file(file_name));
    };
    for (const Section& section : split(text)) {
        if (section.key == "case") {
            if (!cases.empty())
                if (auto ok = complete(cases.back()); !ok) return located(section, std::move(ok).error());
            cases.emplace_back();
            cases.back().name = section.argument;
            cases.back().origin = cat(file_name, ':', section.line);
        } else if (cases.empty()) {
            return located(section, failure("a section before the first case"));
        } else if (auto ok = apply(section, cases.back()); !ok) {
            return located(section, std::move(ok).error());
        }
    }
    if (cases.empty()) return fail(failure("no cases").in_file(file_name));
    if (auto ok = complete(cases.back()); !ok) return fail(std::move(ok).error().in_file(file_name));
    return cases;
}

Result<std::vector<Case>> parse_vectors(std::string_view text, std::string_view file_name) {
    std::vector<Case> cases;
    std::istringstream in{std::string(text)};
    int number_of_line = 0;
    for (std::string line; std::getline(in, line);) {
        ++number_of_line;
        const auto json = nlohmann::json::parse(line, nullptr, false);
        if (json.is_discarded() || !json.contains("name") || !json.contains("bytecode"))
            return fail(failure("line ", number_of_line, " is not a vector").in_file(file_name));
        Case one{.name = json["name"], .origin = cat(file_name, ':', number_of_line)};
        one.bytecode = BPFTIME_TRY(parse_hex(json["bytecode"].get<std::string>()));
        one.memory = BPFTIME_TRY(parse_hex(json.value("mem", "")));
        if (json.contains("r0")) one.result = BPFTIME_TRY(number(json["r0"].get<std::string>()));
        else one.error = "";
        cases.push_back(std::move(one));
    }
    return cases;
}

}  // namespace bpftime::test
