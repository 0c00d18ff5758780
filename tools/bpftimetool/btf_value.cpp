#include "tools/bpftimetool/btf_value.h"

#include <algorithm>
#include <cstring>

#include "tools/bpftimetool/btf_types.h"

namespace bpftime::tool {

namespace {

// `count` bits from bit `first` of the bytes.
std::uint64_t read_bits(ByteView bytes, std::uint64_t first, std::uint32_t count) {
    std::uint64_t value = 0;
    for (std::uint32_t bit = 0; bit < count; ++bit) {
        const std::uint64_t at = first + bit;
        value |= static_cast<std::uint64_t>(bytes[at / 8] >> (at % 8) & 1) << bit;
    }
    return value;
}

Json number(std::uint64_t value, std::uint32_t bits, bool is_signed) {
    if (!is_signed) return value;
    const std::uint32_t unused = 64 - bits;
    return static_cast<std::int64_t>(value << unused) >> unused;
}

// A number of `bits` bits that begins at bit `first`, of any type that is one.
Json bits_value(const BtfType& row, ByteView bytes, std::uint64_t first, std::uint32_t bits) {
    if (bits == 0 || bits > 64 || first + bits > bytes.size() * 8) return nullptr;
    const std::uint64_t value = read_bits(bytes, first, bits);
    if (row.kind == BtfKind::Int) {
        const std::uint32_t encoding = row.extra[0] >> 24 & 15;
        if (encoding == kBool) return value != 0;
        return number(value, bits, (encoding & kSigned) != 0);
    }
    return value;
}

Json enum_value(const Btf& btf, const BtfType& row, ByteView bytes) {
    const std::uint64_t value = read_bits(bytes, 0, row.size_or_type * 8);
    const std::size_t words = row.kind == BtfKind::Enum ? 2 : 3;
    for (std::size_t at = 0; at + words <= row.extra.size(); at += words) {
        std::uint64_t known = row.extra[at + 1];
        if (words == 3) known |= static_cast<std::uint64_t>(row.extra[at + 2]) << 32;
        if (known == value) return btf.string(row.extra[at]);
    }
    return value;
}

// The text of an array of char: printable up to its first zero byte, zeros behind it.
std::optional<std::string> text_of(ByteView bytes) {
    const auto end = std::ranges::find(bytes, 0);
    if (std::any_of(end, bytes.end(), [](std::uint8_t byte) { return byte != 0; })) return std::nullopt;
    if (std::any_of(bytes.begin(), end, [](std::uint8_t byte) { return byte < 0x20 || byte > 0x7e; }))
        return std::nullopt;
    return std::string(bytes.begin(), end);
}

class Reader {
public:
    explicit Reader(const Btf& btf) : btf_(btf) {}

    Json value(std::uint32_t type, ByteView bytes, std::uint32_t depth = 0) const {
        const std::uint32_t id = resolve(btf_, type);
        const BtfType& row = btf_.type(id);
        const std::uint64_t size = size_of(btf_, id);
        if (size > bytes.size() || depth > kMaxDepth) return nullptr;
        switch (row.kind) {
            case BtfKind::Int: return bits_value(row, bytes, row.extra[0] >> 16 & 255, row.extra[0] & 255);
            case BtfKind::Ptr: return hex(read_bits(bytes, 0, 64));
            case BtfKind::Enum:
            case BtfKind::Enum64: return size > 8 ? Json() : enum_value(btf_, row, bytes);
            case BtfKind::Float: return floating(bytes.first(size));
            case BtfKind::Array: return array(row, bytes, depth);
            case BtfKind::Struct:
            case BtfKind::Union: return members(row, bytes, depth);
            case BtfKind::Datasec: return variables(row, bytes, depth);
            default: return nullptr;
        }
    }

private:
    static Json floating(ByteView bytes) {
        if (bytes.size() == sizeof(float)) return read<float>(bytes);
        if (bytes.size() == sizeof(double)) return read<double>(bytes);
        return hex_of(bytes);
    }
    template <class T>
    static T read(ByteView bytes) {
        T value;
        std::memcpy(&value, bytes.data(), sizeof(value));
        return value;
    }
    static Json hex_of(ByteView bytes) {
        std::string text;
        for (const std::uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
        return text;
    }

    Json array(const BtfType& row, ByteView bytes, std::uint32_t depth) const {
        const std::uint64_t size = size_of(btf_, row.extra[0]);
        const std::uint32_t count = row.extra[2];
        if (is_char(btf_, row.extra[0]))
            if (const auto text = text_of(bytes.first(count))) return *text;
        Json list = Json::array();
        for (std::uint64_t index = 0; size != 0 && index < count; ++index)
            list.push_back(value(row.extra[0], bytes.subspan(index * size), depth + 1));
        return list;
    }

    Json members(const BtfType& row, ByteView bytes, std::uint32_t depth) const {
        Json object = Json::object();
        for (std::size_t at = 0; at + 3 <= row.extra.size(); at += 3) {
            const std::uint32_t offset = row.flag ? row.extra[at + 2] & 0xffffff : row.extra[at + 2];
            const std::uint32_t bits = row.flag ? row.extra[at + 2] >> 24 : 0;
            const std::uint32_t type = resolve(btf_, row.extra[at + 1]);
            Json member;
            if (bits != 0)
                member = bits_value(btf_.type(type), bytes, offset, bits);
            else if (offset / 8 <= bytes.size())
                member = value(type, bytes.subspan(offset / 8), depth + 1);
            const std::string_view name = btf_.string(row.extra[at]);
            // Members of a member without a name are the structure's own.
            if (name.empty() && member.is_object())
                object.update(member);
            else
                object[std::string(name)] = std::move(member);
        }
        return object;
    }

    Json variables(const BtfType& row, ByteView bytes, std::uint32_t depth) const {
        Json object = Json::object();
        for (std::size_t at = 0; at + 3 <= row.extra.size(); at += 3) {
            if (row.extra[at + 1] > bytes.size()) continue;
            object[std::string(btf_.name(row.extra[at]))] =
                value(row.extra[at], bytes.subspan(row.extra[at + 1]), depth + 1);
        }
        return object;
    }

    const Btf& btf_;
};

}  // namespace

Json btf_value(const Btf& btf, std::uint32_t type, ByteView bytes) {
    return type < btf.type_count() ? Reader(btf).value(type, bytes) : Json();
}

}  // namespace bpftime::tool
