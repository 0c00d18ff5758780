#include "runtime/rt/header.h"

#include <algorithm>

#include "vm/core/helpers.h"
#include "vm/core/kernel_names.h"
#include "vm/linker/abi.h"

namespace bpftime {

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string upper(std::string text) {
    for (char& c : text)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return text;
}

std::string c_letters(std::string_view name) {
    std::string out(name);
    for (char& c : out)
        if (!is_letter(c) && !is_digit(c)) c = '_';
    return out;
}

// A C string literal. Bytes beyond printable ASCII as three octal digits, which cannot swallow what follows.
std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\')
            out += cat('\\', c);
        else if (byte >= 0x20 && byte < 0x7f && c != '?')
            out += c;
        else
            out += cat('\\', byte >> 6, byte >> 3 & 7, byte & 7);
    }
    return out + '"';
}

// Text inside a comment must not end it.
std::string comment(std::string_view text) {
    std::string out;
    for (const char c : text) out += c == '*' || static_cast<unsigned char>(c) < 0x20 ? '_' : c;
    return out;
}

std::string parameters(int count) {
    std::string out;
    for (int i = 1; i <= count; ++i) out += cat(i == 1 ? "" : ", ", "uint64_t r", i);
    return out.empty() ? "void" : out;
}

Result<std::string> helper_prototypes(const Metadata& metadata) {
    std::string out;
    for (const std::uint32_t id : metadata.helpers) {
        const HelperInfo* info = helper(id);
        if (info == nullptr) return fail(failure("helper ", id, " is unknown").in_program(metadata.program));
        out += cat("uint64_t ", abi::helper_symbol(id), '(', parameters(info->arg_count()), "); /* bpf_", info->name,
                   " */\n");
    }
    return out.empty() ? out : cat("\n/* Helpers that it calls. */\n", out);
}

// What the native code asks for its maps; a driver without libbpftime-rt.a defines those that the linker misses.
constexpr std::string_view kMapFunctions = R"(
/* What it finds its maps by: a number gives a handle, which map helpers receive; a handle gives its first value. */
uint64_t __lddw_helper_map_by_fd(uint32_t number);
uint64_t __lddw_helper_map_by_idx(uint32_t number);
uint64_t __lddw_helper_map_val(uint64_t handle);
)";

constexpr std::string_view kMapStruct = R"(
#ifndef BPFTIME_RT_MAP_DEFINED
#define BPFTIME_RT_MAP_DEFINED
struct bpftime_rt_map {
    uint32_t number;
    const char *name;
    uint32_t type; /* enum bpf_map_type */
    uint32_t key_size, value_size, max_entries;
    uint32_t flags;
    uint32_t frozen;
    const void *contents;
    uint64_t contents_size;
};
#endif
int bpftime_rt_create_maps(const struct bpftime_rt_map *maps, size_t count); /* libbpftime-rt.a */
)";

std::string contents_name(const std::string& prefix, std::uint32_t number) { return cat(prefix, "_contents_", number); }

// Bytes of the first value before the zeros at its end, which need no telling.
std::size_t told_bytes(const MapSpec& map) {
    const auto last =
        std::find_if(map.contents.rbegin(), map.contents.rend(), [](std::uint8_t byte) { return byte != 0; });
    return static_cast<std::size_t>(map.contents.rend() - last);
}

std::string contents_array(const std::string& prefix, const MapSpec& map) {
    std::string out =
        cat("\n/* ", comment(map.name), " */\nstatic const uint8_t ", contents_name(prefix, map.number), "[] = {");
    for (std::size_t i = 0; i < told_bytes(map); ++i)
        out += cat(i % 20 == 0 ? "\n    " : " ", std::uint32_t{map.contents[i]}, ',');
    return out + "\n};\n";
}

std::string table_row(const std::string& prefix, const MapSpec& map) {
    const bool filled = told_bytes(map) != 0;
    const std::string contents = filled ? contents_name(prefix, map.number) : "0";
    return cat("    {", map.number, ", ", quoted(map.name), ", ", map.type, " /* ", map_type_name(map.type), " */, ",
               map.key_size, ", ", map.value_size, ", ", map.max_entries, ", ", hex(map.flags), ", ",
               map.frozen ? 1 : 0, ", ", contents, ", ", told_bytes(map), "},\n");
}

// An enumerator for each map's number, by its name; a name that another map has too gets the number behind it.
std::string number_names(const std::string& prefix, const std::vector<MetadataMap>& maps) {
    std::string out = "\n/* Numbers of the maps. */\nenum {\n";
    std::vector<std::string> used;
    for (const MetadataMap& map : maps) {
        std::string name = c_letters(map.spec.name);
        if (name.empty() || std::ranges::find(used, name) != used.end()) name += cat('_', map.spec.number);
        out += cat("    ", prefix, "_map_", name, " = ", map.spec.number, ",\n");
        used.push_back(std::move(name));
    }
    return out + "};\n";
}

std::string map_table(const std::string& prefix, const std::vector<MetadataMap>& maps) {
    if (maps.empty())
        return cat("\n/* It has no maps. */\nstatic inline int ", prefix, "_create_maps(void) { return 0; }\n");
    std::string out(kMapFunctions);
    out += kMapStruct;
    out += number_names(prefix, maps);
    for (const MetadataMap& map : maps)
        if (told_bytes(map.spec) != 0) out += contents_array(prefix, map.spec);
    out += cat("\n/* number, name, type, key size, value size, max entries, flags, frozen, contents */\n",
               "static const struct bpftime_rt_map ", prefix, "_maps[] = {\n");
    for (const MetadataMap& map : maps) out += table_row(prefix, map.spec);
    out += cat("};\n\n/* Before the first run, in a driver that links libbpftime-rt.a: 0 or a negative errno. */\n",
               "static inline int ", prefix, "_create_maps(void) {\n    return bpftime_rt_create_maps(", prefix,
               "_maps, sizeof ", prefix, "_maps / sizeof *", prefix, "_maps);\n}\n");
    return out;
}

}  // namespace

std::string c_identifier(std::string_view name) {
    std::string out = c_letters(name);
    return out.empty() || is_digit(out.front()) ? "_" + out : out;
}

Result<std::string> aot_header(const Metadata& metadata) {
    if (c_identifier(metadata.entry) != metadata.entry)
        return fail(failure("entry '", metadata.entry, "' is not a C identifier")
                        .in_program(metadata.program)
                        .with_hint("choose another with --entry"));
    const std::string prefix = c_identifier(metadata.program);
    const std::string guard = cat("BPFTIME_AOT_", upper(prefix), "_H");
    const std::string helpers = BPFTIME_TRY(helper_prototypes(metadata));
    return cat("/* BPF program '", comment(metadata.program), "', section '", comment(metadata.section),
               "'. Written by ", comment(metadata.producer.empty() ? "bpftime" : metadata.producer),
               "; do not edit. */\n#ifndef ", guard, "\n#define ", guard,
               "\n\n#include <stddef.h>\n#include <stdint.h>\n\n",
               "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n/* Runs the program: its context and the context's size; "
               "returns r0. */\n",
               "uint64_t ", metadata.entry, "(void *ctx, uint64_t size);\n", helpers, map_table(prefix, metadata.maps),
               "\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
}

}  // namespace bpftime
