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
        case ObjectKind::PerfEvent: return "perf_event";
    }
    return "bpf";
}

}  // namespace

LocalRegistry::~LocalRegistry() {
    for (auto& [id, entry] : tables_[static_cast<std::size_t>(ObjectKind::Map)]) end_live(*entry.object);
}

Result<int> LocalRegistry::publish(std::shared_ptr<BpfObject> object, Fd file) {
    if (!file) file = BPFTIME_TRY(anonymous_file(file_name(object->kind()), 0));
    const FileIdentity identity = BPFTIME_TRY(identify(file.get()));
    Fd fd = BPFTIME_TRY(held_descriptor(file.get()));
    const std::lock_guard lock(mutex_);
    Table& objects = tables_[static_cast<std::size_t>(object->kind())];
    object->id = ++last_id_[static_cast<std::size_t>(object->kind())];
    object->home = this;
    by_file_[identity] = object;
    const std::uint32_t id = object->id;
    objects.emplace(id, Entry{std::move(object), std::move(file)});
    return fd.release();
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
    return BPFTIME_TRY(held_descriptor(found->second.file.get())).release();
}

Result<Fd> LocalRegistry::make_companion(const BpfObject& object, const char* name, std::uint64_t size) {
    Fd file = BPFTIME_TRY(anonymous_file(name, size));
    Fd copy = BPFTIME_TRY(reopen(file.get()));
    const std::lock_guard lock(mutex_);
    companions_[{&object, name}] = std::move(file);
    return copy;
}

Result<Fd> LocalRegistry::open_companion(const BpfObject& object, const char* name) const {
    const std::lock_guard lock(mutex_);
    const auto found = companions_.find({&object, name});
    if (found == companions_.end()) return fail(failure("the object has no ", name).with_errno(ENOENT));
    return reopen(found->second.get());
}

std::unique_ptr<Waker> LocalRegistry::waker(const BpfObject& object) const {
    const std::lock_guard lock(mutex_);
    const auto found = table(object.kind()).find(object.id);
    auto pipe = found == table(object.kind()).end() ? Result<Fd>(Fd()) : reopen(found->second.file.get());
    return std::make_unique<Waker>(pipe ? *std::move(pipe) : Fd());
}

// Takes a link or perf event that nothing leads to any more out of the tables.
std::shared_ptr<BpfObject> LocalRegistry::take_unused(const FileIdentity& identity) {
    const std::lock_guard lock(mutex_);
    const auto found = by_file_.find(identity);
    if (found == by_file_.end()) return nullptr;
    const ObjectKind kind = found->second->kind();
    if (kind != ObjectKind::Link && kind != ObjectKind::PerfEvent) return nullptr;
    Table& objects = tables_[static_cast<std::size_t>(kind)];
    const auto entry = objects.find(found->second->id);
    constexpr long kOurs = 2;  // the table's and by_file_'s
    if (found->second.use_count() > kOurs || !is_unheld(entry->second.file.get())) return nullptr;
    auto object = std::move(found->second);
    std::erase_if(companions_, [&](const auto& one) { return one.first.first == object.get(); });
    objects.erase(entry);
    by_file_.erase(found);
    return object;
}

void LocalRegistry::closed(const FileIdentity& identity) {
    auto object = take_unused(identity);
    if (!object || object->kind() != ObjectKind::Link) return;
    // The link may have been all that held its event.
    auto event = static_cast<const LinkObject&>(*object).event;
    detach(static_cast<const LinkObject&>(*object));
    object.reset();
    if (!event) return;
    FileIdentity file;
    {
        const std::lock_guard lock(mutex_);
        const auto found = table(ObjectKind::PerfEvent).find(event->id);
        if (found == table(ObjectKind::PerfEvent).end()) return;
        if (const auto known = identify(found->second.file.get())) file = *known;
    }
    event.reset();
    take_unused(file);
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

Result<int> LocalRegistry::enable_stats() {
    const std::lock_guard lock(mutex_);
    if (!stats_) stats_ = BPFTIME_TRY(anonymous_file("bpf-stats", 0));
    Fd holder = BPFTIME_TRY(held_descriptor(stats_.get()));
    counting_ = true;
    return holder.release();
}

bool LocalRegistry::stats_enabled() const {
    if (!counting_) return false;
    const std::lock_guard lock(mutex_);
    if (is_unheld(stats_.get())) counting_ = false;
    return counting_;
}

// Every object stays until the end as it is.
Status LocalRegistry::bind(ProgramObject& program, std::shared_ptr<MapObject> map) { return bind_slot(program, map->id); }

}  // namespace bpftime
