// What the commands of bpftimetool share: each reads its words, works on a registry and gives back what to print, so
// that tests run them on a private one.
#pragma once

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/registry/registry.h"
#include "tools/support/command_line.h"

namespace bpftime::tool {

using Json = nlohmann::ordered_json;
using Words = std::vector<std::string>;
using tools::UsageError;

// What is printed: JSON where it was asked for, else text. Both end with a line's end.
struct Answer {
    std::string text;
    Json json;
};

// A command with the words behind it, as typed. Throws UsageError for words that it does not understand.
using Command = Result<Answer> (*)(Registry& registry, const Words& words);

Result<Answer> prog_show(Registry& registry, const Words& words);           // [PROG]
Result<Answer> prog_dump(Registry& registry, const Words& words);           // xlated|jited PROG [opcodes] [file FILE]
Result<Answer> prog_stats(Registry& registry, const Words& words);          // [PROG]
Result<Answer> prog_pin(Registry& registry, const Words& words);            // PROG PATH
Result<Answer> map_show(Registry& registry, const Words& words);            // [MAP]
Result<Answer> map_dump(Registry& registry, const Words& words);            // MAP
Result<Answer> map_lookup_command(Registry& registry, const Words& words);  // MAP key DATA
Result<Answer> map_update_command(Registry& registry,
                                  const Words& words);  // MAP key DATA value DATA|PROG|MAP [any|exist|noexist]
Result<Answer> map_delete_command(Registry& registry, const Words& words);  // MAP key DATA
Result<Answer> map_getnext(Registry& registry, const Words& words);         // MAP [key DATA]
Result<Answer> map_peek(Registry& registry, const Words& words);            // MAP
Result<Answer> map_push(Registry& registry, const Words& words);            // MAP value VALUE; enqueue alike
Result<Answer> map_enqueue(Registry& registry, const Words& words);
Result<Answer> map_pop(Registry& registry, const Words& words);             // MAP; dequeue alike
Result<Answer> map_dequeue(Registry& registry, const Words& words);
Result<Answer> map_freeze_command(Registry& registry, const Words& words);  // MAP
Result<Answer> map_pin(Registry& registry, const Words& words);             // MAP PATH
Result<Answer> link_pin(Registry& registry, const Words& words);            // LINK PATH
Result<Answer> link_show(Registry& registry, const Words& words);           // [LINK]
Result<Answer> btf_show(Registry& registry, const Words& words);            // [BTF]
Result<Answer> run(Registry& registry, const Words& words);             // ID DATA [repeat N] [type JIT|AOT|INTERPRET]
Result<Answer> export_objects(Registry& registry, const Words& words);  // FILE
Result<Answer> import_objects(Registry& registry, const Words& words);  // FILE
Result<Answer> remove_objects(Registry& registry, const Words& words);  // [ID...]

}  // namespace bpftime::tool
