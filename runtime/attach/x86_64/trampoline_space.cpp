#include "runtime/attach/x86_64/trampoline_space.h"

#include "runtime/attach/x86_64/displaced.h"
#include "runtime/attach/x86_64/jump.h"

namespace bpftime::attach::x86_64 {

namespace {

constexpr std::size_t kChunk = 64 * 1024;
constexpr std::uint64_t kStep = 1u << 20;       // between attempts to map
constexpr std::uint64_t kNearest = 16u << 20;   // leaves room for what the loader and the heap put around a module
constexpr std::uint64_t kFarthest = (std::uint64_t{1} << 31) - 4 * kChunk;
constexpr std::uint64_t kLowest = 64 * 1024;    // vm.mmap_min_addr
constexpr std::uint64_t kHighest = (std::uint64_t{1} << 47) - kChunk;

std::uint64_t page_of(std::uint64_t address) { return address & ~std::uint64_t{0xfff}; }

}  // namespace

bool TrampolineSpace::fit(Chunk& chunk, std::uint64_t from, std::uint32_t boundaries, std::size_t size, Slot& slot) {
    const std::uint64_t begin = chunk.code->address() + chunk.used, end = chunk.code->address() + chunk.code->size();
    if (end - begin < size) return false;
    const std::uint64_t target = next_safe_target(from, begin, end - size + 1, boundaries);
    if (target == 0) return false;
    slot = {chunk.code.get(), static_cast<std::size_t>(target - chunk.code->address())};
    chunk.used = (slot.at + size + 15) / 16 * 16;
    return true;
}

Result<TrampolineSpace::Slot> TrampolineSpace::take(std::uint64_t from, std::uint32_t boundaries, std::size_t size) {
    Slot slot;
    for (Chunk& chunk : chunks_)
        if (fit(chunk, from, boundaries, size, slot)) return slot;
    Chunk& fresh = chunks_[BPFTIME_TRY(map_chunk(from, boundaries, size))];
    if (fit(fresh, from, boundaries, size, slot)) return slot;
    return fail(failure("there is no room for a trampoline").with_errno(ENOMEM));
}

// Outwards from the code, below and above in turn, wherever a target may lie and nothing is mapped.
Result<std::size_t> TrampolineSpace::map_chunk(std::uint64_t from, std::uint32_t boundaries, std::size_t size) {
    int error = ENOMEM;
    for (std::uint64_t distance = kNearest; distance < kFarthest; distance += kStep) {
        for (const bool below : {true, false}) {
            if (below && from < distance + kLowest) continue;
            const std::uint64_t begin = below ? from - distance : from + distance;
            const std::uint64_t target = next_safe_target(from, begin, begin + kStep, boundaries);
            const std::uint64_t base = page_of(target);
            if (target == 0 || base < kLowest || base > kHighest) continue;
            auto code = CodeChunk::map(base, target - base + size > kChunk ? 2 * kChunk : kChunk);
            if (code) {
                chunks_.push_back({std::make_unique<CodeChunk>(*std::move(code)), 0});
                return chunks_.size() - 1;
            }
            error = code.error().errnum;
            if (error != EEXIST) return fail(std::move(code).error());
        }
    }
    return fail(failure("no memory is free within reach of ", hex(from)).with_errno(error == EEXIST ? ENOMEM : error));
}

}  // namespace bpftime::attach::x86_64
