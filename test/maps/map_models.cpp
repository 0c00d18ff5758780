// What the documentation of the kernel's maps without keys, and of its trie of prefixes, says.
#include <algorithm>
#include <cstring>
#include <deque>

#include "test/maps/map_view.h"
#include "vm/core/kernel_names.h"

namespace bpftime::test {

namespace {

class QueueModel final : public MapView {
public:
    explicit QueueModel(const MapSpec& spec)
        : spec_(spec), stack_(spec.type == static_cast<std::uint32_t>(MapType::Stack)) {}
    int lookup(const Bytes&, Bytes& value, std::uint64_t flags) override {
        if (flags != 0) return -EINVAL;
        if (values_.empty()) return -ENOENT;
        value = stack_ ? values_.back() : values_.front();
        return 0;
    }
    int update(const Bytes&, const Bytes& value, std::uint64_t flags) override {
        if (flags != kUpdateAny && flags != kUpdateExist) return -EINVAL;
        if (values_.size() == spec_.max_entries) {
            if (flags == kUpdateAny) return -E2BIG;
            values_.pop_front();
        }
        values_.push_back(value);
        return 0;
    }
    int erase(const Bytes&) override { return -EINVAL; }
    int take(const Bytes& key, Bytes& value) override {
        const int error = lookup(key, value, 0);
        if (error == 0 && stack_) values_.pop_back();
        if (error == 0 && !stack_) values_.pop_front();
        return error;
    }
    int next_key(const Bytes*, Bytes&) override { return -EINVAL; }

private:
    MapSpec spec_;
    bool stack_;
    std::deque<Bytes> values_;
};

// A prefix as text of 0 and 1.
std::string bits_of(const Bytes& key) {
    std::uint32_t count;
    std::memcpy(&count, key.data(), sizeof count);
    std::string bits;
    for (std::uint32_t i = 0; i < count && i / 8 + 4 < key.size(); ++i)
        bits += (key[4 + i / 8] >> (7 - i % 8) & 1) != 0 ? '1' : '0';
    return bits;
}

// Longer prefixes before those that contain them, else by their bits.
struct LongerFirst {
    bool operator()(const std::string& a, const std::string& b) const {
        const auto [at_a, at_b] = std::ranges::mismatch(a, b);
        if (at_a == a.end()) return false;
        return at_b == b.end() || *at_a < *at_b;
    }
};

class LpmModel final : public MapView {
public:
    explicit LpmModel(const MapSpec& spec) : spec_(spec) {}
    int lookup(const Bytes& key, Bytes& value, std::uint64_t flags) override {
        if (flags != 0) return -EINVAL;
        if (too_long(key)) return -ENOENT;
        for (std::string bits = bits_of(key);; bits.pop_back()) {
            if (const auto found = entries_.find(bits); found != entries_.end()) {
                value = found->second.second;
                return 0;
            }
            if (bits.empty()) return -ENOENT;
        }
    }
    int update(const Bytes& key, const Bytes& value, std::uint64_t flags) override {
        if (flags > kUpdateExist || too_long(key)) return -EINVAL;
        const std::string bits = bits_of(key);
        const bool present = entries_.contains(bits);
        if (present && flags == kUpdateNoExist) return -EEXIST;
        if (!present && flags == kUpdateExist) return -ENOENT;
        if (!present && entries_.size() == spec_.max_entries) return -ENOSPC;
        entries_[bits] = {key, value};
        return 0;
    }
    int erase(const Bytes& key) override {
        if (too_long(key)) return -EINVAL;
        return entries_.erase(bits_of(key)) == 1 ? 0 : -ENOENT;
    }
    int take(const Bytes&, Bytes&) override { return -524; }
    int next_key(const Bytes* key, Bytes& next) override {
        auto at = key == nullptr || too_long(*key) ? entries_.end() : entries_.find(bits_of(*key));
        at = at == entries_.end() ? entries_.begin() : std::next(at);
        if (at == entries_.end()) return -ENOENT;
        next = at->second.first;
        return 0;
    }

private:
    bool too_long(const Bytes& key) const {
        std::uint32_t count;
        std::memcpy(&count, key.data(), sizeof count);
        return count > (spec_.key_size - 4) * 8;
    }
    MapSpec spec_;
    std::map<std::string, std::pair<Bytes, Bytes>, LongerFirst> entries_;
};

}  // namespace

std::unique_ptr<MapView> queue_model(const MapSpec& spec) { return std::make_unique<QueueModel>(spec); }
std::unique_ptr<MapView> lpm_model(const MapSpec& spec) { return std::make_unique<LpmModel>(spec); }

}  // namespace bpftime::test
