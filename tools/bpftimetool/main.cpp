// bpftimetool: what is in the shared registry, for people and scripts. One file a group of commands.
#include <cstdio>
#include <memory>

#include "runtime/registry/shared_registry.h"
#include "tools/bpftimetool/command.h"
#include "tools/bpftimetool/trace_pipe.h"

namespace {

using namespace bpftime;
using namespace bpftime::tool;

struct CommandRow {
    const char* group;  // "" for a command of its own
    const char* name;
    const char* words;
    const char* help;
    Command command;
    bool creates = false;  // the registry, when there is none yet
};

constexpr CommandRow kCommands[] = {
    {"prog", "show", "[PROG]", "programs: id N, name NAME, tag TAG or pinned PATH; all by default", prog_show},
    {"prog", "dump", "xlated|jited PROG", "a program's bytecode, or its native code", prog_dump},
    {"prog", "stats", "[PROG]", "runs, time and misses of programs", prog_stats},
    {"map", "show", "[MAP]", "maps: id N, name NAME or pinned PATH; all by default", map_show},
    {"map", "dump", "MAP", "all elements of a map", map_dump},
    {"map", "lookup", "MAP key DATA", "one element", map_lookup_command},
    {"map", "update", "MAP key DATA value VALUE [any|exist|noexist]",
     "set an element; VALUE is DATA, or a PROG or MAP for maps that hold these", map_update_command},
    {"map", "delete", "MAP key DATA", "delete an element", map_delete_command},
    {"map", "getnext", "MAP [key DATA]", "the key after another one, or the first", map_getnext},
    {"link", "show", "[LINK]", "what is attached: id N or pinned PATH; all by default", link_show},
    {"btf", "show", "[BTF]", "type information: id N; all by default", btf_show},
    {"", "run", "ID DATA [repeat N] [type JIT|AOT|INTERPRET]",
     "run a program on the bytes of the file DATA: address in r1, length in r2", run},
    {"", "export", "FILE", "write programs, maps and links to a JSON file", export_objects},
    {"", "import", "FILE", "load what export wrote, pinned until removed", import_objects, true},
    {"", "remove", "[ID...]", "unpin the programs with these ids, or everything; what nobody uses goes",
     remove_objects},
};

struct Typed {
    const CommandRow* row = nullptr;
    Words words;
    bool json = false;
    bool compact = false;
};

Status carry_out(const Typed& typed) {
    const auto how = typed.row->creates ? ShmDirectory::Open::Create : ShmDirectory::Open::Existing;
    const auto registry = BPFTIME_TRY(SharedRegistry::open(how));
    const Answer answer = BPFTIME_TRY(typed.row->command(*registry, typed.words));
    const std::string json = typed.compact ? answer.json.dump() : answer.json.dump(4);
    std::fputs(typed.json || typed.compact ? (json + "\n").c_str() : answer.text.c_str(), stdout);
    return {};
}

CLI::App* group_of(CLI::App& app, const CommandRow& row) {
    if (*row.group == '\0') return &app;
    for (CLI::App* group : app.get_subcommands([&](const CLI::App* sub) { return sub->get_name() == row.group; }))
        return group;
    CLI::App* group =
        app.add_subcommand(row.group, cat("show what is there, or one of ", row.group, "'s own commands"));
    group->require_subcommand(0, 1);
    group->fallthrough();
    return group;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Shows and changes what bpftime's shared registry holds: programs, maps, links and types.",
                 "bpftimetool"};
    app.set_version_flag("--version", "bpftimetool " BPFTIME_VERSION);
    app.require_subcommand(0, 1);
    auto typed = std::make_shared<Typed>();
    app.add_flag("-p,--json,--pretty", typed->json, "print JSON");
    app.add_flag("-j,--compact", typed->compact, "print JSON on one line");
    tools::Action action;
    for (const CommandRow& row : kCommands) {
        CLI::App* group = group_of(app, row);
        CLI::App* command = group->add_subcommand(row.name, row.help);
        command->fallthrough();
        command->add_option("ARGUMENT", typed->words, row.words);
        command->callback([typed, &row, &action] {
            typed->row = &row;
            action = [typed] { return carry_out(*typed); };
        });
        // A group alone shows what there is.
        if (group != &app && std::string_view(row.name) == "show")
            group->callback([typed, &row, &action, group] {
                if (!group->get_subcommands().empty()) return;
                typed->row = &row;
                action = [typed] { return carry_out(*typed); };
            });
    }
    bool json = false;
    app.parse_complete_callback([&] { json = typed->json || typed->compact; });
    add_trace_pipe(app, json, action);
    return tools::run_command_line(app, action, argc, argv);
}
