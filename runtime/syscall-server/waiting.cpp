#include "runtime/syscall-server/waiting.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include "runtime/maps/ringbuf.h"
#include "runtime/syscall-server/mappings.h"
#include "vm/core/kernel_names.h"

namespace bpftime {

namespace {

std::uint64_t load(std::span<std::uint8_t> pages, std::size_t offset) {
    return std::atomic_ref(*reinterpret_cast<std::uint64_t*>(pages.data() + offset)).load(std::memory_order_acquire);
}

// The consumer's position is in the first page, the producers' in the second.
bool has_records(std::span<std::uint8_t> pages) {
    if (pages.empty()) return false;
    std::atomic_thread_fence(std::memory_order_seq_cst);  // see RingbufMap::readable()
    return load(pages, 0) != load(pages, static_cast<std::size_t>(getpagesize()));
}

// Records that their producer died over before it submitted them would keep the client from those behind.
void discard_dead(const BpfObject& object) {
    Map* const map = static_cast<const MapObject&>(object).elements->map();
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

bool is_ready_by_records(const BpfObject& object) { return object.kind() == ObjectKind::Map; }

Result<SharedPages> open_positions(const Registry& registry, const BpfObject& object) {
    const Fd ring = BPFTIME_TRY(registry.open_companion(object, kRingCompanion));
    return SharedPages::map(ring.get(), 2 * static_cast<std::size_t>(getpagesize()));
}

// A record that comes in between writes its own byte, so that it is never missed.
void settle_readiness(const BpfObject& object, std::span<std::uint8_t> pages, int fd) {
    take_wakeups(fd);
    if (!has_records(pages)) return;
    discard_dead(object);
    if (write(fd, "", 1) < 0) return;  // full is as good
}

// Records are in their place before their wake-up is: what is taken here with the one that was told of, the client will read.
void take_wakeups(int fd) {
    char bytes[512];
    while (read(fd, bytes, sizeof(bytes)) > 0) continue;
}

}  // namespace bpftime
