// The registry that several processes share: objects are files of a ShmDirectory. An object lives as long as somebody
// holds a descriptor of it, it is pinned, or another living object refers to it; collect() removes the others.
#pragma once

#include <map>
#include <mutex>

#include "runtime/helpers/trace_ring.h"
#include "runtime/registry/object_records.h"
#include "runtime/registry/registry.h"
#include "runtime/registry/shm_directory.h"

namespace bpftime {

class SharedRegistry final : public Registry {
public:
    // See ShmDirectory::open.
    static Result<std::unique_ptr<SharedRegistry>> open(ShmDirectory::Open how, const std::string& name = {});
    ~SharedRegistry() override;

    Result<Fd> make_file(const char* name, std::uint64_t size) override;
    Result<Fd> make_companion(const BpfObject& object, const char* name, std::uint64_t size) override;
    Result<Fd> open_companion(const BpfObject& object, const char* name) const override;
    // A companion with these contents, which takes the place of one that is there in one step.
    Status store_companion(const BpfObject& object, const char* name, std::span<const std::uint8_t> contents);
    std::unique_ptr<Waker> waker(const BpfObject& object) const override;
    Result<int> publish(std::shared_ptr<BpfObject> object, Fd file = {}) override;
    Result<std::shared_ptr<BpfObject>> at(int fd) const override;
    Result<std::shared_ptr<BpfObject>> by_id(ObjectKind kind, std::uint32_t id) const override;
    std::optional<std::uint32_t> next_id(ObjectKind kind, std::uint32_t after) const override;
    Result<int> open(const BpfObject& object) const override;
    void closed(const FileIdentity& file) override;
    Status pin(const std::string& path, std::shared_ptr<BpfObject> object) override;
    Result<std::shared_ptr<BpfObject>> pinned(const std::string& path) const override;
    Status unpin(const std::string& path) override;
    std::vector<PinnedObject> pinned_objects() const override;
    Status freeze(MapObject& map, int fd) override;
    Status bind(ProgramObject& program, std::shared_ptr<MapObject> map) override;
    bool is_shared() const override { return true; }
    TraceRing* trace() const override;  // the file "trace", made when it is first asked for
    Result<int> enable_stats() override;
    bool stats_enabled() const override;

    // Removes the objects that nobody needs any more; those that processes left behind when they died among them. Does
    // nothing while another process does, or publishes.
    void collect() const;

    // Ids of all objects of a kind, ascending.
    std::vector<std::uint32_t> ids(ObjectKind kind) const;
    const ShmDirectory& directory() const { return directory_; }

    // To be called by pthread_atfork(3)'s handlers where this process may fork while its threads use the registry:
    // before, and in parent and child after. A child has no lock of its parent's threads then, neither in memory nor on
    // a file.
    void before_fork() const;
    void after_fork() const;

private:
    using Key = ObjectReference;

    SharedRegistry(ShmDirectory directory, std::shared_ptr<CpuSlots> slots)
        : directory_(std::move(directory)), cpu_slots_(std::move(slots)) {}

    bool is_held(Key key) const;
    std::vector<Key> references(Key key) const;
    void remove(Key key) const;
    void remove_companions() const;
    Result<std::shared_ptr<BpfObject>> load(Key key) const;
    Result<std::shared_ptr<BpfObject>> find(Key key) const;
    Result<std::shared_ptr<BpfObject>> find_locked(Key key) const;
    void end_stats() const;

    // A lock of the directory, and of this process's threads that take one: none is held while the process forks.
    struct Turn {
        std::unique_lock<std::mutex> mine;
        FileLock everyones;
    };
    Result<Turn> publishing() const;
    std::optional<Turn> collecting() const;
    std::vector<Key> keys() const;
    void share_cpus(BpfObject& object) const;

    ShmDirectory directory_;
    std::shared_ptr<CpuSlots> cpu_slots_;
    mutable std::mutex turn_;                                  // taken before mutex_
    mutable std::mutex mutex_;                                 // of known_
    mutable std::map<Key, std::shared_ptr<BpfObject>> known_;  // by this process, mapped
    mutable std::unique_ptr<TraceRing> trace_;
    mutable std::atomic<std::uint32_t> published_ = 0;    // since the last collection
    mutable std::atomic<std::uint64_t> stats_asked_ = 0;  // when it was last looked whether somebody wants statistics
};

}  // namespace bpftime
