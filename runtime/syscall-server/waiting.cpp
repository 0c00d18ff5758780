#include "runtime/syscall-server/waiting.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include "runtime/maps/ringbuf.h"
#include "runtime/syscall-server/mappings.h"
#include "vm/core/kernel_names.h"

namespace bpftime {

namespace {

// Where the pages hold how far the client has read and the programs have written, in bytes from the beginning of time.
struct Positions {
    std::size_t read, written;
};

Positions positions(const BpfObject& object) {
    if (object.kind() == ObjectKind::PerfEvent)
        return {offsetof(perf_event_mmap_page, data_tail), offsetof(perf_event_mmap_page, data_head)};
    return {0, static_cast<std::size_t>(getpagesize())};
}

std::uint64_t load(std::span<std::uint8_t> pages, std::size_t offset) {
    return std::atomic_ref(*reinterpret_cast<std::uint64_t*>(pages.data() + offset)).load(std::memory_order_acquire);
}

bool has_records(const BpfObject& object, std::span<std::uint8_t> pages) {
    if (pages.empty()) return false;
    const Positions at = positions(object);
    std::atomic_thread_fence(std::memory_order_seq_cst);  // see RingbufMap::readable()
    return load(pages, at.read) != load(pages, at.written);
}

// Records that their producer died over before it submitted them would keep the client from those behind.
void discard_dead(const BpfObject& object) {
    Map* const map = object.kind() == ObjectKind::Map ? static_cast<const MapObject&>(object).elements->map() : nullptr;
    if (map != nullptr) static_cast<RingbufMap*>(map)->reclaim();
}

}  // namespace

Result<Fd> new_wake_pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        const int error = errno;
        return fail(failure("cannot create a pipe: ", std::strerror(error)).with_errno(error));
    }
    close(ends[1]);
    return Fd(ends[0]);
}

bool is_waited_on(const BpfObject& object) {
    if (object.kind() == ObjectKind::PerfEvent)
        return static_cast<const PerfEventObject&>(object).target.kind == ProbeKind::Output;
    return object.kind() == ObjectKind::Map &&
           static_cast<const MapObject&>(object).spec.type == static_cast<std::uint32_t>(MapType::Ringbuf);
}

Result<SharedPages> open_positions(const Registry& registry, const BpfObject& object) {
    const Fd ring = BPFTIME_TRY(registry.open_companion(object, kRingCompanion));
    return SharedPages::map(ring.get(), 2 * static_cast<std::size_t>(getpagesize()));
}

// A record that comes in between writes its own byte, so that it is never missed.
void settle_readiness(const BpfObject& object, std::span<std::uint8_t> pages, int fd) {
    char bytes[512];
    while (read(fd, bytes, sizeof(bytes)) > 0) continue;
    if (!has_records(object, pages)) return;
    discard_dead(object);
    if (write(fd, "", 1) < 0) return;  // full is as good
}

}  // namespace bpftime
