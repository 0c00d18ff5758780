#include "runtime/api/loading.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runtime/helpers/helpers.h"
#include "runtime/loader/elf_loader.h"
#include "runtime/syscall-server/program_info.h"
#include "runtime/syscall-server/program_runner.h"
#include "vm/core/decode.h"
#include "vm/interpreter/interpreter.h"
#include "vm/linker/linker.h"
#include "vm/llvm-jit/compiler.h"
#include "vm/ubpf-jit/ubpf_jit.h"

namespace bpftime::api {

namespace {

constexpr std::size_t kKeySize = 32;
constexpr std::size_t kMostListed = 65536;  // maps or keys that options may name

using Code = Result<std::unique_ptr<Executable>>;

// The engines that run bytecode, by name; the first is the default.
struct Engine {
    std::string_view name;
    Code (*make)(const Program&, const Bindings&);
};
constexpr Engine kEngines[] = {
    {"ubpf", ubpf_jit},
    {"interpreter", interpret},
    {"llvm", [](const Program& program, const Bindings& bindings) { return llvm_jit(program, bindings); }},
};

const Engine* find_engine(std::string_view name) {
    if (name.empty()) return &kEngines[0];
    const auto* found = std::ranges::find(kEngines, name, &Engine::name);
    return found == std::end(kEngines) ? nullptr : found;
}

bool is_bytecode(ByteView bytes) {
    Elf64_Ehdr header;
    if (bytes.size() < sizeof(header)) return false;
    std::memcpy(&header, bytes.data(), sizeof(header));
    const auto machine = header.e_ident[EI_DATA] == ELFDATA2MSB ? __builtin_bswap16(header.e_machine) : header.e_machine;
    return std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && machine == EM_BPF;
}

bool same_shape(const MapSpec& a, const MapSpec& b) {
    return a.type == b.type && a.key_size == b.key_size && a.value_size == b.value_size && a.max_entries == b.max_entries;
}

// A load on its way: its maps are found, or made, one after the other.
class Loading {
public:
    Loading(std::shared_ptr<Registry> registry, const LoadRequest& request)
        : request_(request), made_(std::make_unique<bpftime_program>()) {
        made_->registry = std::move(registry);
        made_->object = std::make_shared<ProgramObject>();
    }

    Result<std::unique_ptr<bpftime_program>> native(ByteView bytes, const std::string& name);
    Result<std::unique_ptr<bpftime_program>> bytecode(ByteView bytes, const std::string& name);

private:
    Status find_maps(std::span<const MapSpec> specs);
    Result<std::shared_ptr<MapObject>> find_map(const MapSpec& spec) const;
    Result<Bindings> rehearsal(std::span<const MapSpec> specs);
    Status make_maps(std::span<const MapSpec> specs);
    Status enter();

    const LoadRequest& request_;
    std::unique_ptr<bpftime_program> made_;
    MapSet scratch_;  // of the rehearsal
};

// Null: there is none to share.
Result<std::shared_ptr<MapObject>> Loading::find_map(const MapSpec& spec) const {
    std::shared_ptr<MapObject> named;
    for (const bpftime_map* map : request_.maps) {
        if (binding_name(map->object->spec.name) != spec.name) continue;
        if (same_shape(map->object->spec, spec)) return map->object;
        named = map->object;
    }
    if (named || request_.own_maps || spec.name.starts_with('.')) return named;
    std::shared_ptr<MapObject> found;
    for (auto& object : BPFTIME_TRY(all_objects<MapObject>(*made_->registry))) {
        if (object->spec.name != spec.name) continue;
        named = object;
        if (!same_shape(object->spec, spec)) continue;
        if (found)
            return fail(failure("maps ", found->id, " and ", object->id, " are both called '", spec.name, "' and have its shape")
                            .with_hint("pass the one that is meant")
                            .with_errno(EEXIST));
        found = std::move(object);
    }
    return found ? found : named;  // of another shape: the linker says how it differs
}

Status Loading::find_maps(std::span<const MapSpec> specs) {
    for (const MapSpec& spec : specs) made_->object->maps.push_back(BPFTIME_TRY(find_map(spec)));
    return {};
}

// Bindings with scratch maps in place of those that are to be made, so that what is refused is refused before anything is made.
Result<Bindings> Loading::rehearsal(std::span<const MapSpec> specs) {
    std::vector<MapBinding> maps;
    for (std::size_t index = 0; index < specs.size(); ++index) {
        const auto& found = made_->object->maps[index];
        if (!found) scratch_.push_back(BPFTIME_TRY(bpftime::create_map(specs[index])));
        const Map* const map = found ? found->elements->map() : scratch_.back().get();
        maps.push_back(map != nullptr ? map->binding() : MapBinding{});
        if (found) maps.back().spec = found->snapshot();
    }
    Bindings bindings = default_bindings();
    bindings.maps = std::move(maps);
    return bindings;
}

Status Loading::make_maps(std::span<const MapSpec> specs) {
    for (std::size_t index = 0; index < specs.size(); ++index) {
        auto& map = made_->object->maps[index];
        if (map) {
            made_->held.emplace_back(BPFTIME_TRY(made_->registry->open(*map)));
            continue;
        }
        NewMap fresh = BPFTIME_TRY(create_map(*made_->registry, specs[index]));
        map = std::move(fresh.object);
        made_->held.push_back(std::move(fresh.held));
    }
    return {};
}

Result<std::unique_ptr<bpftime_program>> Loading::native(ByteView bytes, const std::string& name) {
    if (!request_.engine.empty()) return fail(failure("an engine is for bytecode, and this is a native object"));
    auto metadata = read_metadata(bytes);
    if (!metadata && !request_.unverified) return fail(std::move(metadata).error());
    Program& program = made_->object->program;
    program.name = metadata ? metadata->program : name;
    std::vector<MapSpec> specs;
    if (metadata) {
        program.type = metadata->program_type;
        program.section = metadata->section;
        if (!request_.program.empty() && request_.program != program.name)
            return fail(failure("the object is of program '", program.name, "', not of '", request_.program, "'").with_errno(ENOENT));
        for (const MetadataMap& map : metadata->maps) specs.push_back(map.spec);
    }
    const LinkOptions options{.allow_unverified = request_.unverified, .trusted_keys = request_.trusted_keys};
    BPFTIME_CHECK(find_maps(specs));
    const Bindings rehearsed = BPFTIME_TRY(rehearsal(specs));
    BPFTIME_TRY(link_object(bytes, rehearsed, options));
    BPFTIME_CHECK(make_maps(specs));
    const Bindings bindings = BPFTIME_TRY(program_bindings(*made_->object));
    made_->code = BPFTIME_TRY(link_object(bytes, bindings, options));
    made_->about = run_context(*made_->object, 0);
    return std::move(made_);
}

// Makes the program an object of the registry.
Status Loading::enter() {
    ProgramObject& object = *made_->object;
    object.tag = kernel_tag(encode(object.program.insns));
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    object.load_time = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
    object.user = getuid();
    made_->held.emplace_back(BPFTIME_TRY(made_->registry->publish(made_->object)));
    return {};
}

Result<std::unique_ptr<bpftime_program>> Loading::bytecode(ByteView bytes, const std::string& name) {
    if (!request_.trusted_keys.empty())
        return fail(failure("bytecode carries no signature").with_hint("build and sign it").with_errno(EACCES));
    std::vector<std::string> wanted;
    if (!request_.program.empty()) wanted.push_back(request_.program);
    LoadedObject loaded = BPFTIME_TRY(load_elf(bytes, name, {.btf_path = {}, .programs = wanted}));
    if (loaded.programs.size() != 1) {
        std::string names;
        for (const LoadedProgram& one : loaded.programs) names += cat(names.empty() ? "" : ", ", one.name);
        return fail(failure("the object has ", loaded.programs.size(), " programs").with_hint(cat("choose one of ", names)));
    }
    Program& program = made_->object->program = BPFTIME_TRY(std::move(loaded.programs.front().program));
    program.btf.clear();  // which is not kept
    const std::vector<MapSpec> specs = program.maps;
    BPFTIME_CHECK(find_maps(specs));
    for (std::size_t index = 0; index < specs.size(); ++index)
        if (const auto& found = made_->object->maps[index]; found && !same_shape(found->spec, specs[index]))
            return fail(failure("map '", specs[index].name, "' has another shape here (map ", found->id, ") than in the object")
                            .in_program(program.name));
    const Bindings rehearsed = BPFTIME_TRY(rehearsal(specs));
    BPFTIME_CHECK(check_bindings(program, rehearsed));
    BPFTIME_CHECK(make_maps(specs));
    const Bindings bindings = BPFTIME_TRY(program_bindings(*made_->object));
    for (std::size_t index = 0; index < specs.size(); ++index) program.maps[index] = bindings.maps[index].spec;
    made_->code = BPFTIME_TRY(find_engine(request_.engine)->make(program, bindings));
    BPFTIME_CHECK(enter());
    made_->about = run_context(*made_->object, 0);
    return std::move(made_);
}

}  // namespace

Result<LoadRequest> read_options(const struct bpftime_load_options* given) {
    const auto options = BPFTIME_TRY(read_struct(given));
    LoadRequest request;
    if (options.program != nullptr) request.program = options.program;
    if (options.engine != nullptr) request.engine = options.engine;
    if (find_engine(request.engine) == nullptr)
        return fail(failure("there is no engine '", request.engine, "'").with_hint("it is ubpf, interpreter or llvm"));
    constexpr std::uint32_t kKnown = BPFTIME_LOAD_UNVERIFIED | BPFTIME_LOAD_OWN_MAPS;
    if ((options.flags & ~kKnown) != 0 || options.reserved != 0) return fail(failure("unknown flags ", hex(options.flags)));
    request.unverified = (options.flags & BPFTIME_LOAD_UNVERIFIED) != 0;
    request.own_maps = (options.flags & BPFTIME_LOAD_OWN_MAPS) != 0;
    if (options.map_count > kMostListed || options.trusted_key_count > kMostListed)
        return fail(failure("too many maps or keys are given").with_errno(E2BIG));
    if ((options.map_count != 0 && options.maps == nullptr) || (options.trusted_key_count != 0 && options.trusted_keys == nullptr))
        return fail(failure("an argument is NULL"));
    for (std::size_t index = 0; index < options.map_count; ++index) {
        if (options.maps[index] == nullptr) return fail(failure("an argument is NULL"));
        request.maps.push_back(options.maps[index]);
    }
    const auto* keys = static_cast<const std::uint8_t*>(options.trusted_keys);
    for (std::size_t index = 0; index < options.trusted_key_count; ++index)
        request.trusted_keys.emplace_back(keys + index * kKeySize, keys + (index + 1) * kKeySize);
    return request;
}

Result<Bytes> read_input(const std::string& path) {
    const auto cannot = [&](int error) {
        return fail(failure("cannot read it: ", std::strerror(error)).in_file(path).with_errno(error));
    };
    const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return cannot(errno);
    Bytes bytes;
    std::uint8_t block[65536];
    for (;;) {
        const ssize_t count = read(file.get(), block, sizeof(block));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return cannot(errno);
        if (count == 0) return bytes;
        bytes.insert(bytes.end(), block, block + count);
    }
}

Result<std::unique_ptr<bpftime_program>> load(std::shared_ptr<Registry> registry, ByteView bytes, const std::string& name,
                                              const LoadRequest& request) {
    Loading loading(std::move(registry), request);
    auto made = is_bytecode(bytes) ? loading.bytecode(bytes, name) : loading.native(bytes, name);
    if (made) return made;
    Error error = std::move(made).error();
    if (error.file.empty()) error.file = name;
    return fail(std::move(error));
}

Code code_of(const Registry& registry, const ProgramObject& object, const LoadRequest& request) {
    const Bindings bindings = BPFTIME_TRY(program_bindings(object));
    const auto file = registry.open_companion(object, kCodeCompanion);
    if (!file && file.error().errnum != ENOENT) return fail(Error(file.error()));
    if (file && request.engine.empty()) {
        const Bytes bytes = BPFTIME_TRY(read_input(cat("/proc/self/fd/", file->get())));
        return link_object(bytes, bindings,
                           {.expected_tag = program_tag(object.program),
                            .expected_program = object.program.name,
                            .program_type = object.program.type,
                            .trusted_keys = request.trusted_keys});
    }
    if (!request.trusted_keys.empty())
        return fail(failure("bytecode carries no signature").in_program(object.program.name).with_errno(EACCES));
    return find_engine(request.engine)->make(object.program, bindings);
}

}  // namespace bpftime::api
