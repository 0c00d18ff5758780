// Values of a per-CPU map: one plane of values a CPU, each beginning on a page of its own, so that CPUs share no cache
// line.
#pragma once

#include <cstdint>
#include <cstring>

#include "runtime/maps/cpus.h"
#include "runtime/maps/pages.h"

namespace bpftime {

class PercpuPlanes {
public:
    PercpuPlanes() = default;
    // `count` values of `value_size` bytes for each CPU, in storage_size() bytes from `base` on.
    PercpuPlanes(std::uint8_t* base, std::uint32_t value_size, std::uint64_t count)
        : base_(base), stride_(round_up(value_size, 8)), plane_(plane(value_size, count)), value_size_(value_size), cpus_(possible_cpus()) {}

    static std::uint64_t storage_size(std::uint32_t value_size, std::uint64_t count) {
        return plane(value_size, count) * possible_cpus();
    }

    std::uint8_t* at(std::uint32_t cpu, std::uint64_t index) const {
        return base_ + cpu * plane_ + index * stride_;
    }
    std::uint8_t* mine(std::uint64_t index) const {
        const std::uint32_t cpu = current_run.cpu;
        return __builtin_expect(cpu != kNoCpu, 1) ? at(cpu, index) : claim_mine(index);
    }
    std::uint32_t cpus() const { return cpus_; }
    std::size_t user_size() const { return stride_ * cpus_; }

    void set_mine(std::uint64_t index, const void* value) const { std::memcpy(mine(index), value, value_size_); }
    // The calling CPU's value, zero for the others.
    void begin_mine(std::uint64_t index, const void* value) const {
        const std::uint32_t me = current_cpu();
        for (std::uint32_t cpu = 0; cpu < cpus_; ++cpu) {
            if (cpu == me)
                std::memcpy(at(cpu, index), value, value_size_);
            else
                std::memset(at(cpu, index), 0, stride_);
        }
    }
    // All CPUs' values from, or to, a row of values rounded up to 8 bytes.
    void set_all(std::uint64_t index, const void* row) const {
        for (std::uint32_t cpu = 0; cpu < cpus_; ++cpu)
            std::memcpy(at(cpu, index), static_cast<const std::uint8_t*>(row) + cpu * stride_, value_size_);
    }
    void get_all(std::uint64_t index, void* row) const {
        for (std::uint32_t cpu = 0; cpu < cpus_; ++cpu)
            std::memcpy(static_cast<std::uint8_t*>(row) + cpu * stride_, at(cpu, index), stride_);
    }

private:
    // Out of line, so that who calls mine() needs no frame for it.
    [[gnu::noinline]] std::uint8_t* claim_mine(std::uint64_t index) const { return at(current_cpu(), index); }
    static std::uint64_t plane(std::uint32_t value_size, std::uint64_t count) {
        return round_up(round_up(value_size, 8) * count, kPage);
    }

    std::uint8_t* base_ = nullptr;
    std::uint64_t stride_ = 0, plane_ = 0;
    std::uint32_t value_size_ = 0, cpus_ = 0;
};

}  // namespace bpftime
