#include <atomic>
#include <map>

#include "benchmark/maps/sides.h"
#include "runtime/helpers/helpers.h"
#include "runtime/loader/elf_loader.h"
#include "runtime/maps/cpus.h"
#include "runtime/maps/program_run.h"
#include "runtime/maps/ringbuf.h"
#include "runtime/maps/user_ops.h"
#include "vm/core/kernel_names.h"
#include "vm/linker/linker.h"
#include "vm/llvm-jit/compiler.h"
#include "vm/ubpf-jit/ubpf_jit.h"

namespace bpftime::benchmark {

namespace {

Result<std::unique_ptr<Executable>> make(const Program& program, const Bindings& bindings, OurEngine engine) {
    if (engine == OurEngine::Ubpf) return ubpf_jit(program, bindings);
    const auto object = BPFTIME_TRY(compile_object(program, {}));
    return link_object(object.bytes, bindings);
}

class OurSide final : public Side {
public:
    Status load(const std::string& path, OurEngine engine) {
        const LoadedObject object = BPFTIME_TRY(load_elf(path));
        for (const MapSpec& spec : object.maps) {
            const std::uint64_t size = BPFTIME_TRY(map_storage(spec));
            Pages pages = BPFTIME_TRY(Pages::inherit(size));
            if (spec.type == static_cast<std::uint32_t>(MapType::Ringbuf)) ring_ = pages.data();
            maps_.push_back(BPFTIME_TRY(create_map(spec, std::move(pages))));
        }
        for (const LoadedProgram& loaded : object.programs) {
            if (!loaded.program) return fail(Error(loaded.program.error()));
            Bindings bindings = default_bindings();
            for (const MapSpec& spec : loaded.program->maps)
                bindings.maps.push_back(maps_[spec.number]->binding());
            programs_[loaded.name] = BPFTIME_TRY(make(*loaded.program, bindings, engine));
        }
        return fill_all();
    }

    Result<std::uint64_t> run(const std::string& program, std::uint32_t repeat) override {
        const auto found = programs_.find(program);
        if (found == programs_.end()) return fail(failure("no program '", program, "'"));
        const Entry entry = found->second->entry();
        std::uint8_t packet[64] = {};
        std::uint64_t context[6] = {};
        context[0] = reinterpret_cast<std::uintptr_t>(packet);
        std::uint64_t result = 0;
        for (std::uint32_t i = 0; i < repeat; ++i) {
            const ProgramRun one(private_cpu_slots());
            result = entry(context, sizeof context);
        }
        return result;
    }

    void empty_ring() override {
        const auto word = [this](std::uint64_t offset) { return reinterpret_cast<std::atomic<std::uint64_t>*>(ring_ + offset); };
        word(RingbufMap::kConsumerOffset)->store(word(RingbufMap::kProducerOffset)->load());
    }

private:
    Status fill_all() {
        for (const Filling& filling : fillings())
            for (const auto& map : maps_)
                if (map->spec().name == filling.map)
                    BPFTIME_CHECK(fill(filling, possible_cpus(), [&](const void* key, const void* value) {
                        return user_update(*map, key, value);
                    }));
        return {};
    }

    MapSet maps_;
    std::uint8_t* ring_ = nullptr;
    std::map<std::string, std::unique_ptr<Executable>> programs_;
};

}  // namespace

const std::vector<Filling>& fillings() {
    static const std::vector<Filling> all = {{"array"},      {"percpu_array", false, true}, {"hash"},
                                             {"hash_alloc"}, {"percpu_hash", false, true},  {"lru_hash"},
                                             {"lpm_trie", true}};
    return all;
}

Result<std::unique_ptr<Side>> our_side(const std::string& path, OurEngine engine) {
    auto side = std::make_unique<OurSide>();
    BPFTIME_CHECK(side->load(path, engine));
    return side;
}

}  // namespace bpftime::benchmark
