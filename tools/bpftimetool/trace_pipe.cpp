#include "tools/bpftimetool/trace_pipe.h"

#include <signal.h>
#include <time.h>

#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "runtime/helpers/trace_ring.h"
#include "runtime/registry/shared_registry.h"

namespace bpftime::tool {

namespace {

volatile sig_atomic_t interrupted = 0;

// A signal that ends the command between two lines, with all that was read written.
void stop_on(int signal) {
    struct sigaction act {};
    act.sa_handler = [](int) { interrupted = 1; };
    sigaction(signal, &act, nullptr);
}

std::string json_line(const TraceLine& line) {
    const nlohmann::ordered_json row{{"comm", line.comm},         {"pid", line.thread},     {"tgid", line.process},
                                     {"cpu", line.cpu},           {"timestamp", line.time}, {"text", line.words()}};
    return row.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

// One line, or the words that some were lost. False: nobody reads any more.
bool print(TraceRing::Read read, const TraceLine& line, bool json) {
    char text[1200];
    std::string out;
    if (read == TraceRing::Read::Lost)
        out = json ? "{\"lost\":true}\n" : "[LOST EVENTS]\n";
    else
        out = json ? json_line(line) : std::string(text, format_trace_line(line, text));
    return std::fwrite(out.data(), 1, out.size(), stdout) == out.size();
}

// Prints what there is. False: nobody reads any more.
bool drain(TraceRing& ring, bool json, std::uint32_t patience) {
    TraceLine line;
    while (interrupted == 0) {
        const TraceRing::Read read = ring.read(line, patience);
        if (read == TraceRing::Read::Empty) break;
        if (!print(read, line, json)) return false;
    }
    return std::fflush(stdout) == 0;
}

Status trace_pipe(bool follow, bool json) {
    const auto registry = BPFTIME_TRY(
        SharedRegistry::open(follow ? ShmDirectory::Open::Create : ShmDirectory::Open::Existing));
    TraceRing* const ring = registry->trace();
    if (ring == nullptr) return fail(failure("shared memory has no room for the lines that programs print"));
    stop_on(SIGINT);
    stop_on(SIGTERM);
    stop_on(SIGPIPE);  // reported by fwrite()
    constexpr timespec kPause{0, 10'000'000};
    constexpr std::uint32_t kPatience = 5;  // pauses that an unfinished line is waited for
    while (drain(*ring, json, follow ? kPatience : 0) && follow && interrupted == 0) nanosleep(&kPause, nullptr);
    return {};
}

}  // namespace

void add_trace_pipe(CLI::App& app, const bool& json, const bool& compact, tools::Action& action) {
    CLI::App* command = app.add_subcommand(
        "trace-pipe", "print what programs print with bpf_printk, each line once, until interrupted");
    command->fallthrough();
    auto here = std::make_shared<bool>(false);
    command->add_flag("--no-follow", *here, "end when all that is there has been printed");
    command->callback([&, here] { action = [&, here] { return trace_pipe(!*here, json || compact); }; });
}

}  // namespace bpftime::tool
