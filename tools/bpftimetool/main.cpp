// bpftimetool: what is in the shared registry, for people and scripts. One file a group of commands.
#include <cstdio>
#include <memory>

#include "runtime/registry/local_registry.h"
#include "runtime/registry/shared_registry.h"
#include "tools/bpftimetool/command.h"
#include "tools/bpftimetool/top.h"
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
    enum Needs : std::uint8_t { Registry, MakesRegistry, FileOnly } needs = Registry;
};

constexpr CommandRow kCommands[] = {
    {"prog", "show,list", "[PROG]", "programs: id N, name NAME, tag TAG or pinned PATH; all by default", prog_show},
    {"prog", "dump", "xlated|jited PROG [opcodes] [file FILE]", "a program's bytecode, or its native code", prog_dump},
    {"prog", "stats", "[PROG]", "runs, time and misses of programs", prog_stats},
    {"prog", "pin", "PROG PATH", "keep a program until it is unpinned (remove)", prog_pin},
    {"map", "show,list", "[MAP]", "maps: id N, name NAME or pinned PATH; all by default", map_show},
    {"map", "dump", "MAP", "all elements of a map", map_dump},
    {"map", "lookup", "MAP key DATA", "one element", map_lookup_command},
    {"map", "update", "MAP key DATA value VALUE [any|exist|noexist]",
     "set an element; DATA is bytes, hex BYTES, one number or json TEXT; VALUE is DATA, or a PROG or MAP for maps that hold these",
     map_update_command},
    {"map", "delete", "MAP key DATA", "delete an element", map_delete_command},
    {"map", "getnext", "MAP [key DATA]", "the key after another one, or the first", map_getnext},
    {"map", "peek", "MAP", "the next element of a queue or stack", map_peek},
    {"map", "push", "MAP value VALUE", "put an element on a stack", map_push},
    {"map", "pop", "MAP", "take an element from a stack", map_pop},
    {"map", "enqueue", "MAP value VALUE", "put an element into a queue", map_enqueue},
    {"map", "dequeue", "MAP", "take an element from a queue", map_dequeue},
    {"map", "freeze", "MAP", "let only programs change the map from now on", map_freeze_command},
    {"map", "pin", "MAP PATH", "keep a map until it is unpinned (remove)", map_pin},
    {"link", "show,list", "[LINK]", "what is attached: id N or pinned PATH; all by default", link_show},
    {"link", "pin", "LINK PATH", "keep a link until it is unpinned (remove)", link_pin},
    {"btf", "show,list", "[BTF]", "type information: id N; all by default", btf_show},
    {"", "run", "ID DATA [repeat N] [type JIT|AOT|INTERPRET]",
     "run a program on the bytes of the file DATA: address in r1, length in r2", run},
    {"", "export", "FILE", "write programs, maps and links to a JSON file", export_objects, CommandRow::FileOnly},
    {"", "import", "FILE", "load what export wrote, pinned until removed", import_objects, CommandRow::MakesRegistry},
    {"", "remove", "[ID...]", "unpin the programs with these ids, or everything; what nobody uses goes",
     remove_objects},
};

struct Typed {
    const CommandRow* row = nullptr;
    Words words;
    bool json = false;
    bool compact = false;
};

// Mistakes in the words are told first, also where there is no registry: the command reads its words over an empty one.
Error without_registry(const Typed& typed, Error reason) {
    LocalRegistry nothing;
    if (typed.row->needs == CommandRow::Registry) (void)typed.row->command(nothing, typed.words);
    return reason;
}

Status carry_out(const Typed& typed) {
    auto registry = SharedRegistry::open(ShmDirectory::Open::Existing);
    if (!registry && registry.error().errnum == ENOENT && typed.row->needs == CommandRow::MakesRegistry) {
        LocalRegistry rehearsal;  // what is refused makes no registry
        BPFTIME_TRY(typed.row->command(rehearsal, typed.words));
        registry = SharedRegistry::open(ShmDirectory::Open::Create);
    }
    if (!registry) return fail(without_registry(typed, std::move(registry).error()));
    const Answer answer = BPFTIME_TRY(typed.row->command(**registry, typed.words));
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
    app.add_flag("-j,--json", typed->compact, "print JSON on one line");
    app.add_flag("-p,--pretty", typed->json, "print JSON for people");
    tools::Action action;
    for (const CommandRow& row : kCommands) {
        CLI::App* group = group_of(app, row);
        const std::string_view names = row.name;
        CLI::App* command = group->add_subcommand(std::string(names.substr(0, names.find(','))), row.help);
        if (const std::size_t comma = names.find(','); comma != names.npos) command->alias(std::string(names.substr(comma + 1)));
        command->fallthrough();
        const bool file = row.needs != CommandRow::Registry;  // which is all that these take
        CLI::Option* const words = command->add_option(file ? "FILE" : "ARGUMENT", typed->words, file ? "JSON file" : row.words);
        if (file) words->required()->expected(1);
        command->callback([typed, &row, &action] {
            typed->row = &row;
            action = [typed] { return carry_out(*typed); };
        });
        // A group alone shows what there is.
        if (group != &app && names.starts_with("show"))
            group->callback([typed, &row, &action, group] {
                if (!group->get_subcommands().empty()) return;
                typed->row = &row;
                action = [typed] { return carry_out(*typed); };
            });
    }
    add_top(app, typed->json, typed->compact, action);
    add_trace_pipe(app, typed->json, typed->compact, action);
    return tools::run_command_line(app, action, argc, argv);
}
