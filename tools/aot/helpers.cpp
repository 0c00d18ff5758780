// bpftime-aot helpers: what this runtime offers to programs.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tools/aot/command.h"
#include "vm/core/helpers.h"

namespace bpftime::aot {

namespace {

struct HelperListing {
    bool all = false;
    bool json = false;
};

void print_table(bool all) {
    std::uint32_t offered = 0;
    for (std::uint32_t id = 1; id <= kHelperCount; ++id) {
        const HelperInfo& row = *helper(id);
        offered += row.implemented ? 1 : 0;
        if (!row.implemented && !all) continue;
        fmt::print("{:>4}  {:<32}{} argument{}{}\n", id, fmt::format("bpf_{}", row.name), row.arg_count(),
                   row.arg_count() == 1 ? "" : "s", row.implemented || !all ? "" : "   not offered");
    }
    fmt::print("{} of the kernel's {} helpers are offered\n", offered, kHelperCount);
}

void print_json(bool all) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (std::uint32_t id = 1; id <= kHelperCount; ++id) {
        const HelperInfo& row = *helper(id);
        if (!row.implemented && !all) continue;
        list.push_back({{"id", id},
                        {"name", fmt::format("bpf_{}", row.name)},
                        {"arguments", row.arg_count()},
                        {"offered", row.implemented}});
    }
    fmt::print("{}\n", list.dump(2));
}

}  // namespace

void add_helpers(CLI::App& app, Action& action) {
    auto options = std::make_shared<HelperListing>();
    CLI::App* command = app.add_subcommand("helpers", "List the helper functions that this runtime offers");
    command->add_flag("--all", options->all, "also those of the kernel that it does not offer");
    command->add_flag("--json", options->json, "as JSON");
    command->callback([options, &action] {
        action = [options]() -> Status {
            options->json ? print_json(options->all) : print_table(options->all);
            return {};
        };
    });
}

}  // namespace bpftime::aot
