// bpftime-aot: eBPF bytecode to native objects, and native objects to results. One file a subcommand.
#include <spdlog/cfg/env.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>

#include "tools/aot/command.h"

namespace {

// The help that fits a usage mistake: of the subcommand typed, if any.
std::string relevant_help(const CLI::App& app) {
    const auto typed = app.get_subcommands();
    return typed.empty() ? app.help() : typed.front()->help(app.get_name());
}

void log_to_stderr() {
    spdlog::set_default_logger(spdlog::stderr_color_st("bpftime-aot"));
    spdlog::set_level(spdlog::level::warn);
    spdlog::cfg::load_env_levels();
}

}  // namespace

int main(int argc, char** argv) {
    using namespace bpftime::aot;
    log_to_stderr();

    CLI::App app{"Compiles eBPF programs to native objects ahead of time, and runs them in userspace.", "bpftime-aot"};
    app.set_version_flag("--version", "bpftime-aot " BPFTIME_VERSION);
    app.require_subcommand(0, 1);
    Action action;
    add_build(app, action);
    add_run(app, action);
    add_inspect(app, action);
    add_disasm(app, action);
    add_helpers(app, action);
    add_keygen(app, action);

    try {
        app.parse(argc, argv);
        if (!action) throw UsageError("a subcommand is required");
    } catch (const CLI::ParseError& mistake) {
        if (mistake.get_exit_code() == 0) return app.exit(mistake);  // --help, --version
        std::fprintf(stderr, "bpftime-aot: %s\n\n%s", mistake.what(), relevant_help(app).c_str());
        return 2;
    }
    const bpftime::Status done = action();
    if (done) return 0;
    std::fprintf(stderr, "bpftime-aot: %s\n", bpftime::to_string(done.error()).c_str());
    return 1;
}
