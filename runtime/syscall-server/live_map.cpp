#include "runtime/syscall-server/live_map.h"

#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <mutex>
#include <vector>

#include "runtime/helpers/perf_output.h"
#include "runtime/maps/hash_of_maps.h"
#include "runtime/registry/registry.h"
#include "runtime/syscall-server/mappings.h"
#include "runtime/syscall-server/program_runner.h"
#include "vm/core/kernel_names.h"
#include "vm/ubpf-jit/ubpf_jit.h"

namespace bpftime {

namespace {

// What stands behind an id. Stays until the map object goes: a program may be using it.
struct Live {
    virtual ~Live() = default;
    virtual std::uint64_t handle() const = 0;  // what MapResolver gives
    virtual bool current() const { return true; }
};
using Made = Result<std::unique_ptr<Live>>;

struct LiveInner final : Live {
    std::shared_ptr<MapObject> object;
    std::uint64_t handle() const override { return object->elements->map()->handle(); }
};

struct LiveProgram final : Live {
    std::shared_ptr<ProgramObject> object;
    std::unique_ptr<Executable> code;
    std::uint64_t handle() const override { return reinterpret_cast<std::uintptr_t>(code->entry()); }
};

struct LiveEvent final : Live {
    std::shared_ptr<PerfEventObject> object;
    std::unique_ptr<Waker> waker;
    SharedPages pages;
    std::uint32_t rings = 0;  // how many there had been when these were mapped
    PerfOutput output;
    std::uint64_t handle() const override { return reinterpret_cast<std::uintptr_t>(&output); }
    bool current() const override { return object->page->rings.load(std::memory_order_acquire) == rings; }
};

Made live_inner(const Registry& registry, std::uint32_t id) {
    auto live = std::make_unique<LiveInner>();
    live->object = std::static_pointer_cast<MapObject>(BPFTIME_TRY(registry.by_id(ObjectKind::Map, id)));
    if (live->object->elements->map() == nullptr) return fail(failure("map ", id, " is not for programs"));
    make_live(*live->object);
    return live;
}

Made live_program(const Registry& registry, std::uint32_t id) {
    auto live = std::make_unique<LiveProgram>();
    live->object = std::static_pointer_cast<ProgramObject>(BPFTIME_TRY(registry.by_id(ObjectKind::Program, id)));
    const Bindings bindings = BPFTIME_TRY(program_bindings(*live->object));
    live->code = BPFTIME_TRY(ubpf_jit(live->object->program, bindings));
    return live;
}

std::uint64_t file_size(const Fd& file) {
    struct stat status {};
    return fstat(file.get(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

Made live_event(const Registry& registry, std::uint32_t id) {
    auto live = std::make_unique<LiveEvent>();
    live->object = std::static_pointer_cast<PerfEventObject>(BPFTIME_TRY(registry.by_id(ObjectKind::PerfEvent, id)));
    const ProbeTarget& target = live->object->target;
    ObjectPage& page = *live->object->page;
    live->rings = page.rings.load(std::memory_order_acquire);
    const std::uint64_t size = page.ring_size.load(std::memory_order_acquire);
    const auto file = size == 0 ? Result<Fd>(Fd()) : registry.open_companion(*live->object, kRingCompanion);
    if (file && *file && file_size(*file) >= size) live->pages = BPFTIME_TRY(SharedPages::map(file->get(), size));
    live->waker = registry.waker(*live->object);
    live->output = {.takes_records = target.kind == ProbeKind::Output,
                    .id = id,
                    .cpu = target.cpu,
                    .thread = target.pid,
                    .sample_type = target.sample_type,
                    .wakeup = target.wakeup,
                    .watermark = target.watermark,
                    .enabled = &page.enabled,
                    .paused = &page.paused,
                    .pages = live->pages.bytes(),
                    .wake = [](void* waker) { static_cast<Waker*>(waker)->wake(); },
                    .wake_context = live->waker.get()};
    return live;
}

struct TypeRow {
    MapType type;
    Made (*make)(const Registry&, std::uint32_t id);
};
constexpr TypeRow kTypes[] = {
    {MapType::ProgArray, live_program},
    {MapType::PerfEventArray, live_event},
    {MapType::ArrayOfMaps, live_inner},
    {MapType::HashOfMaps, live_inner},
};

// Objects by id: an open-addressed table that only grows fuller. What finds no room is kept all the same, and found
// under the lock.
class LiveMap {
public:
    LiveMap(const Registry& registry, const TypeRow& row, Map& map)
        : registry_(registry),
          row_(row),
          map_(map),
          slots_(std::bit_ceil(std::clamp(map.spec().max_entries, 8u, kMostSlots / 2) * 2)) {
        resolve_by({handle_of, this});
    }
    LiveMap(const LiveMap&) = delete;
    LiveMap& operator=(const LiveMap&) = delete;
    ~LiveMap() { resolve_by({}); }

    std::uint64_t find(std::uint32_t id) {
        const Slot* slot = probe(id);
        const bool known = slot != nullptr && slot->id.load(std::memory_order_acquire) == id;
        const Live* live = known ? slot->live.load(std::memory_order_acquire) : nullptr;
        return live != nullptr && live->current() ? live->handle() : look_up(id);
    }

private:
    static std::uint64_t handle_of(std::uint32_t id, void* self) { return static_cast<LiveMap*>(self)->find(id); }

    void resolve_by(MapResolver resolver) {
        if (row_.type == MapType::HashOfMaps)
            static_cast<HashOfMapsMap&>(map_).set_resolver(resolver);
        else
            static_cast<IdArrayMap&>(map_).set_resolver(resolver);
    }

    static constexpr std::uint32_t kMostSlots = 1u << 16;
    struct Slot {
        std::atomic<std::uint32_t> id = 0;
        std::atomic<const Live*> live = nullptr;
    };

    // The slot of `id`, or a free one; null: the table is full.
    Slot* probe(std::uint32_t id) {
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            Slot& slot = slots_[(id + i) & (slots_.size() - 1)];
            const std::uint32_t there = slot.id.load(std::memory_order_acquire);
            if (there == id || there == 0) return &slot;
        }
        return nullptr;
    }

    // Nothing for an object that has gone or cannot be used here: to a program the element is empty.
    std::uint64_t look_up(std::uint32_t id) {
        const std::lock_guard lock(mutex_);
        for (const auto& [known, live] : kept_)
            if (known == id && live->current()) return live->handle();
        auto made = row_.make(registry_, id);
        if (!made) return 0;
        const Live* live = made->get();
        kept_.emplace_back(id, *std::move(made));
        if (Slot* slot = probe(id)) {
            slot->live.store(live, std::memory_order_release);
            slot->id.store(id, std::memory_order_release);
        }
        return live->handle();
    }

    const Registry& registry_;
    const TypeRow& row_;
    Map& map_;
    std::vector<Slot> slots_;
    std::mutex mutex_;
    std::vector<std::pair<std::uint32_t, std::unique_ptr<Live>>> kept_;
};

std::mutex& making() {
    static std::mutex& mutex = *new std::mutex;
    return mutex;
}

}  // namespace

void make_live(MapObject& map) {
    const auto* row = std::ranges::find(kTypes, static_cast<MapType>(map.spec.type), &TypeRow::type);
    if (row == std::end(kTypes) || map.home == nullptr) return;
    const std::lock_guard lock(making());
    if (map.live) return;
    map.live = std::make_shared<LiveMap>(*map.home, *row, *map.elements->map());
}

void follow(const MapObject& map) {
    if (!map.live) return;
    MapCursor cursor;
    MapEntry entry;
    Map* const elements = map.elements->map();
    while (elements->next(cursor, entry))
        if (static_cast<MapType>(map.spec.type) == MapType::HashOfMaps)
            elements->lookup(entry.key);
        else
            static_cast<IdArrayMap*>(elements)->resolved(*static_cast<const std::uint32_t*>(entry.key));
}

}  // namespace bpftime
