#include "vm/interpreter/memory_map.h"

#include <limits>

namespace bpftime::interpreter {

namespace {

constexpr std::uint64_t kNullPage = 4096;

// Bytes between the access and the region, 0 if they touch or overlap.
std::uint64_t distance(const Region& region, std::uint64_t address, std::uint64_t bytes) {
    const std::uint64_t end = region.begin + region.size;
    if (address >= end) return address - end;
    const std::uint64_t last = address + bytes;
    return last <= region.begin && last >= address ? region.begin - last : 0;
}

// Where the access lies beside the region: "24 bytes after the end of stack frame 0 (512 bytes at 0x7ffc00001000)".
std::string describe(const Region& region, std::uint64_t address, std::uint64_t bytes) {
    const std::uint64_t end = region.begin + region.size;
    const std::string which = cat(region.name, " (", region.size, " bytes at ", hex(region.begin), ')');
    if (address >= end) return cat(address - end, " bytes after the end of ", which);
    if (address >= region.begin) return cat("it reaches ", address + bytes - end, " bytes past the end of ", which);
    return cat("it begins ", region.begin - address, " bytes before ", which);
}

}  // namespace

void MemoryMap::add(Region region) {
    if (find(region.begin, region.size) != nullptr) return;
    handed_out_.insert_or_assign(region.begin, std::move(region));
}

const Region* MemoryMap::find(std::uint64_t address, std::uint64_t bytes) const {
    for (const Region& region : fixed_)
        if (region.contains(address, bytes)) return &region;
    auto next = handed_out_.upper_bound(address);
    if (next == handed_out_.begin()) return nullptr;
    const Region& before = std::prev(next)->second;
    return before.contains(address, bytes) ? &before : nullptr;
}

const Region* MemoryMap::nearest(std::uint64_t address, std::uint64_t bytes) const {
    const Region* best = nullptr;
    std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
    const auto consider = [&](const Region& region) {
        const std::uint64_t away = distance(region, address, bytes);
        if (region.size == 0 || away >= least) return;
        least = away;
        best = &region;
    };
    for (const Region& region : fixed_) consider(region);
    auto next = handed_out_.upper_bound(address);
    if (next != handed_out_.end()) consider(next->second);
    if (next != handed_out_.begin()) consider(std::prev(next)->second);
    return best;
}

Status MemoryMap::check(Access access, std::uint64_t address, std::uint64_t bytes, std::string_view what) const {
    const std::string where = cat(what, " of ", bytes, " bytes at ", hex(address));
    if (const Region* region = find(address, bytes)) {
        if (access == Access::Read || region->writable) return {};
        return fail(failure(where, " would change ", region->name, ", which is read-only").with_errno(EACCES));
    }
    if (address < kNullPage)
        return fail(failure(where, " follows a null pointer")
                        .with_hint("compare what the helper returned with 0 first")
                        .with_errno(EACCES));
    const Region* region = nearest(address, bytes);
    return fail(failure(where, " is outside the program's memory: ",
                        region != nullptr ? describe(*region, address, bytes) : std::string("it has none"))
                    .with_errno(EACCES));
}

}  // namespace bpftime::interpreter
