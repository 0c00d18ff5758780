// Where BPF objects live between system calls. The handlers of runtime/syscall-server know objects only through this
// interface, so that a private registry of one process and the shared one serve alike.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/registry/objects.h"
#include "vm/core/result.h"

namespace bpftime {

class TraceRing;

// The companion of a ring buffer or an output event: the pages that clients map.
inline constexpr const char* kRingCompanion = "ring";
// The companion of a program that holds its native object (docs/aot-object.md).
inline constexpr const char* kCodeCompanion = "code";

// A path and what is pinned there.
struct PinnedObject {
    std::string path;
    ObjectKind kind = ObjectKind::Map;
    std::uint32_t id = 0;
};

// Safe to use from several threads. Objects are reached by descriptor, by id or by pinned path. Descriptors are real
// files, so that dup, fcntl, close, fstat, poll and mmap need no help; which object one leads to follows from the
// file's identity.
class Registry {
public:
    virtual ~Registry() = default;

    // A file of zeros for the contents of a new object, at least `size` bytes: what publish() takes. `name` helps people to tell
    // files apart. ENOMEM.
    virtual Result<Fd> make_file(const char* name, std::uint64_t size) = 0;

    // A file that belongs to an object and goes with it, such as the pages of an event that clients map; a new one in place of one
    // that is there. open_companion(): the one that is there, ENOENT.
    virtual Result<Fd> make_companion(const BpfObject& object, const char* name, std::uint64_t size) = 0;
    virtual Result<Fd> open_companion(const BpfObject& object, const char* name) const = 0;

    // Wakes who waits on a descriptor of `object`, one that was published with a pipe.
    virtual std::unique_ptr<Waker> waker(const BpfObject& object) const = 0;

    // Enters `object` under a fresh id and returns a new descriptor for it, close-on-exec, which the caller owns.
    // `file` stands behind the object: one of make_file(), or a pipe for an object whose descriptor is waited on; when it is absent
    // an empty one is made.
    virtual Result<int> publish(std::shared_ptr<BpfObject> object, Fd file = {}) = 0;

    // The object that `fd` leads to. EBADF when it is not open, EINVAL when it is no BPF object.
    virtual Result<std::shared_ptr<BpfObject>> at(int fd) const = 0;
    // The object with this id, ENOENT when there is none.
    virtual Result<std::shared_ptr<BpfObject>> by_id(ObjectKind kind, std::uint32_t id) const = 0;
    // The lowest id above `after` that is in use.
    virtual std::optional<std::uint32_t> next_id(ObjectKind kind, std::uint32_t after) const = 0;
    // A new descriptor for an object of this registry.
    virtual Result<int> open(const BpfObject& object) const = 0;

    // A descriptor of this file has been closed by its user. When it was the last one and the object is a link or a
    // perf event, held by nothing else, the object ends: what was attached is detached.
    virtual void closed(const FileIdentity& file) = 0;

    // BPF_OBJ_PIN, BPF_OBJ_GET. EEXIST, ENOENT.
    virtual Status pin(const std::string& path, std::shared_ptr<BpfObject> object) = 0;
    virtual Result<std::shared_ptr<BpfObject>> pinned(const std::string& path) const = 0;
    // What unlink(2) of a pinned path does. ENOENT.
    virtual Status unpin(const std::string& path) = 0;
    // All of them, by path.
    virtual std::vector<PinnedObject> pinned_objects() const = 0;

    // Whether other processes see it too. Where its programs print to then; null: there is no room.
    virtual bool is_shared() const { return false; }
    virtual TraceRing* trace() const { return nullptr; }

    // BPF_MAP_FREEZE through descriptor `fd`; BPF_PROG_BIND_MAP: the map lives as long as the program.
    virtual Status freeze(MapObject& map, int fd) = 0;
    virtual Status bind(ProgramObject& program, std::shared_ptr<MapObject> map) = 0;

    // BPF_ENABLE_STATS: as long as a copy of this new descriptor is open anywhere, programs count their runs (statistics.h).
    virtual Result<int> enable_stats() = 0;
    // Cheap enough to be asked before every run.
    virtual bool stats_enabled() const = 0;

    // at() for one kind: EINVAL when the descriptor leads to an object of another.
    template <class T>
    Result<std::shared_ptr<T>> get(int fd) const {
        auto object = at(fd);
        if (!object) return fail(std::move(object).error());
        if ((*object)->kind() != T::kKind) return fail(wrong_kind(fd, T::kKind));
        return std::static_pointer_cast<T>(*std::move(object));
    }

private:
    static Error wrong_kind(int fd, ObjectKind wanted) {
        return failure("file descriptor ", fd, " is not a ", kind_name(wanted)).with_errno(EINVAL);
    }
};

}  // namespace bpftime
