#include "runtime/registry/local_registry.h"

#include <fcntl.h>

#include <cstring>

namespace bpftime {

namespace {

const char* file_name(ObjectKind kind) {
    switch (kind) {
        case ObjectKind::Map: return "bpf-map";
        case ObjectKind::Program: return "bpf-prog";
        case ObjectKind::Btf: return "btf";
        case ObjectKind::Link: return "bpf-link";
    }
    return "bpf";
}

Result<int> duplicate(int fd) {
    const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);  // never a standard stream, as libbpf wants them
    if (copy >= 0) return copy;
    const int error = errno;
    return fail(failure("cannot open a file descriptor: ", std::strerror(error)).with_errno(error));
}

}  // namespace

Result<int> LocalRegistry::publish(std::shared_ptr<BpfObject> object, Fd file) {
    if (!file) file = BPFTIME_TRY(anonymous_file(file_name(object->kind()), 0));
    const FileIdentity identity = BPFTIME_TRY(identify(file.get()));
    const int fd = BPFTIME_TRY(duplicate(file.get()));
    const std::lock_guard lock(mutex_);
    Table& objects = tables_[static_cast<std::size_t>(object->kind())];
    object->id = objects.empty() ? 1 : objects.rbegin()->first + 1;
    by_file_[identity] = object;
    const std::uint32_t id = object->id;
    objects.emplace(id, Entry{std::move(object), std::move(file)});
    return fd;
}

Result<std::shared_ptr<BpfObject>> LocalRegistry::at(int fd) const {
    const FileIdentity identity = BPFTIME_TRY(identify(fd));
    const std::lock_guard lock(mutex_);
    const auto found = by_file_.find(identity);
    if (found == by_file_.end()) return fail(failure("file descriptor ", fd, " is no BPF object").with_errno(EINVAL));
    return found->second;
}

Result<std::shared_ptr<BpfObject>> LocalRegistry::by_id(ObjectKind kind, std::uint32_t id) const {
    const std::lock_guard lock(mutex_);
    const auto found = table(kind).find(id);
    if (found == table(kind).end()) return fail(failure("there is no ", kind_name(kind), ' ', id).with_errno(ENOENT));
    return found->second.object;
}

std::optional<std::uint32_t> LocalRegistry::next_id(ObjectKind kind, std::uint32_t after) const {
    const std::lock_guard lock(mutex_);
    const auto next = table(kind).upper_bound(after);
    if (next == table(kind).end()) return std::nullopt;
    return next->first;
}

Result<int> LocalRegistry::open(const BpfObject& object) const {
    const std::lock_guard lock(mutex_);
    const auto found = table(object.kind()).find(object.id);
    if (found == table(object.kind()).end() || found->second.object.get() != &object)
        return fail(failure("the object belongs to another registry").with_errno(ENOENT));
    return duplicate(found->second.file.get());
}

Status LocalRegistry::pin(const std::string& path, std::shared_ptr<BpfObject> object) {
    const std::lock_guard lock(mutex_);
    if (!pins_.emplace(path, std::move(object)).second) return fail(failure(path, " exists").with_errno(EEXIST));
    return {};
}

Result<std::shared_ptr<BpfObject>> LocalRegistry::pinned(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    const auto found = pins_.find(path);
    if (found == pins_.end()) return fail(failure(path, " does not exist").with_errno(ENOENT));
    return found->second;
}

Status LocalRegistry::unpin(const std::string& path) {
    const std::lock_guard lock(mutex_);
    if (pins_.erase(path) == 0) return fail(failure(path, " does not exist").with_errno(ENOENT));
    return {};
}

std::vector<PinnedObject> LocalRegistry::pinned_objects() const {
    const std::lock_guard lock(mutex_);
    std::vector<PinnedObject> all;
    for (const auto& [path, object] : pins_) all.push_back({path, object->kind(), object->id});
    return all;
}

// From here on no system call and no new mapping writes the map.
Status LocalRegistry::freeze(MapObject& map, int fd) {
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) != 0) {
        const int error = errno;
        return fail(failure("cannot freeze map '", map.spec.name, "': ", std::strerror(error)).with_errno(error));
    }
    map.page->frozen.store(1);
    return {};
}

// Every object stays until the end as it is.
Status LocalRegistry::bind(ProgramObject& program, std::shared_ptr<MapObject> map) { return bind_slot(program, map->id); }

}  // namespace bpftime
