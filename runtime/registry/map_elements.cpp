#include "runtime/registry/map_elements.h"

#include <cstring>
#include <map>

#include "vm/core/kernel_names.h"

namespace bpftime {

namespace {

constexpr std::uint64_t kNoExist = 1, kExist = 2, kLock = 4;  // BPF_NOEXIST, BPF_EXIST, BPF_F_LOCK
constexpr std::size_t kPage = 4096;

Error errnum(int number, std::string_view cause) { return failure(cause).with_errno(number); }

std::size_t round_up(std::size_t size, std::size_t to) { return (size + to - 1) / to * to; }

Status check_flags(std::uint64_t flags, bool exists) {
    if ((flags & ~kLock) > kExist) return fail(errnum(EINVAL, "unknown update flags"));
    if ((flags & kNoExist) != 0 && exists) return fail(errnum(EEXIST, "the element exists"));
    if ((flags & kExist) != 0 && !exists) return fail(errnum(ENOENT, "no such element"));
    return {};
}

// A plain array: values in the file, each at a multiple of 8 bytes, so that mmap of the map's descriptor shows them.
class ArrayElements final : public MapElements {
public:
    ArrayElements(const MapSpec& spec, SharedPages pages)
        : value_size_(spec.value_size),
          stride_(round_up(spec.value_size, 8)),
          entries_(spec.max_entries),
          pages_(std::move(pages)) {}

    Result<Bytes> lookup(ByteView key) const override {
        const std::uint32_t index = read_index(key);
        if (index >= entries_) return fail(errnum(ENOENT, "the index is beyond the array"));
        const auto value = at(index);
        return Bytes(value.begin(), value.end());
    }
    Status update(ByteView key, ByteView value, std::uint64_t flags) override {
        const std::uint32_t index = read_index(key);
        if ((flags & ~kLock) > kExist) return fail(errnum(EINVAL, "unknown update flags"));
        if (index >= entries_) return fail(errnum(E2BIG, "the index is beyond the array"));
        if ((flags & kNoExist) != 0) return fail(errnum(EEXIST, "array elements always exist"));
        std::memcpy(at(index).data(), value.data(), value_size_);
        return {};
    }
    Status erase(ByteView) override { return fail(errnum(EINVAL, "array elements cannot be deleted")); }
    Result<Bytes> next_key(std::optional<ByteView> key) const override {
        std::uint32_t next = 0;
        if (key && read_index(*key) < entries_) next = read_index(*key) + 1;
        if (next >= entries_) return fail(errnum(ENOENT, "no more elements"));
        Bytes bytes(sizeof(next));
        std::memcpy(bytes.data(), &next, sizeof(next));
        return bytes;
    }
    ByteView value_in_place() const override { return entries_ == 1 ? ByteView(at(0)) : ByteView(); }

private:
    static std::uint32_t read_index(ByteView key) {
        std::uint32_t index = 0;
        std::memcpy(&index, key.data(), sizeof(index));
        return index;
    }
    std::span<std::uint8_t> at(std::uint32_t index) const {
        return pages_.bytes().subspan(index * stride_, value_size_);
    }

    std::size_t value_size_, stride_, entries_;
    SharedPages pages_;
};

// Any map whose elements are found by key, and the arrays of file descriptors.
class KeyedElements final : public MapElements {
public:
    KeyedElements(const MapSpec& spec, bool array) : entries_(spec.max_entries), array_(array) {}

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
    std::size_t entries_;
    bool array_;
    std::map<Bytes, Bytes> elements_;
};

// Maps whose elements this registry does not keep.
class NoElements final : public MapElements {
public:
    Result<Bytes> lookup(ByteView) const override { return fail(unsupported()); }
    Status update(ByteView, ByteView, std::uint64_t) override { return fail(unsupported()); }
    Status erase(ByteView) override { return fail(unsupported()); }
    Result<Bytes> next_key(std::optional<ByteView>) const override { return fail(unsupported()); }

private:
    static Error unsupported() {
        return errnum(kNotSupported, "elements of this map type are not reachable from outside");
    }
};

}  // namespace

std::size_t elements_file_size(const MapSpec& spec) {
    const auto type = static_cast<MapType>(spec.type);
    if (type == MapType::Array) return round_up(round_up(spec.value_size, 8) * spec.max_entries, kPage);
    if (type == MapType::Arena) return std::size_t{spec.max_entries} * kPage;
    return 0;
}

Result<std::unique_ptr<MapElements>> make_elements(const MapSpec& spec, int file) {
    switch (static_cast<MapType>(spec.type)) {
        case MapType::Array: {
            auto pages = BPFTIME_TRY(SharedPages::map(file, elements_file_size(spec)));
            return std::make_unique<ArrayElements>(spec, std::move(pages));
        }
        case MapType::ProgArray:
        case MapType::PerfEventArray:
        case MapType::CgroupArray:
        case MapType::ArrayOfMaps: return std::make_unique<KeyedElements>(spec, true);
        case MapType::Hash:
        case MapType::LruHash:
        case MapType::LpmTrie:
        case MapType::HashOfMaps: return std::make_unique<KeyedElements>(spec, false);
        default: return std::make_unique<NoElements>();
    }
}

}  // namespace bpftime
