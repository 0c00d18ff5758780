// Which thread uses which CPU's values: a word for each possible CPU, shared by all whose programs share maps. Whoever
// holds a CPU's slot is alone with that CPU's values, however threads are preempted and moved.
#pragma once

#include <atomic>
#include <cstdint>

#include "runtime/maps/cpus.h"
#include "runtime/maps/pages.h"

namespace bpftime {

class CpuSlots {
public:
    // Over storage_size() bytes, zero when they were made.
    explicit CpuSlots(Pages pages) : pages_(std::move(pages)), count_(possible_cpus()) {}
    static std::uint64_t storage_size() { return round_up(possible_cpus() * kCacheLine, kPage); }

    // The slot of `home`, else of another CPU; or that of `only` where it is given. Waits while other runs hold them all,
    // and takes over from threads that died.
    std::uint32_t claim(std::uint32_t home, std::uint32_t only);
    void release(std::uint32_t cpu);
    // A slot for the life of the calling thread, kNoCpu when all are taken. Runs that find none free take such slots over.
    std::uint32_t keep(std::uint32_t home);
    // Whether the calling thread still keeps the slot.
    bool keeps(std::uint32_t cpu) const;

private:
    struct alignas(kCacheLine) Slot {
        std::atomic<std::uint64_t> owner;  // token of the thread (task_lock.h), kForLife; 0: free
    };
    Slot& slot(std::uint32_t cpu) const { return reinterpret_cast<Slot*>(pages_.data())[cpu]; }
    std::uint32_t take_free(std::uint32_t home, std::uint32_t only, std::uint64_t me) const;
    std::uint32_t take_from_dead(std::uint32_t home, std::uint32_t only, std::uint64_t me) const;
    template <class Take>
    std::uint32_t first(std::uint32_t home, std::uint32_t only, Take take) const;

    Pages pages_;
    std::uint32_t count_;
};

// That of maps which only this process, and its children, have; null where there is no memory for it.
CpuSlots* private_cpu_slots();

}  // namespace bpftime
