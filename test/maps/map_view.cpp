#include "test/maps/map_view.h"

#include <algorithm>
#include <cstring>

#include "runtime/maps/user_ops.h"
#include "vm/core/kernel_names.h"

namespace bpftime::test {

namespace {

bool is_array(std::uint32_t type) {
    return type == static_cast<std::uint32_t>(MapType::Array) ||
           type == static_cast<std::uint32_t>(MapType::PercpuArray);
}

bool is_trie(std::uint32_t type) { return type == static_cast<std::uint32_t>(MapType::LpmTrie); }

class OurView final : public MapView {
public:
    explicit OurView(Map& map) : map_(map) {}
    int lookup(const Bytes& key, Bytes& value, std::uint64_t flags) override {
        return user_lookup(map_, key.data(), value.data(), flags);
    }
    int update(const Bytes& key, const Bytes& value, std::uint64_t flags) override {
        return user_update(map_, key.data(), value.data(), flags);
    }
    int erase(const Bytes& key) override { return user_delete(map_, key.data()); }
    int take(const Bytes& key, Bytes& value) override { return user_lookup_and_delete(map_, key.data(), value.data()); }
    int next_key(const Bytes* key, Bytes& next) override {
        return user_next_key(map_, key == nullptr ? nullptr : key->data(), next.data());
    }

private:
    Map& map_;
};

class ModelView final : public MapView {
public:
    ModelView(const MapSpec& spec, std::size_t value_size) : spec_(spec), array_(is_array(spec.type)) {
        for (std::uint32_t i = 0; array_ && i < spec.max_entries; ++i) values_[key_of(i)] = Bytes(value_size);
    }
    int lookup(const Bytes& key, Bytes& value, std::uint64_t flags) override {
        if (flags != 0) return -EINVAL;
        const auto at = values_.find(key);
        if (at == values_.end()) return -ENOENT;
        value = at->second;
        return 0;
    }
    int update(const Bytes& key, const Bytes& value, std::uint64_t flags) override {
        if (flags > kUpdateExist) return -EINVAL;  // BPF_F_LOCK needs a lock in the value
        const bool present = values_.contains(key);
        if (array_ && !present) return -E2BIG;
        if (present && flags == kUpdateNoExist) return -EEXIST;
        if (!present && flags == kUpdateExist) return -ENOENT;
        if (!present && values_.size() == spec_.max_entries) return -E2BIG;
        values_[key] = value;
        return 0;
    }
    int erase(const Bytes& key) override {
        if (array_) return -EINVAL;
        return values_.erase(key) == 1 ? 0 : -ENOENT;
    }
    int take(const Bytes& key, Bytes& value) override {
        if (array_) return -524;
        const int error = lookup(key, value, 0);
        if (error == 0) values_.erase(key);
        return error;
    }
    int next_key(const Bytes* key, Bytes& next) override {
        auto at = key == nullptr ? values_.end() : values_.find(*key);
        at = at == values_.end() ? values_.begin() : std::next(at);
        if (at == values_.end()) return -ENOENT;
        next = at->first;
        return 0;
    }

private:
    // Fewer than 256 entries, so that the order of the bytes is that of the indexes.
    static Bytes key_of(std::uint32_t index) {
        Bytes key(4);
        std::memcpy(key.data(), &index, sizeof index);
        return key;
    }
    MapSpec spec_;
    bool array_;
    std::map<Bytes, Bytes> values_;
};

// All keys in the order given, or the errno that broke the walk off.
int walk(MapView& view, std::size_t key_size, std::size_t limit, std::vector<Bytes>& keys) {
    Bytes key(key_size), next(key_size);
    int error = view.next_key(nullptr, next);
    for (; error == 0 && keys.size() < limit; error = view.next_key(&key, next)) {
        keys.push_back(next);
        key = next;
    }
    return error;
}

struct Driver {
    MapView& left;
    MapView& right;
    const MapSpec& spec;
    std::size_t value_size;
    std::mt19937_64 random;
    std::vector<std::uint32_t> ids;

    std::uint64_t below(std::uint64_t limit) { return random() % limit; }

    // Prefixes of any length, and one bit too long, of few different bytes.
    Bytes prefix() {
        constexpr std::uint8_t kBytes[] = {0, 0, 0x80, 0xff, 0xfe, 0x0a};
        const std::uint32_t bits = (spec.key_size - 4) * 8;
        const auto count = static_cast<std::uint32_t>(below(8) == 0 ? below(bits + 2) : below(std::min(bits, 24u) + 1));
        Bytes bytes(spec.key_size);
        std::memcpy(bytes.data(), &count, sizeof count);
        for (std::size_t i = 4; i < bytes.size(); ++i) bytes[i] = kBytes[below(std::size(kBytes))];
        return bytes;
    }
    Bytes key() {
        if (is_trie(spec.type)) return prefix();
        if (spec.key_size == 0) return {};
        Bytes bytes(spec.key_size);
        const auto number = static_cast<std::uint32_t>(below(spec.max_entries * 2 + 2));  // some absent, some beyond
        std::memcpy(bytes.data(), &number, std::min<std::size_t>(sizeof number, bytes.size()));
        if (bytes.size() > 8) bytes.back() = static_cast<std::uint8_t>(number);
        return bytes;
    }
    Bytes value() {
        Bytes bytes(value_size);
        if (!ids.empty()) {
            std::memcpy(bytes.data(), &ids[below(ids.size())], sizeof ids[0]);
            return bytes;
        }
        const std::size_t stride = (spec.value_size + 7) / 8 * 8;
        for (std::size_t i = 0; i < bytes.size(); ++i)  // padding between per-CPU values stays 0
            bytes[i] =
                value_size == spec.value_size || i % stride < spec.value_size ? static_cast<std::uint8_t>(random()) : 0;
        return bytes;
    }
    std::uint64_t flags() {
        constexpr std::uint64_t kFlags[] = {0, 0, 0, 1, 2, 1, 2, 3, 4, 5, 6};
        return kFlags[below(std::size(kFlags))];
    }
    static std::string differs(const std::string& what, int a, int b) { return cat(what, ": ", a, " and ", b); }

    std::string step();
    std::string step_walk();
};

std::string Driver::step_walk() {
    std::vector<Bytes> a, b;
    const std::size_t limit = spec.max_entries * 2;
    const int error_a = walk(left, spec.key_size, limit, a), error_b = walk(right, spec.key_size, limit, b);
    if (error_a != error_b) return differs("walk", error_a, error_b);
    if (!is_array(spec.type) && !is_trie(spec.type)) {
        std::ranges::sort(a);
        std::ranges::sort(b);
    }
    return a == b ? "" : cat("walk: ", a.size(), " and ", b.size(), " keys, or others");
}

std::string Driver::step() {
    const Bytes k = key();
    Bytes a(value_size, 0xaa), b(value_size, 0xaa);
    switch (below(12)) {
        case 0:
        case 1:
        case 2:
        case 3: {
            const Bytes v = value();
            const std::uint64_t f = flags();
            const int x = left.update(k, v, f), y = right.update(k, v, f);
            return x == y ? "" : differs(cat("update, flags ", f), x, y);
        }
        case 4:
        case 5:
        case 6: {
            const int x = left.erase(k), y = right.erase(k);
            return x == y ? "" : differs("delete", x, y);
        }
        case 7: {
            const int x = left.take(k, a), y = right.take(k, b);
            if (x != y) return differs("lookup and delete", x, y);
            return a == b ? "" : "lookup and delete: values differ";
        }
        case 8: return below(20) == 0 ? step_walk() : "";
        default: {
            const std::uint64_t f = below(10) == 0 ? 4 : 0;
            const int x = left.lookup(k, a, f), y = right.lookup(k, b, f);
            if (x != y) return differs(cat("lookup, flags ", f), x, y);
            return a == b ? "" : "lookup: values differ";
        }
    }
}

}  // namespace

std::unique_ptr<MapView> view_of(Map& map) { return std::make_unique<OurView>(map); }

std::unique_ptr<MapView> model_of(const MapSpec& spec, std::size_t user_value_size) {
    const auto type = static_cast<MapType>(spec.type);
    if (type == MapType::Queue || type == MapType::Stack) return queue_model(spec);
    if (type == MapType::LpmTrie) return lpm_model(spec);
    return std::make_unique<ModelView>(spec, user_value_size);
}

std::string compare_views(MapView& left, MapView& right, const MapSpec& spec, std::size_t value_size,
                          std::uint64_t seed, std::uint32_t count, std::vector<std::uint32_t> ids) {
    Driver driver{left, right, spec, value_size, std::mt19937_64(seed), std::move(ids)};
    for (std::uint32_t i = 0; i < count; ++i)
        if (const std::string difference = driver.step(); !difference.empty())
            return cat("operation ", i, ": ", difference);
    return driver.step_walk();
}

MapSpec spec_of(std::uint32_t type, std::uint32_t key, std::uint32_t value, std::uint32_t entries,
                std::uint32_t flags) {
    MapSpec spec;
    spec.name = "test";
    spec.type = type;
    spec.key_size = key;
    spec.value_size = value;
    spec.max_entries = entries;
    spec.flags = flags;
    return spec;
}

}  // namespace bpftime::test
