#include "tools/support/command_line.h"

#include <spdlog/cfg/env.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>

namespace bpftime::tools {

namespace {

// The help that fits a usage mistake: of the innermost subcommand typed, if any.
std::string relevant_help(const CLI::App& app) {
    std::string before = app.get_name();
    const CLI::App* innermost = &app;
    for (auto typed = app.get_subcommands(); !typed.empty(); typed = innermost->get_subcommands()) {
        if (innermost != &app) before += " " + innermost->get_name();
        innermost = typed.front();
    }
    return innermost == &app ? app.help() : innermost->help(before);
}

}  // namespace

int run_command_line(CLI::App& app, Action& action, int argc, char** argv) {
    spdlog::set_default_logger(spdlog::stderr_color_st(app.get_name()));
    spdlog::set_level(spdlog::level::warn);
    spdlog::cfg::load_env_levels();
    const char* tool = app.get_name().c_str();
    try {
        app.parse(argc, argv);
        if (!action) throw UsageError("a subcommand is required");
        const Status done = action();
        if (done) return 0;
        std::fprintf(stderr, "%s: %s\n", tool, to_string(done.error()).c_str());
        return 1;
    } catch (const CLI::ParseError& mistake) {
        if (mistake.get_exit_code() == 0) return app.exit(mistake);  // --help, --version
        std::fprintf(stderr, "%s: %s\n\n%s", tool, mistake.what(), relevant_help(app).c_str());
        return 2;
    }
}

}  // namespace bpftime::tools
