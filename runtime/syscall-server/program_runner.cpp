#include "runtime/syscall-server/program_runner.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "runtime/helpers/helpers.h"
#include "runtime/maps/user_ops.h"
#include "runtime/syscall-server/stats.h"
#include "vm/ubpf-jit/ubpf_jit.h"

namespace bpftime {

namespace {

constexpr std::uint64_t kMaxCheckedInsns = 100'000'000;  // of one run that nothing has proved to end

Error unsupported(Error error) { return std::move(error).with_errno(kNotSupported); }

Result<std::optional<Bytes>> key_after(const MapElements& elements, const std::optional<Bytes>& key) {
    auto next = elements.next_key(key ? std::optional<ByteView>(*key) : std::nullopt);
    if (next) return *std::move(next);
    // Elements that cannot be walked from outside begin empty.
    if (next.error().errnum == ENOENT || next.error().errnum == kNotSupported) return std::nullopt;
    return fail(std::move(next).error());
}

Status fill(const MapObject& object, Map& map) {
    for (auto key = BPFTIME_TRY(key_after(*object.elements, {})); key;
         key = BPFTIME_TRY(key_after(*object.elements, key))) {
        const auto value = object.elements->lookup(*key);
        if (!value) continue;  // gone meanwhile
        if (const int error = map.copy_in(key->data(), value->data(), 0); error != 0)
            return fail(failure("map '", object.spec.name, "' cannot be filled: ", std::strerror(-error)).with_errno(-error));
    }
    return {};
}

// Elements that the program made or changed.
Status store_present(const Map& map, MapObject& object) {
    Map& source = const_cast<Map&>(map);
    Bytes key(object.spec.key_size), next(object.spec.key_size), value(map.user_value_size());
    int more = source.next_key(nullptr, next.data());
    for (; more == 0; more = source.next_key(key.data(), next.data())) {
        key = next;
        if (source.copy_out(key.data(), value.data()) != 0) continue;
        const auto before = object.elements->lookup(key);
        if (before && *before == value) continue;
        if (!before && before.error().errnum == kNotSupported) return {};
        BPFTIME_CHECK(object.elements->update(key, value, 0));
    }
    return {};
}

// Elements that the program deleted.
Status store_absent(const Map& map, MapObject& object) {
    std::vector<Bytes> gone;
    Bytes value(map.user_value_size());
    for (auto key = BPFTIME_TRY(key_after(*object.elements, {})); key;
         key = BPFTIME_TRY(key_after(*object.elements, key)))
        if (const_cast<Map&>(map).copy_out(key->data(), value.data()) == -ENOENT) gone.push_back(*key);
    for (const Bytes& key : gone) BPFTIME_CHECK(object.elements->erase(key));
    return {};
}

std::uint64_t now() {
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1));
}

Result<std::unique_ptr<Executable>> compile(const Program& program, const Bindings& bindings, RunEngine engine) {
    auto code = engine == RunEngine::Interpreter ? interpret(program, bindings) : ubpf_jit(program, bindings);
    if (!code) return fail(unsupported(std::move(code).error().in_program(program.name)));
    return code;
}

Status run_checked_once(const Program& program, const Bindings& bindings, const RunRequest& request, RunReport& report) {
    const std::uint64_t start = now();
    report.result = BPFTIME_TRY(run_checked(program, bindings, request.ctx, request.size,
                                            {.max_insns = kMaxCheckedInsns, .regions = request.regions}));
    report.nanoseconds += now() - start;
    ++report.runs;
    return {};
}

Status carry_out(const Program& program, const Bindings& bindings, const RunRequest& request, RunReport& report) {
    const std::uint64_t repeat = std::max<std::uint64_t>(request.repeat, 1);
    if (request.engine == RunEngine::CheckedThenCompiled)
        BPFTIME_CHECK(run_checked_once(program, bindings, request, report));
    if (report.runs == repeat) return {};
    const auto code = BPFTIME_TRY(compile(program, bindings, request.engine));
    const std::uint64_t start = now();
    for (; report.runs < repeat; ++report.runs) report.result = code->run(request.ctx, request.size);
    report.nanoseconds += now() - start;
    return {};
}

}  // namespace

Result<RunMaps> RunMaps::open(std::span<const std::shared_ptr<MapObject>> objects) {
    RunMaps run;
    for (const auto& object : objects) {
        MapSpec spec = object->spec;
        spec.name = binding_name(spec.name);
        spec.contents.clear();
        spec.frozen = false;
        auto map = create_map(spec);
        if (!map) return fail(unsupported(std::move(map).error()));
        BPFTIME_CHECK(fill(*object, **map));
        run.objects_.push_back(object);
        run.maps_.push_back(*std::move(map));
    }
    run.bindings_ = default_bindings(run.maps_);
    return run;
}

Status RunMaps::store() {
    for (std::size_t index = 0; index < maps_.size(); ++index) {
        if (objects_[index]->spec.frozen) continue;
        BPFTIME_CHECK(store_present(*maps_[index], *objects_[index]));
        BPFTIME_CHECK(store_absent(*maps_[index], *objects_[index]));
    }
    return {};
}

Result<RunReport> run_program(ProgramObject& object, const RunRequest& request) {
    RunMaps maps = BPFTIME_TRY(RunMaps::open(object.maps));
    if (auto offered = check_bindings(object.program, maps.bindings()); !offered)
        return fail(unsupported(std::move(offered).error().in_program(object.program.name)));
    RunReport report;
    const Status done = carry_out(object.program, maps.bindings(), request, report);
    if (stats_enabled()) object.statistics.count(report.runs, report.nanoseconds);
    BPFTIME_CHECK(maps.store());
    if (!done) return fail(Error(done.error()));
    return report;
}

}  // namespace bpftime
