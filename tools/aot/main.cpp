// bpftime-aot: eBPF bytecode to native objects, and native objects to results. One file a subcommand.
#include "tools/aot/command.h"

int main(int argc, char** argv) {
    using namespace bpftime::aot;
    CLI::App app{"Compiles eBPF programs to native objects ahead of time, and runs them in userspace.", "bpftime-aot"};
    app.set_version_flag("--version", "bpftime-aot " BPFTIME_VERSION);
    app.require_subcommand(0, 1);
    Action action;
    add_build(app, action);
    add_compile(app, action);
    add_load(app, action);
    add_run(app, action);
    add_inspect(app, action);
    add_disasm(app, action);
    add_helpers(app, action);
    add_keygen(app, action);

    return run_command_line(app, action, argc, argv);
}
