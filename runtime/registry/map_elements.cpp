#include "runtime/registry/map_elements.h"

#include <algorithm>
#include <cstring>

#include "runtime/maps/ringbuf.h"
#include "runtime/maps/user_ops.h"
#include "vm/core/kernel_names.h"

namespace bpftime {

namespace {

bool is_stored(const MapSpec& spec) { return std::ranges::count(supported_map_types(), spec.type) != 0; }

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
    void wake_by(std::unique_ptr<Waker> waker) override {
        if (static_cast<MapType>(map_->spec().type) != MapType::Ringbuf) return;
        waker_ = std::move(waker);
        static_cast<RingbufMap&>(*map_).set_wake([](RingbufMap&, void* to) { static_cast<Waker*>(to)->wake(); },
                                                 waker_.get());
    }

private:
    Status answer(int result) const {
        if (result >= 0) return {};
        return fail(failure("map '", map_->spec().name, "': ", std::strerror(-result)).with_errno(-result));
    }

    std::unique_ptr<Waker> waker_;  // which map_ calls
    std::unique_ptr<Map> map_;
};

// Maps of objects that only the kernel has.
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
        return failure("elements of this map type are not reachable from outside").with_errno(kNotSupported);
    }

    std::size_t value_size_;
};

// As the kernel limits values of sockets, inodes and cgroups: what a record says of a map without storage is bounded by
// nothing else.
constexpr std::uint32_t kMostBytes = 1u << 16;

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
    if (spec.key_size > kMostBytes || spec.value_size > kMostBytes)
        return fail(failure("map '", spec.name, "' has keys or values that are too large").with_errno(E2BIG));
    return static_cast<MapType>(spec.type) == MapType::Arena ? std::uint64_t{spec.max_entries} * kPage : 0;
}

Result<std::unique_ptr<MapElements>> make_elements(const MapSpec& spec, int file, bool fresh) {
    if (!is_stored(spec)) return std::make_unique<NoElements>(spec);
    const std::uint64_t size = BPFTIME_TRY(map_storage(spec));
    const Fd own = BPFTIME_TRY(reopen(file));  // a mapping must not keep the lock of a descriptor handed out
    Pages pages = BPFTIME_TRY(Pages::share(own.get(), size));
    auto map = BPFTIME_TRY(fresh ? create_map(spec, std::move(pages)) : open_map(spec, std::move(pages)));
    return std::make_unique<StoredElements>(std::move(map));
}

}  // namespace bpftime
