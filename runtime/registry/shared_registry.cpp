#include "runtime/registry/shared_registry.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <set>


namespace bpftime {

namespace {

using Key = ObjectReference;

constexpr std::string_view kPrefixes[kObjectKinds] = {"map.", "program.", "btf.", "link.", "event."};
constexpr std::string_view kWake = ".wake";  // companion of an object whose descriptor is waited on: a named pipe
constexpr const char* kTrace = "trace";
constexpr std::uint32_t kCollectEvery = 16;  // publications
constexpr const char* kStats = "stats";      // the file that is held by who wants statistics
constexpr std::uint64_t kAskAgain = 10'000'000;  // ns until it is looked again whether somebody does

std::string file_name(Key key) { return cat(kPrefixes[static_cast<std::size_t>(key.kind)], key.id); }

std::optional<Key> parse_name(std::string_view name) {
    if (name.ends_with(kWake)) name.remove_suffix(kWake.size());
    for (std::size_t kind = 0; kind < kObjectKinds; ++kind) {
        if (!name.starts_with(kPrefixes[kind])) continue;
        const std::string_view digits = name.substr(kPrefixes[kind].size());
        Key key{static_cast<ObjectKind>(kind), 0};
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), key.id);
        if (error == std::errc() && end == digits.data() + digits.size() && key.id != 0) return key;
    }
    return std::nullopt;
}

std::uint64_t whole_pages(std::uint64_t bytes) { return (bytes + kShmPage - 1) / kShmPage * kShmPage; }

// What a client may map must share no page of the machine with what follows it.
std::uint64_t whole_machine_pages(std::uint64_t bytes) {
    const std::uint64_t page = std::max(kShmPage, static_cast<std::uint64_t>(getpagesize()));
    return (bytes + page - 1) / page * page;
}

// Where the parts of an object's file are.
struct Parts {
    SharedPages pages;
    ObjectPage* page = nullptr;
    std::span<const std::uint8_t> record;
};

Result<Parts> map_parts(int fd, Key key) {
    const auto damaged = [&](std::string_view what) {
        return fail(failure(kind_name(key.kind), ' ', key.id, " in shared memory ", what).with_errno(EBADMSG));
    };
    struct stat status {};
    if (fstat(fd, &status) != 0) return fail(failure("fstat: ", std::strerror(errno)).with_errno(errno));
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (size < kShmPage || size % kShmPage != 0) return damaged("is truncated");
    Parts parts;
    parts.pages = BPFTIME_TRY(SharedPages::map(fd, size));
    const std::span<std::uint8_t> bytes = parts.pages.bytes();
    parts.page = reinterpret_cast<ObjectPage*>(bytes.data() + size - kShmPage);
    const std::uint64_t storage = parts.page->storage_size, record = parts.page->record_size;
    if (parts.page->magic != kObjectMagic || parts.page->version != kShmVersion) return damaged("has a wrong header");
    if (parts.page->kind != static_cast<std::uint32_t>(key.kind) || parts.page->id != key.id) return damaged("is another object");
    if (storage % kShmPage != 0 || storage > size || record > size || storage + whole_pages(record) + kShmPage != size)
        return damaged("has parts that do not add up");
    parts.record = std::span<const std::uint8_t>(bytes).subspan(storage, record);
    return parts;
}

// Keeps the mapping as long as the page is used.
std::shared_ptr<ObjectPage> page_of(Parts parts) {
    ObjectPage* const page = parts.page;
    return {std::make_shared<Parts>(std::move(parts)), page};
}

Result<int> high_descriptor(Fd fd) {
    if (fd.get() > 2) return fd.release();
    const int copy = fcntl(fd.get(), F_DUPFD_CLOEXEC, 3);  // never a standard stream, as libbpf wants them
    if (copy >= 0) return copy;
    const int error = errno;
    return fail(failure("cannot open a file descriptor: ", std::strerror(error)).with_errno(error));
}

Error no_such(Key key) { return failure("there is no ", kind_name(key.kind), ' ', key.id).with_errno(ENOENT); }

// "/" of a pinned path cannot stand in a file name.
std::string pin_name(std::string_view path) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string name;
    for (const char c : path) {
        if (c != '/' && c != '%') {
            name += c;
            continue;
        }
        name += {'%', kDigits[static_cast<unsigned char>(c) >> 4], kDigits[c & 15]};
    }
    return name;
}

// pin_name(), undone.
std::string pin_path(std::string_view name) {
    std::string path;
    for (std::size_t at = 0; at < name.size(); ++at) {
        unsigned code = 0;
        const bool escaped = name[at] == '%' && at + 2 < name.size() &&
                             std::from_chars(name.data() + at + 1, name.data() + at + 3, code, 16).ec == std::errc();
        path += escaped ? static_cast<char>(code) : name[at];
        if (escaped) at += 2;
    }
    return path;
}

// The file "cpus" of a registry, made where it is missing; when two do so at once, one of them wins.
Result<std::shared_ptr<CpuSlots>> open_cpu_slots(const ShmDirectory& directory) {
    const std::uint64_t size = CpuSlots::storage_size();
    auto fd = directory.open_file(kCpusFile);
    if (!fd) {
        const Fd made = BPFTIME_TRY(directory.make_file(size));
        const Status linked = directory.link(made.get(), kCpusFile);
        if (!linked && linked.error().errnum != EEXIST) return fail(Error(linked.error()));
        fd = BPFTIME_TRY(directory.open_file(kCpusFile));
    }
    struct stat status {};
    if (fstat(fd->get(), &status) != 0 || static_cast<std::uint64_t>(status.st_size) < size)
        return fail(failure(directory.path(), '/', kCpusFile, " is truncated").with_errno(EPROTO));
    return std::make_shared<CpuSlots>(BPFTIME_TRY(Pages::share(fd->get(), size)));
}

}  // namespace

Result<std::unique_ptr<SharedRegistry>> SharedRegistry::open(ShmDirectory::Open how, const std::string& name) {
    ShmDirectory directory = BPFTIME_TRY(ShmDirectory::open(name, how));
    auto slots = BPFTIME_TRY(open_cpu_slots(directory));
    std::unique_ptr<SharedRegistry> registry(new SharedRegistry(std::move(directory), std::move(slots)));
    registry->collect();
    return registry;
}

SharedRegistry::~SharedRegistry() {
    for (const auto& [key, object] : known_) end_live(*object);
}

Result<Fd> SharedRegistry::make_file(const char*, std::uint64_t size) { return directory_.make_file(whole_machine_pages(size)); }

Result<int> SharedRegistry::publish(std::shared_ptr<BpfObject> object, Fd file) {
    if (published_++ >= kCollectEvery) collect();
    struct stat status {};
    const bool waited_on = file && fstat(file.get(), &status) == 0 && S_ISFIFO(status.st_mode);
    if (!file || waited_on) file = BPFTIME_TRY(directory_.make_file(0));
    if (fstat(file.get(), &status) != 0) return fail(failure("fstat: ", std::strerror(errno)).with_errno(errno));
    const auto storage = static_cast<std::uint64_t>(status.st_size);
    const Turn turn = BPFTIME_TRY(publishing());
    const std::vector<std::uint8_t> record = encode_record(*object);
    const std::uint64_t size = storage + whole_pages(record.size()) + kShmPage;
    if (const int error = posix_fallocate(file.get(), 0, static_cast<off_t>(size)); error != 0)
        return fail(failure("shared memory has no room for ", size, " bytes: ", std::strerror(error)).with_errno(ENOMEM));

    const Fd own = BPFTIME_TRY(reopen(file.get()));
    SharedPages pages = BPFTIME_TRY(SharedPages::map(own.get(), size));
    std::memcpy(pages.bytes().data() + storage, record.data(), record.size());
    auto* page = new (pages.bytes().data() + size - kShmPage) ObjectPage;
    page->kind = static_cast<std::uint32_t>(object->kind());
    page->frozen = object->page->frozen.load();  // as its maker left it
    page->enabled = object->page->enabled.load();
    page->period = object->page->period.load();
    page->storage_size = storage;
    page->record_size = record.size();
    object->id = directory_.control().last_id[page->kind].fetch_add(1) + 1;
    page->id = object->id;
    object->home = this;
    const Key key{object->kind(), object->id};
    if (object->id == 0) return fail(failure("all ids are used up").with_errno(E2BIG));
    if (waited_on) BPFTIME_CHECK(directory_.make_pipe(cat(file_name(key), kWake)));
    BPFTIME_CHECK(directory_.link(file.get(), file_name(key)));
    Fd named = BPFTIME_TRY(directory_.open_file(waited_on ? cat(file_name(key), kWake) : file_name(key)));
    BPFTIME_CHECK(hold(named.get()));
    object->page = page_of({std::move(pages), page, {}});
    share_cpus(*object);
    {
        const std::lock_guard guard(mutex_);
        known_[key] = std::move(object);
    }
    directory_.control().generation.fetch_add(1);
    return high_descriptor(std::move(named));
}

void SharedRegistry::share_cpus(BpfObject& object) const {
    if (object.kind() == ObjectKind::Program) static_cast<ProgramObject&>(object).cpu_slots = cpu_slots_;
}

Result<Fd> SharedRegistry::make_companion(const BpfObject& object, const char* name, std::uint64_t size) {
    const std::string full = cat(file_name({object.kind(), object.id}), '.', name);
    const Turn turn = BPFTIME_TRY(publishing());
    const Fd file = BPFTIME_TRY(directory_.make_file(size));
    BPFTIME_CHECK(directory_.replace(file.get(), full));
    return directory_.open_file(full);
}

Status SharedRegistry::store_companion(const BpfObject& object, const char* name, std::span<const std::uint8_t> contents) {
    const std::string full = cat(file_name({object.kind(), object.id}), '.', name);
    const Turn turn = BPFTIME_TRY(publishing());
    const Fd file = BPFTIME_TRY(directory_.make_file(contents.size()));
    if (pwrite(file.get(), contents.data(), contents.size(), 0) != static_cast<ssize_t>(contents.size()))
        return fail(failure("cannot write ", full, " to shared memory: ", std::strerror(errno)).with_errno(errno));
    BPFTIME_CHECK(directory_.replace(file.get(), full));
    directory_.control().generation.fetch_add(1);
    return {};
}

Result<Fd> SharedRegistry::open_companion(const BpfObject& object, const char* name) const {
    return directory_.open_file(cat(file_name({object.kind(), object.id}), '.', name));
}

std::unique_ptr<Waker> SharedRegistry::waker(const BpfObject& object) const {
    return std::make_unique<Waker>(cat(directory_.path(), '/', file_name({object.kind(), object.id}), kWake));
}

Result<std::shared_ptr<BpfObject>> SharedRegistry::at(int fd) const {
    BPFTIME_TRY(identify(fd));
    const auto name = directory_.name_of(fd);
    const auto key = name ? parse_name(*name) : std::nullopt;
    if (!key) return fail(failure("file descriptor ", fd, " is no BPF object"));
    return find(*key);
}

Result<std::shared_ptr<BpfObject>> SharedRegistry::by_id(ObjectKind kind, std::uint32_t id) const { return find({kind, id}); }

Result<std::shared_ptr<BpfObject>> SharedRegistry::find(Key key) const {
    const std::lock_guard guard(mutex_);
    return find_locked(key);
}

Result<std::shared_ptr<BpfObject>> SharedRegistry::find_locked(Key key) const {
    if (const auto found = known_.find(key); found != known_.end()) return found->second;
    auto object = BPFTIME_TRY(load(key));
    known_[key] = object;
    return object;
}

Result<std::shared_ptr<BpfObject>> SharedRegistry::load(Key key) const {
    auto fd = directory_.open_file(file_name(key));
    if (!fd) return fail(fd.error().errnum == ENOENT ? no_such(key) : std::move(fd).error());
    Parts parts = BPFTIME_TRY(map_parts(fd->get(), key));
    const auto find_other = [&](ObjectKind kind, std::uint32_t id) -> Result<std::shared_ptr<BpfObject>> {
        if (kind == key.kind && id >= key.id)  // one that came later, or itself: records must not go round in circles
            return fail(failure(kind_name(kind), ' ', key.id, " refers to ", kind_name(kind), ' ', id).with_errno(EBADMSG));
        return find_locked({kind, id});
    };
    auto object = BPFTIME_TRY(decode_record(key.kind, parts.record, find_other));
    object->id = key.id;
    object->home = this;
    if (key.kind == ObjectKind::Map) {
        auto& map = static_cast<MapObject&>(*object);
        const std::uint64_t needed = BPFTIME_TRY(elements_file_size(map.spec));
        std::uint64_t size = parts.page->storage_size;
        Fd ring;
        if (is_ring(map.spec)) {
            struct stat status {};
            ring = BPFTIME_TRY(open_companion(map, kRingCompanion));
            size = fstat(ring.get(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
        }
        if (needed > size)
            return fail(failure("map ", key.id, " in shared memory is smaller than its shape").with_errno(EBADMSG));
        set_elements(map, BPFTIME_TRY(make_elements(map.spec, ring ? ring.get() : fd->get(), false)));
        if (ring) map.elements->wake_by(waker(map));
    }
    object->page = page_of(std::move(parts));
    share_cpus(*object);
    return object;
}

std::vector<Key> SharedRegistry::keys() const {
    std::vector<Key> result;
    for (const std::string& name : directory_.names())
        if (const auto key = parse_name(name); key && file_name(*key) == name) result.push_back(*key);
    std::ranges::sort(result);
    return result;
}

std::vector<std::uint32_t> SharedRegistry::ids(ObjectKind kind) const {
    std::vector<std::uint32_t> result;
    for (const Key key : keys())
        if (key.kind == kind) result.push_back(key.id);
    return result;
}

std::optional<std::uint32_t> SharedRegistry::next_id(ObjectKind kind, std::uint32_t after) const {
    if (after == 0) collect();  // somebody begins to look
    const auto all = ids(kind);
    const auto next = std::ranges::upper_bound(all, after);
    return next == all.end() ? std::nullopt : std::optional(*next);
}

Result<int> SharedRegistry::open(const BpfObject& object) const {
    const Key key{object.kind(), object.id};
    auto fd = directory_.open_file(cat(file_name(key), kWake));
    if (!fd) fd = directory_.open_file(file_name(key));
    if (!fd) return fail(no_such(key));
    BPFTIME_CHECK(hold(fd->get()));
    return high_descriptor(*std::move(fd));
}

// Files elsewhere are none of ours.
void SharedRegistry::closed(const FileIdentity& file) {
    if (file.device == directory_.device()) collect();
}

// When two processes make the file at once, one of them wins.
TraceRing* SharedRegistry::trace() const {
    const std::lock_guard guard(mutex_);
    if (trace_) return trace_.get();
    auto fd = directory_.open_file(kTrace);
    if (!fd) {
        const auto made = directory_.make_file(TraceRing::kStorage);
        if (!made) return nullptr;
        (void)directory_.link(made->get(), kTrace);
        fd = directory_.open_file(kTrace);
    }
    struct stat status {};
    if (!fd || fstat(fd->get(), &status) != 0 || static_cast<std::uint64_t>(status.st_size) < TraceRing::kStorage)
        return nullptr;
    auto pages = Pages::share(fd->get(), TraceRing::kStorage);
    if (pages) trace_ = std::make_unique<TraceRing>(*std::move(pages));
    return trace_.get();
}

// ---- Pins: files that hold the name of an object's file ---------------------------------------------------------------------

Status SharedRegistry::pin(const std::string& path, std::shared_ptr<BpfObject> object) {
    const Turn turn = BPFTIME_TRY(publishing());
    const std::string target = BPFTIME_TRY(directory_.subdirectory("pins")) + '/' + pin_name(path);
    const std::string content = file_name({object->kind(), object->id});
    if (symlink(content.c_str(), target.c_str()) == 0) return {};
    const int error = errno;
    return fail(failure("cannot pin ", path, ": ", std::strerror(error)).with_errno(error));
}

Result<std::shared_ptr<BpfObject>> SharedRegistry::pinned(const std::string& path) const {
    char content[64];
    const std::string target = cat(directory_.path(), "/pins/", pin_name(path));
    const ssize_t length = readlink(target.c_str(), content, sizeof content);
    const auto key = length > 0 ? parse_name({content, static_cast<std::size_t>(length)}) : std::nullopt;
    if (!key) return fail(failure(path, " does not exist").with_errno(ENOENT));
    return find(*key);
}

Status SharedRegistry::unpin(const std::string& path) {
    const std::string target = cat(directory_.path(), "/pins/", pin_name(path));
    if (::unlink(target.c_str()) == 0) return {};
    return fail(failure(path, " does not exist").with_errno(ENOENT));
}

std::vector<PinnedObject> SharedRegistry::pinned_objects() const {
    std::vector<PinnedObject> result;
    for (const auto& [name, target] : directory_.links("pins"))
        if (const auto key = parse_name(target)) result.push_back({pin_path(name), key->kind, key->id});
    std::ranges::sort(result, {}, &PinnedObject::path);
    return result;
}

// ---- Changes -------------------------------------------------------------------------------------------------------------------

// Between mark_writer() and the mapping the client's call looks at `frozen` again.
Status SharedRegistry::freeze(MapObject& map, int) {
    const Turn turn = BPFTIME_TRY(publishing());
    const Key key{ObjectKind::Map, map.id};
    const Fd file = BPFTIME_TRY(is_ring(map.spec) ? open_companion(map, kRingCompanion) : directory_.open_file(file_name(key)));
    const WriterLock alone = BPFTIME_TRY(keep_writers_out(file.get()));
    map.page->frozen.store(1);
    return {};
}

Status SharedRegistry::bind(ProgramObject& program, std::shared_ptr<MapObject> map) {
    const Turn turn = BPFTIME_TRY(publishing());
    return bind_slot(program, map->id);
}

// ---- Statistics: the file "stats", and a word that says whether to look ---------------------------------------------------------

Result<int> SharedRegistry::enable_stats() {
    const Turn turn = BPFTIME_TRY(publishing());
    auto file = directory_.open_file(kStats);
    if (!file) {
        const Fd made = BPFTIME_TRY(directory_.make_file(0));
        const Status linked = directory_.link(made.get(), kStats);
        if (!linked && linked.error().errnum != EEXIST) return fail(Error(linked.error()));
        file = directory_.open_file(kStats);
    }
    if (!file) return fail(std::move(file).error());
    BPFTIME_CHECK(hold(file->get()));
    directory_.control().stats.store(1);
    return high_descriptor(*std::move(file));
}

bool SharedRegistry::stats_enabled() const {
    const std::atomic<std::uint32_t>& wanted = directory_.control().stats;
    if (wanted.load(std::memory_order_relaxed) == 0) return false;
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
    const auto now = static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
    const std::uint64_t before = stats_asked_.load(std::memory_order_relaxed);
    if (now - before < kAskAgain) return true;
    stats_asked_.store(now, std::memory_order_relaxed);
    if (const auto turn = collecting()) end_stats();
    return wanted.load(std::memory_order_relaxed) != 0;
}

// The word changes only under the file's lock, so that one who comes to hold it sets the word afterwards.
void SharedRegistry::end_stats() const {
    if (directory_.control().stats == 0) return;
    auto file = directory_.open_file(kStats);
    if (file && !seize(file->get())) return;
    const FileLock lock(file ? *std::move(file) : Fd());
    directory_.control().stats.store(0);
}

// ---- Turns ----------------------------------------------------------------------------------------------------------------------

Result<SharedRegistry::Turn> SharedRegistry::publishing() const {
    Turn turn{std::unique_lock(turn_), {}};
    turn.everyones = BPFTIME_TRY(directory_.lock(DirectoryLock::Publish));
    return turn;
}

// None while others are at work.
std::optional<SharedRegistry::Turn> SharedRegistry::collecting() const {
    Turn turn{std::unique_lock(turn_, std::try_to_lock), {}};
    if (!turn.mine) return std::nullopt;
    auto lock = directory_.lock(DirectoryLock::Collect);
    if (!lock) return std::nullopt;
    turn.everyones = *std::move(lock);
    return turn;
}

void SharedRegistry::before_fork() const {
    turn_.lock();
    mutex_.lock();
}

void SharedRegistry::after_fork() const {
    mutex_.unlock();
    turn_.unlock();
}

// ---- Lifetime -----------------------------------------------------------------------------------------------------------------

// Whether somebody has a descriptor of the object, or of what is waited on in its place.
bool SharedRegistry::is_held(Key key) const {
    const auto unheld = [&](const std::string& name) {
        const auto fd = directory_.open_file(name);
        return !fd || is_unheld(fd->get());
    };
    return !unheld(file_name(key)) || !unheld(cat(file_name(key), kWake));
}

// What lives as long as the object: as its record says, and as its page says now. A damaged one refers to nothing.
std::vector<Key> SharedRegistry::references(Key key) const {
    const auto fd = directory_.open_file(file_name(key));
    if (!fd) return {};
    const auto parts = map_parts(fd->get(), key);
    if (!parts) return {};
    std::vector<Key> result = decode_references(parts->record).value_or(std::vector<Key>{});
    for (const std::uint32_t id : bound_maps(*parts->page)) result.push_back({ObjectKind::Map, id});
    if (const std::uint32_t id = parts->page->program) result.push_back({ObjectKind::Program, id});
    return result;
}

void SharedRegistry::remove(Key key) const {
    const std::string name = file_name(key);
    const auto fd = directory_.open_file(name);
    const auto wake = directory_.open_file(cat(name, kWake));
    if (!fd || !seize(fd->get()) || (wake && !seize(wake->get()))) return;  // somebody has opened it since
    if (key.kind == ObjectKind::Link)
        if (const auto link = find(key)) detach(static_cast<const LinkObject&>(**link));
    if (directory_.unlink(name)) directory_.control().generation.fetch_add(1);
}

// Those of objects that are gone, and those that somebody was killed over before they took their place.
void SharedRegistry::remove_companions() const {
    const std::vector<std::string> names = directory_.names();
    for (const std::string& name : names) {
        const std::size_t dot = name.find('.', name.find('.') + 1);
        if (dot == std::string::npos) continue;
        if (name.ends_with(kReplacing) || std::ranges::find(names, name.substr(0, dot)) == names.end())
            (void)directory_.unlink(name);
    }
}

void SharedRegistry::collect() const {
    const auto turn = collecting();
    if (!turn) return;
    end_stats();
    const std::vector<Key> all = keys();
    std::vector<Key> work;
    for (const PinnedObject& pinned : pinned_objects()) work.push_back({pinned.kind, pinned.id});
    for (const Key key : all)
        if (is_held(key)) work.push_back(key);
    std::set<Key> alive;
    while (!work.empty()) {
        const Key key = work.back();
        work.pop_back();
        if (!alive.insert(key).second) continue;
        const auto next = references(key);
        work.insert(work.end(), next.begin(), next.end());
    }
    for (const Key key : all)
        if (!alive.contains(key)) remove(key);
    remove_companions();
    const std::lock_guard guard(mutex_);
    std::erase_if(known_, [&](const auto& entry) {
        const bool gone = !alive.contains(entry.first);
        if (gone) end_live(*entry.second);
        return gone;
    });
    published_ = 0;
}

}  // namespace bpftime
