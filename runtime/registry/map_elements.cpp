#include "runtime/registry/map_elements.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "runtime/maps/user_ops.h"
#include "vm/core/kernel_names.h"

namespace bpftime {

namespace {

constexpr std::uint64_t kNoExist = 1, kExist = 2, kLock = 4;  // BPF_NOEXIST, BPF_EXIST, BPF_F_LOCK
Error errnum(int number, std::string_view cause) { return failure(cause).with_errno(number); }

bool is_stored(const MapSpec& spec) { return std::ranges::count(supported_map_types(), spec.type) != 0; }

Status check_flags(std::uint64_t flags, bool exists) {
    if ((flags & ~kLock) > kExist) return fail(errnum(EINVAL, "unknown update flags"));
    if ((flags & kNoExist) != 0 && exists) return fail(errnum(EEXIST, "the element exists"));
    if ((flags & kExist) != 0 && !exists) return fail(errnum(ENOENT, "no such element"));
    return {};
}

// A map of runtime/maps.
class StoredElements final : public MapElements {
public:
    explicit StoredElements(std::unique_ptr<Map> map) : map_(std::move(map)) {}

    std::size_t value_size() const override { return map_->user_value_size(); }
    Result<Bytes> lookup(ByteView key) const override {
        Bytes value(value_size());
        BPFTIME_CHECK(answer(user_lookup(*map_, key.data(), value.data())));
        return value;
    }
    Status update(ByteView key, ByteView value, std::uint64_t flags) override {
        return answer(user_update(*map_, key.data(), value.data(), flags));
    }
    Status erase(ByteView key) override { return answer(user_delete(*map_, key.data())); }
    Result<Bytes> take(ByteView key) override {
        Bytes value(value_size());
        BPFTIME_CHECK(answer(user_lookup_and_delete(*map_, key.data(), value.data())));
        return value;
    }
    Result<Bytes> next_key(std::optional<ByteView> key) const override {
        Bytes next(map_->spec().key_size);
        BPFTIME_CHECK(answer(user_next_key(*map_, key ? key->data() : nullptr, next.data())));
        return next;
    }
    ByteView value_in_place() const override {
        if (map_->values() == nullptr || map_->spec().max_entries != 1) return {};
        return {map_->values(), map_->spec().value_size};
    }
    Map* map() const override { return map_.get(); }

private:
    Status answer(int result) const {
        if (result >= 0) return {};
        return fail(failure("map '", map_->spec().name, "': ", std::strerror(-result)).with_errno(-result));
    }

    std::unique_ptr<Map> map_;
};

// Any map whose elements are found by key, and the arrays of file descriptors.
class KeyedElements final : public MapElements {
public:
    KeyedElements(const MapSpec& spec, bool array)
        : value_size_(spec.value_size), entries_(spec.max_entries), array_(array) {}

    std::size_t value_size() const override { return value_size_; }
    Result<Bytes> lookup(ByteView key) const override {
        const auto found = elements_.find(Bytes(key.begin(), key.end()));
        if (found == elements_.end()) return fail(errnum(ENOENT, "no such element"));
        return found->second;
    }
    Status update(ByteView key, ByteView value, std::uint64_t flags) override {
        Bytes name(key.begin(), key.end());
        std::uint32_t index = 0;
        if (array_) std::memcpy(&index, name.data(), sizeof(index));
        if (array_ && index >= entries_) return fail(errnum(E2BIG, "the index is beyond the array"));
        const bool exists = elements_.contains(name);
        BPFTIME_CHECK(check_flags(flags, array_ ? (flags & kNoExist) != 0 || exists : exists));
        if (!exists && elements_.size() >= entries_) return fail(errnum(E2BIG, "the map is full"));
        elements_[std::move(name)] = Bytes(value.begin(), value.end());
        return {};
    }
    Status erase(ByteView key) override {
        if (elements_.erase(Bytes(key.begin(), key.end())) == 0) return fail(errnum(ENOENT, "no such element"));
        return {};
    }
    Result<Bytes> next_key(std::optional<ByteView> key) const override {
        auto next = elements_.begin();
        if (key) {
            const auto found = elements_.find(Bytes(key->begin(), key->end()));
            if (found != elements_.end()) next = std::next(found);
        }
        if (next == elements_.end()) return fail(errnum(ENOENT, "no more elements"));
        return next->first;
    }

private:
    std::size_t value_size_, entries_;
    bool array_;
    std::map<Bytes, Bytes> elements_;
};

// Maps whose elements this registry does not keep.
class NoElements final : public MapElements {
public:
    explicit NoElements(const MapSpec& spec) : value_size_(spec.value_size) {}

    std::size_t value_size() const override { return value_size_; }
    Result<Bytes> lookup(ByteView) const override { return fail(unsupported()); }
    Status update(ByteView, ByteView, std::uint64_t) override { return fail(unsupported()); }
    Status erase(ByteView) override { return fail(unsupported()); }
    Result<Bytes> next_key(std::optional<ByteView>) const override { return fail(unsupported()); }

private:
    static Error unsupported() {
        return errnum(kNotSupported, "elements of this map type are not reachable from outside");
    }

    std::size_t value_size_;
};

}  // namespace

Result<Bytes> MapElements::take(ByteView key) {
    Bytes value = BPFTIME_TRY(lookup(key));
    BPFTIME_CHECK(erase(key));
    return value;
}

bool is_ring(const MapSpec& spec) {
    const auto type = static_cast<MapType>(spec.type);
    return type == MapType::Ringbuf || type == MapType::UserRingbuf;
}

Result<std::uint64_t> elements_file_size(const MapSpec& spec) {
    if (is_stored(spec)) return map_storage(spec);
    const auto type = static_cast<MapType>(spec.type);
    return type == MapType::Arena ? std::uint64_t{spec.max_entries} * kPage : 0;
}

Result<std::unique_ptr<MapElements>> make_elements(const MapSpec& spec, int file, bool fresh) {
    if (is_stored(spec)) {
        const std::uint64_t size = BPFTIME_TRY(map_storage(spec));
        const Fd own = BPFTIME_TRY(reopen(file));  // a mapping must not keep the lock of a descriptor handed out
        Pages pages = BPFTIME_TRY(Pages::share(own.get(), size));
        auto map = BPFTIME_TRY(fresh ? create_map(spec, std::move(pages)) : open_map(spec, std::move(pages)));
        return std::make_unique<StoredElements>(std::move(map));
    }
    switch (static_cast<MapType>(spec.type)) {
        case MapType::ProgArray:
        case MapType::PerfEventArray:
        case MapType::CgroupArray:
        case MapType::ArrayOfMaps: return std::make_unique<KeyedElements>(spec, true);
        case MapType::LruHash:
        case MapType::LpmTrie:
        case MapType::HashOfMaps: return std::make_unique<KeyedElements>(spec, false);
        default: return std::make_unique<NoElements>(spec);
    }
}

}  // namespace bpftime
