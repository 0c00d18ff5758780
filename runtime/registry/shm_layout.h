// What the files of a shared registry contain (docs/shm-layout.md). All numbers are in the machine's byte order: the files
// never leave it.
#pragma once

#include <atomic>
#include <cstdint>

namespace bpftime {

inline constexpr std::uint32_t kShmVersion = 2;
inline constexpr std::uint64_t kControlMagic = 0x006c72746e6f6362;  // "bcontrol", cut to seven letters
inline constexpr std::uint64_t kObjectMagic = 0x007463656a626f62;   // "bobject"
inline constexpr std::uint64_t kShmPage = 4096;  // of the files, whatever the machine's pages are
inline constexpr const char* kCpusFile = "cpus";  // CpuSlots of all programs
inline constexpr std::uint32_t kMaxBoundMaps = 64;

// The file "control". Every process of the registry writes it.
struct ControlPage {
    std::uint64_t magic;
    std::uint32_t version;
    std::uint32_t reserved;
    std::atomic<std::uint32_t> last_id[8];   // by ObjectKind; grows only, so that ids are never used again
    std::atomic<std::uint32_t> generation;   // changes when an object comes, goes, or changes what is attached
    std::atomic<std::uint32_t> stats;        // programs count their runs: the file "stats" is held, or was until lately
    std::uint32_t reserved2;
    // Whose processes may use the registry: locks in maps hold thread ids, values hold times. Inode numbers of the namespaces, 0 for
    // unknown; written once.
    std::uint64_t pid_namespace, time_namespace;
};
static_assert(sizeof(ControlPage) <= kShmPage);

// The last page of an object's file, behind its storage and its record: what says which object this is, and all of it that
// changes. Who maps the object may write the second part.
struct ObjectPage {
    std::uint64_t magic = kObjectMagic;
    std::uint32_t version = kShmVersion;
    std::uint32_t kind = 0;
    std::uint32_t id = 0;
    std::uint32_t reserved = 0;
    std::uint64_t storage_size = 0;  // from offset 0; a multiple of the page size
    std::uint64_t record_size = 0;   // behind the storage; fields in object_records.cpp

    alignas(64) std::atomic<std::uint32_t> frozen = 0;          // a map: no writes by bpf(2) any more
    std::atomic<std::uint32_t> bound[kMaxBoundMaps] = {};       // a program: ids of maps that live as long, 0: none
    std::atomic<std::uint32_t> enabled = 0;                     // a perf event: it runs its program
    std::atomic<std::uint32_t> paused = 0;                      // ...an output event: it takes no records
    std::atomic<std::uint32_t> program = 0;                     // ...the id of its program, 0: none
    std::atomic<std::uint32_t> link = 0;                        // ...and of the link that gave it the program
    std::atomic<std::uint64_t> period = 0;                      // ...Sampling: events between two runs, or runs a second
    std::atomic<std::uint64_t> ring_size = 0;                   // ...bytes of its file "ring", 0 until a client has mapped it
    std::atomic<std::uint32_t> rings = 0;                       // ...of these files made so far
    alignas(64) std::atomic<std::uint64_t> runs = 0;            // a program's statistics
    std::atomic<std::uint64_t> run_time = 0;                    // ns
    std::atomic<std::uint64_t> recursion_misses = 0;
};
static_assert(sizeof(ObjectPage) <= kShmPage && std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace bpftime
