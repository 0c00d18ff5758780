// A registry private to this process: gone, with all its objects, when it is destroyed.
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <mutex>

#include "runtime/registry/registry.h"

namespace bpftime {

// Keeps every object until the end, closed or not, except links and perf events (closed()). Descriptors handed out stay
// valid files afterwards but lead nowhere.
class LocalRegistry final : public Registry {
public:
    ~LocalRegistry() override;
    Result<Fd> make_file(const char* name, std::uint64_t size) override { return anonymous_file(name, size); }
    Result<Fd> make_companion(const BpfObject& object, const char* name, std::uint64_t size) override;
    Result<Fd> open_companion(const BpfObject& object, const char* name) const override;
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
    Result<int> enable_stats() override;
    bool stats_enabled() const override;

private:
    struct Entry {
        std::shared_ptr<BpfObject> object;
        Fd file;  // keeps the identity from being given to another file; the descriptors given out are counted
    };
    using Table = std::map<std::uint32_t, Entry>;  // by id

    std::shared_ptr<BpfObject> take_unused(const FileIdentity& file);
    const Table& table(ObjectKind kind) const { return tables_[static_cast<std::size_t>(kind)]; }

    mutable std::mutex mutex_;
    std::array<Table, kObjectKinds> tables_;
    std::array<std::uint32_t, kObjectKinds> last_id_{};
    std::map<FileIdentity, std::shared_ptr<BpfObject>> by_file_;
    std::map<std::string, std::shared_ptr<BpfObject>> pins_;
    std::map<std::pair<const BpfObject*, std::string>, Fd> companions_;
    Fd stats_;  // held by who wants statistics
    mutable std::atomic<bool> counting_ = false;
};

}  // namespace bpftime
