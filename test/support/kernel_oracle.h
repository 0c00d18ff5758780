// The running kernel as an engine: BPF_PROG_LOAD for its verdict, BPF_PROG_TEST_RUN for its result.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "vm/core/result.h"

namespace bpftime::test {

// Why this process cannot load programs, or empty when it can.
std::string kernel_unavailable();

// A loaded program. Move-only.
class KernelProgram {
public:
    // The error's cause is the last line of the verifier's log; `log`, if given, receives the whole.
    static Result<KernelProgram> load(std::span<const std::uint8_t> bytecode, std::uint32_t type, std::string* log = nullptr);

    KernelProgram(KernelProgram&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
    KernelProgram& operator=(KernelProgram&& other) noexcept;
    ~KernelProgram();

    // Runs on `data`, which it changes as the program does (XDP: a packet of at least 14 bytes). Returns the low half of r0.
    Result<std::uint32_t> test_run(std::span<std::uint8_t> data) const;

private:
    explicit KernelProgram(int fd) : fd_(fd) {}
    int fd_;
};

// A map in the kernel. Move-only.
class KernelMap {
public:
    static Result<KernelMap> create(std::uint32_t type, std::uint32_t key_size, std::uint32_t value_size, std::uint32_t entries);

    KernelMap(KernelMap&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
    KernelMap& operator=(KernelMap&& other) noexcept;
    ~KernelMap();

    int fd() const { return fd_; }
    Status update(const void* key, const void* value) const;
    Status lookup(const void* key, void* value) const;

private:
    explicit KernelMap(int fd) : fd_(fd) {}
    int fd_;
};

struct KernelResult {
    std::uint64_t r0 = 0;
    std::vector<std::uint8_t> memory;  // after the run
};

// `bytecode` as an XDP program that calls it with the packet's bytes in r1 and their number in r2, and keeps all 64 bits of r0
// behind them. What the kernel cannot express (a pointer to nothing, atomics on packets) comes back as its refusal.
std::vector<std::uint8_t> wrap_for_kernel(std::span<const std::uint8_t> bytecode, std::size_t memory_size);

// Wraps, loads and runs.
Result<KernelResult> run_in_kernel(std::span<const std::uint8_t> bytecode, std::span<const std::uint8_t> memory,
                                   std::string* log = nullptr);

}  // namespace bpftime::test
