// The objects of bpf(2): maps, programs, BTF and links; and those of perf_event_open(2).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "runtime/maps/cpu_slots.h"
#include "runtime/registry/btf.h"
#include "runtime/registry/fd.h"
#include "runtime/registry/map_elements.h"
#include "runtime/registry/shm_layout.h"
#include "vm/core/encoding.h"
#include "vm/core/program.h"

namespace bpftime {

enum class ObjectKind : std::uint8_t { Map, Program, Btf, Link, PerfEvent };
inline constexpr std::size_t kObjectKinds = 5;

// "map", "program", "BTF object", "link", "perf event".
std::string_view kind_name(ObjectKind kind);

class Registry;

// Objects are shared: by the registry, by other objects and by calls in progress.
class BpfObject {
public:
    explicit BpfObject(ObjectKind kind) : kind_(kind) {}
    BpfObject(const BpfObject&) = delete;
    BpfObject& operator=(const BpfObject&) = delete;
    virtual ~BpfObject() = default;

    ObjectKind kind() const { return kind_; }
    std::uint32_t id = 0;  // unique among its kind, never reused; set when the object is published
    const Registry* home = nullptr;  // that published it, and outlives it
    // What changes of the object, as every process of its registry sees it. Never null.
    std::shared_ptr<ObjectPage> page = std::make_shared<ObjectPage>();

private:
    ObjectKind kind_;
};

struct BtfObject final : BpfObject {
    static constexpr ObjectKind kKind = ObjectKind::Btf;
    BtfObject() : BpfObject(kKind) {}
    std::vector<std::uint8_t> bytes;
    Btf view;  // of `bytes`
};

struct MapObject final : BpfObject {
    static constexpr ObjectKind kKind = ObjectKind::Map;
    MapObject() : BpfObject(kKind) {}

    // The shape with the name that programs bind by, the frozen state and, for a data section, the value as it is now.
    MapSpec snapshot() const;
    bool frozen() const { return page->frozen.load(std::memory_order_acquire) != 0; }

    MapSpec spec;  // contents stay in `elements`, frozen in the page
    std::unique_ptr<MapElements> elements;
    std::shared_ptr<void> live;         // what its ids mean to programs here (runtime/syscall-server/live_map.h)
    std::shared_ptr<MapObject> inner;  // template of a map-in-map's values
    std::shared_ptr<BtfObject> btf;
    std::uint32_t key_type = 0, value_type = 0;
    std::optional<std::uint32_t> spin_lock;  // offset of the struct bpf_spin_lock in a value, where its BTF has one
};

// Looks for the spin lock in the BTF of the map's values. Errors are those of BPF_MAP_CREATE.
Status find_spin_lock(MapObject& map);
// Gives the map its elements, which learn of the lock.
void set_elements(MapObject& map, std::unique_ptr<MapElements> elements);

// Records of BTF func_info and line_info as they came (struct bpf_func_info, bpf_line_info of the UAPI).
struct FuncRecord {
    std::uint32_t insn = 0, type = 0;
};
struct LineRecord {
    std::uint32_t insn = 0, file_name = 0, line = 0, line_column = 0;
};

using ProgramTag = std::array<std::uint8_t, 8>;

struct ProgramObject final : BpfObject {
    static constexpr ObjectKind kKind = ObjectKind::Program;
    ProgramObject() : BpfObject(kKind) {}
    Program program;                                // its maps as they were when it was loaded
    std::vector<std::shared_ptr<MapObject>> maps;   // as Program::maps
    std::shared_ptr<BtfObject> btf;
    std::uint32_t flags = 0;
    ProgramTag tag{};             // of the code as it came, without the numbers of maps
    std::uint64_t load_time = 0;  // CLOCK_BOOTTIME, ns
    std::uint32_t user = 0;       // who loaded it
    std::uint32_t attach_btf_type = 0;
    std::vector<FuncRecord> functions;
    std::vector<LineRecord> lines;
    std::shared_ptr<CpuSlots> cpu_slots;  // of everybody who shares its maps; null: this process alone does
};

// What a ProgramRun of it takes.
inline CpuSlots* cpu_slots_of(const ProgramObject& program) {
    return program.cpu_slots ? program.cpu_slots.get() : private_cpu_slots();
}

// What makes a program run.
enum class ProbeKind : std::uint8_t {
    Uprobe,      // a function begins, or an instruction is reached
    Uretprobe,   // a function returns
    Tracepoint,  // a point that the kernel names, a system call for instance
    Sampling,    // a software clock or counter passes another period
    Output,      // nothing: the event is where programs write records to (PERF_COUNT_SW_BPF_OUTPUT)
};

// One place of a probe. `cookie` is what bpf_get_attach_cookie() returns there.
struct ProbeSite {
    std::uint64_t offset = 0;          // into the file
    std::uint64_t ref_ctr_offset = 0;  // into the file, of the 16-bit semaphore to raise while attached; 0 for none
    std::uint64_t cookie = 0;
};

// Where a program is attached, in terms that mean the same in every process.
struct ProbeTarget {
    ProbeKind kind = ProbeKind::Uprobe;
    std::string path;              // uprobes: absolute, without symbolic links
    FileIdentity file;             // and which file that was, however another process names it
    std::vector<ProbeSite> sites;  // at least one; for kinds other than uprobes exactly one, of which the cookie counts
    std::string tracepoint;        // "syscalls:sys_enter_openat"
    std::uint32_t pid = 0;         // only this process (perf: only this thread), 0 for any
    std::int32_t cpu = -1;         // only while on this processor, -1 for any
    std::uint32_t type = 0;        // perf_event_attr as it came: what link info repeats
    std::uint64_t config = 0;
    bool frequency = false;  // Sampling: the page's period counts runs a second
    std::uint64_t sample_type = 0;  // Output: the fields of a record, as perf_event_attr has them
    std::uint32_t wakeup = 0;       // ...records between two wake-ups of the client, or bytes if `watermark`
    bool watermark = false;
};

// What perf_event_open(2) made. A program comes to it by ioctl(SET_BPF), or through a link.
struct PerfEventObject final : BpfObject {
    static constexpr ObjectKind kKind = ObjectKind::PerfEvent;
    PerfEventObject() : BpfObject(kKind) {}

    bool enabled() const { return page->enabled.load(std::memory_order_acquire) != 0; }

    // An output event's descriptor is a pipe: a byte in it wakes who waits. Its pages, as a client maps them and the kernel lays them
    // out (struct perf_event_mmap_page, then 2^n of data), are the companion "ring".
    ProbeTarget target;
};

// A program attached for as long as the link lives. All that an agent needs is in `target`; a link on a perf event
// runs only while the event is enabled.
struct LinkObject final : BpfObject {
    static constexpr ObjectKind kKind = ObjectKind::Link;
    LinkObject() : BpfObject(kKind) {}
    bool active() const { return !event || event->enabled(); }

    std::shared_ptr<ProgramObject> program;
    std::uint32_t attach_type = 0;  // BPF_PERF_EVENT, BPF_TRACE_UPROBE_MULTI
    std::uint32_t flags = 0;        // BPF_F_UPROBE_MULTI_RETURN
    ProbeTarget target;
    std::shared_ptr<PerfEventObject> event;  // BPF_PERF_EVENT only
};

// Ends what a map's ids mean in this process: its programs may hold the map in their turn. Nothing for other objects.
void end_live(BpfObject& object);

// Takes the program from the event that the link put it on. Called once nothing leads to the link any more.
void detach(const LinkObject& link);

// Enters a map into the page of a program that it shall live as long as. E2BIG.
Status bind_slot(ProgramObject& program, std::uint32_t map);
// The maps bound so.
std::vector<std::uint32_t> bound_maps(const ObjectPage& page);

// The name that objects bind a map by. libbpf prefixes the maps of data sections with the object's name
// ("minimal.rodata"); the section alone is what stays the same ("." never occurs in a C name).
std::string binding_name(std::string_view kernel_name);

}  // namespace bpftime
