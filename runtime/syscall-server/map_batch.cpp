// The batch commands of maps: as many elements as the caller has room for in one call.
//
// A walk goes on where its `in_batch` says. For hash maps that is a number of 4 bytes, given out here; for the others
// it is the key last read. An element that stays is met; one whose predecessor went away meanwhile may be met twice.
#include <algorithm>
#include <cstring>
#include <deque>
#include <mutex>

#include "runtime/syscall-server/map_access.h"
#include "runtime/syscall-server/user_memory.h"
#include "vm/core/kernel_names.h"

namespace bpftime {

namespace {

enum Operation : std::uint8_t { Lookup = 1, Take = 2, Update = 4, Delete = 8 };

// What each map type offers, as the kernel's do; others offer nothing.
struct BatchRow {
    MapType type;
    bool numbered;  // walks are named by a number
    std::uint8_t operations;
};
constexpr std::uint8_t kHashOperations = Lookup | Take | Update | Delete;
constexpr BatchRow kRows[] = {
    {MapType::Hash, true, kHashOperations},
    {MapType::PercpuHash, true, kHashOperations},
    {MapType::LruHash, true, kHashOperations},
    {MapType::LruPercpuHash, true, kHashOperations},
    {MapType::HashOfMaps, true, kHashOperations},
    {MapType::Array, false, Lookup | Update},
    {MapType::PercpuArray, false, Lookup | Update},
    {MapType::ArrayOfMaps, false, Lookup | Update},
    {MapType::LpmTrie, false, Lookup | Update | Delete},
};

const BatchRow* row_of(const MapObject& map) {
    const auto* row = std::ranges::find(kRows, static_cast<MapType>(map.spec.type), &BatchRow::type);
    return row == std::end(kRows) ? nullptr : row;
}

// The map of the call, in the order in which the kernel refuses.
Result<std::shared_ptr<MapObject>> batch_map(BpfSession& session, const bpf_attr& attr, Operation operation) {
    const int fd = static_cast<int>(attr.batch.map_fd);
    if (operation == Lookup || operation == Take) BPFTIME_TRY(readable_map(session, fd));
    auto map = operation == Lookup ? readable_map(session, fd) : writable_map(session, fd);
    if (!map) return fail(std::move(map).error());
    const BatchRow* row = row_of(**map);
    if (row == nullptr || (row->operations & operation) == 0)
        return fail(failure("maps of type ", map_type_name((*map)->spec.type), " have no such batch command")
                        .with_errno(kNotSupported));
    const bool walks = operation == Lookup || operation == Take;
    if ((attr.batch.elem_flags & ~std::uint64_t{BPF_F_LOCK}) != 0)
        return fail(failure("unknown flags for the elements of a batch"));
    BPFTIME_CHECK(check_lock_flag(**map, attr.batch.elem_flags));
    if (row->numbered && walks && attr.batch.flags != 0) return fail(failure("a walk takes no flags"));
    return map;
}

// ---- Walks ----------------------------------------------------------------------------------------------------------

// Where walks of hash maps stand, by number. Walks that nobody continues make room for later ones.
class Walks {
public:
    static constexpr std::uint32_t kEnd = ~0u;

    std::uint32_t remember(const std::shared_ptr<MapObject>& map, Bytes last) {
        const std::lock_guard lock(mutex_);
        if (walks_.size() == kMost) walks_.pop_front();
        next_ = next_ + 1 == kEnd ? 1 : next_ + 1;
        walks_.push_back({next_, map, std::move(last)});
        return next_;
    }
    std::optional<Bytes> last_key(const std::shared_ptr<MapObject>& map, std::uint32_t number) const {
        const std::lock_guard lock(mutex_);
        const auto found = std::ranges::find(walks_, number, &Walk::number);
        if (found == walks_.end() || found->map.lock() != map) return std::nullopt;
        return found->last;
    }

private:
    static constexpr std::size_t kMost = 256;
    struct Walk {
        std::uint32_t number;
        std::weak_ptr<MapObject> map;
        Bytes last;
    };
    mutable std::mutex mutex_;
    std::deque<Walk> walks_;
    std::uint32_t next_ = 0;
};

Walks& walks() {
    static Walks all;
    return all;
}

Error at_the_end() { return failure("no more elements").with_errno(ENOENT); }

// The key after which the call goes on: none at the beginning.
Result<std::optional<Bytes>> starting_point(const std::shared_ptr<MapObject>& map, std::uint64_t in_batch) {
    if (in_batch == 0) return std::nullopt;
    if (!row_of(*map)->numbered) {
        Bytes key(map->spec.key_size);
        BPFTIME_CHECK(read_user(in_batch, key));
        return key;
    }
    const auto number = BPFTIME_TRY(read_user_object<std::uint32_t>(in_batch));
    auto last = walks().last_key(map, number);
    if (!last) return fail(at_the_end());
    return last;
}

struct Batch {
    Bytes keys, values;
    std::uint32_t count = 0;
    std::optional<Bytes> last;  // key passed last, whether it had a value or not
    bool ended = false;
};

Result<Bytes> key_after(const MapObject& map, const std::optional<Bytes>& key) {
    return map.elements->next_key(key ? std::optional<ByteView>(*key) : std::nullopt);
}

// Up to `most` elements behind `from`. An element that vanishes between its key and its value is passed over.
Result<Batch> collect(MapObject& map, std::optional<Bytes> from, std::uint32_t most, bool take) {
    Batch batch;
    batch.last = std::move(from);
    while (batch.count < most) {
        auto key = key_after(map, batch.last);
        if (!key && key.error().errnum != ENOENT) return fail(std::move(key).error());
        if (!key) {
            batch.ended = true;
            return batch;
        }
        auto value = take ? map.elements->take(*key) : map.elements->lookup(*key);
        if (!value && value.error().errnum != ENOENT) return fail(std::move(value).error());
        if (value) {
            batch.keys.insert(batch.keys.end(), key->begin(), key->end());
            batch.values.insert(batch.values.end(), value->begin(), value->end());
            ++batch.count;
        }
        // Where an element was taken, the next one follows its predecessor.
        if (!take || !value) batch.last = *std::move(key);
    }
    return batch;
}

Result<long> finish_numbered(const std::shared_ptr<MapObject>& map, bpf_attr& attr, Batch batch) {
    batch.ended = batch.ended || !key_after(*map, batch.last);
    std::uint32_t number = Walks::kEnd;
    if (!batch.ended) number = walks().remember(map, batch.last ? *batch.last : Bytes());
    BPFTIME_CHECK(write_user(attr.batch.out_batch, {reinterpret_cast<const std::uint8_t*>(&number), sizeof(number)}));
    attr.batch.count = batch.count;
    if (batch.ended) return fail(at_the_end());
    return 0;
}

Result<long> finish_keyed(bpf_attr& attr, const Batch& batch) {
    attr.batch.count = batch.count;
    if (batch.count != 0) BPFTIME_CHECK(write_user(attr.batch.out_batch, *batch.last));
    if (batch.ended) return fail(at_the_end());
    return 0;
}

Result<long> walk(BpfSession& session, bpf_attr& attr, Operation operation) {
    const auto map = BPFTIME_TRY(batch_map(session, attr, operation));
    const std::uint32_t most = std::exchange(attr.batch.count, 0);
    if (most == 0) return 0;
    auto from = BPFTIME_TRY(starting_point(map, attr.batch.in_batch));
    if (from && from->empty()) from.reset();  // of a walk that took all it met
    Batch batch = BPFTIME_TRY(collect(*map, std::move(from), most, operation == Take));
    BPFTIME_CHECK(write_user(attr.batch.keys, batch.keys));
    BPFTIME_CHECK(write_user(attr.batch.values, batch.values));
    return row_of(*map)->numbered ? finish_numbered(map, attr, std::move(batch)) : finish_keyed(attr, batch);
}

// One element after the other through the command for one; `count` becomes the number that succeeded.
Result<long> each(BpfSession& session, bpf_attr& attr, Operation operation) {
    const auto map = BPFTIME_TRY(batch_map(session, attr, operation));
    const std::size_t key_size = map->spec.key_size, value_size = map->elements->value_size();
    const std::uint32_t most = attr.batch.count;
    bpf_attr one;
    std::memset(&one, 0, sizeof(one));
    one.map_fd = attr.batch.map_fd;
    if (operation == Update) one.flags = attr.batch.elem_flags;
    for (std::uint32_t index = 0; index < most; ++index) {
        one.key = attr.batch.keys + index * key_size;
        if (operation == Update) one.value = attr.batch.values + index * value_size;
        attr.batch.count = index;
        auto done = operation == Update ? map_update(session, one) : map_delete(session, one);
        if (!done) return done;
    }
    attr.batch.count = most;
    return 0;
}

}  // namespace

Result<long> map_lookup_batch(BpfSession& session, bpf_attr& attr) { return walk(session, attr, Lookup); }
Result<long> map_take_batch(BpfSession& session, bpf_attr& attr) { return walk(session, attr, Take); }
Result<long> map_update_batch(BpfSession& session, bpf_attr& attr) { return each(session, attr, Update); }
Result<long> map_delete_batch(BpfSession& session, bpf_attr& attr) { return each(session, attr, Delete); }

}  // namespace bpftime
