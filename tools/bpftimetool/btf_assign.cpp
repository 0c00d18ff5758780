// From JSON to memory.
#include <algorithm>
#include <charconv>
#include <cstring>

#include "tools/bpftimetool/btf_types.h"
#include "tools/bpftimetool/btf_value.h"

namespace bpftime::tool {

namespace {

using Span = std::span<std::uint8_t>;

Error wrong(const std::string& path, const auto&... what) { return failure(path, ' ', what...); }

void write_bits(Span bytes, std::uint64_t first, std::uint32_t count, std::uint64_t value) {
    for (std::uint32_t bit = 0; bit < count; ++bit) {
        const std::uint64_t at = first + bit;
        const auto mask = static_cast<std::uint8_t>(1u << at % 8);
        if ((value >> bit & 1) != 0) bytes[at / 8] |= mask;
        else bytes[at / 8] &= static_cast<std::uint8_t>(~mask);
    }
}

// A number as the two's complement of 64 bits, and whether it is below 0.
struct Number {
    std::uint64_t bits = 0;
    bool negative = false;
};

std::optional<Number> parse_number(std::string_view text) {
    Number number;
    if (text.starts_with('-')) {
        number.negative = true;
        text.remove_prefix(1);
    }
    const int base = text.starts_with("0x") ? 16 : 10;
    if (base == 16) text.remove_prefix(2);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number.bits, base);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    if (number.negative && number.bits > std::uint64_t{1} << 63) return std::nullopt;
    if (number.negative) number.bits = ~number.bits + 1;
    return number;
}

Result<Number> read_number(const Json& value, const std::string& path) {
    if (value.is_number_unsigned()) return Number{value.get<std::uint64_t>()};
    if (value.is_number_integer()) return Number{static_cast<std::uint64_t>(value.get<std::int64_t>()), value.get<std::int64_t>() < 0};
    if (value.is_boolean()) return Number{value.get<bool>() ? 1u : 0u};
    if (value.is_string())
        if (const auto number = parse_number(value.get<std::string>())) return *number;
    return fail(wrong(path, "is no number"));
}

bool fits(const Number& number, std::uint32_t bits, bool is_signed) {
    if (bits == 64) return is_signed ? number.negative || number.bits >> 63 == 0 : !number.negative;
    if (!number.negative) return number.bits >> (is_signed ? bits - 1 : bits) == 0;
    return is_signed && ~number.bits >> (bits - 1) == 0;
}

class Writer {
public:
    explicit Writer(const Btf& btf) : btf_(btf) {}

    Status value(std::uint32_t type, const Json& json, Span bytes, const std::string& path, std::uint32_t depth = 0) const {
        const std::uint32_t id = resolve(btf_, type);
        const BtfType& row = btf_.type(id);
        const std::uint64_t size = size_of(btf_, id);
        if (size > bytes.size() || depth > kMaxDepth || (size == 0 && row.kind != BtfKind::Array))
            return fail(wrong(path, "has a type without values"));
        switch (row.kind) {
            case BtfKind::Int: return number(row, json, bytes, row.extra[0] >> 16 & 255, row.extra[0] & 255, path);
            case BtfKind::Ptr: return pointer(json, bytes, path);
            case BtfKind::Enum:
            case BtfKind::Enum64: return enumerator(row, json, bytes, 0, row.size_or_type * 8, path);
            case BtfKind::Float: return floating(json, bytes.first(size), path);
            case BtfKind::Array: return array(row, json, bytes, path, depth);
            case BtfKind::Struct:
            case BtfKind::Union: return members(row, json, bytes, path, depth);
            case BtfKind::Datasec: return variables(row, json, bytes, path, depth);
            default: return fail(wrong(path, "has a type without values"));
        }
    }

private:
    static Status number(const BtfType& row, const Json& json, Span bytes, std::uint64_t first, std::uint32_t bits,
                         const std::string& path) {
        if (bits == 0 || bits > 64 || first + bits > bytes.size() * 8) return fail(wrong(path, "has a type without values"));
        const Number number = BPFTIME_TRY(read_number(json, path));
        const std::uint32_t encoding = row.kind == BtfKind::Int ? row.extra[0] >> 24 & 15 : row.flag ? kSigned : 0;
        const bool truth = (encoding & kBool) != 0;
        if (!fits(number, bits, (encoding & kSigned) != 0) || (truth && number.bits > 1))
            return fail(wrong(path, "does not fit: it has ", bits, " bits", (encoding & kSigned) != 0 ? ", signed" : ""));
        write_bits(bytes, first, bits, number.bits);
        return {};
    }

    static Status pointer(const Json& json, Span bytes, const std::string& path) {
        const Number number = BPFTIME_TRY(read_number(json, path));
        if (number.negative) return fail(wrong(path, "is no address"));
        write_bits(bytes, 0, 64, number.bits);
        return {};
    }

    Status enumerator(const BtfType& row, const Json& json, Span bytes, std::uint64_t first, std::uint32_t bits,
                      const std::string& path) const {
        const std::size_t words = row.kind == BtfKind::Enum ? 2 : 3;
        if (json.is_string()) {
            const auto name = json.get<std::string>();
            for (std::size_t at = 0; at + words <= row.extra.size(); at += words) {
                if (btf_.string(row.extra[at]) != name) continue;
                std::uint64_t value = row.extra[at + 1];
                if (words == 3) value |= static_cast<std::uint64_t>(row.extra[at + 2]) << 32;
                if (bits > 64 || first + bits > bytes.size() * 8) return fail(wrong(path, "has a type without values"));
                write_bits(bytes, first, bits, value);
                return {};
            }
            if (!parse_number(name)) return fail(wrong(path, "is no enumerator: '", name, "'"));
        }
        return number(row, json, bytes, first, bits, path);
    }

    static Status floating(const Json& json, Span bytes, const std::string& path) {
        if (!json.is_number()) return fail(wrong(path, "is no number"));
        const auto real = json.get<double>();
        const auto narrow = static_cast<float>(real);
        if (bytes.size() == sizeof(double)) std::memcpy(bytes.data(), &real, sizeof(real));
        else if (bytes.size() == sizeof(float)) std::memcpy(bytes.data(), &narrow, sizeof(narrow));
        else return fail(wrong(path, "has a type without values"));
        return {};
    }

    Status array(const BtfType& row, const Json& json, Span bytes, const std::string& path, std::uint32_t depth) const {
        const std::uint64_t size = size_of(btf_, row.extra[0]);
        const std::uint32_t count = row.extra[2];
        if (json.is_string() && is_char(btf_, row.extra[0])) {
            const auto text = json.get<std::string>();
            if (text.size() > count) return fail(wrong(path, "has room for ", count, " characters"));
            std::ranges::fill(bytes.first(count), 0);
            std::ranges::copy(text, bytes.begin());
            return {};
        }
        if (!json.is_array()) return fail(wrong(path, "is no list"));
        if (json.size() > count) return fail(wrong(path, "has ", count, " elements"));
        for (std::size_t index = 0; index < json.size(); ++index)
            BPFTIME_CHECK(value(row.extra[0], json[index], bytes.subspan(index * size), cat(path, "[", index, "]"), depth + 1));
        return {};
    }

    // The member, or that of a member without a name, and its place.
    struct Member {
        std::uint32_t type = 0;
        std::uint64_t first_bit = 0;
        std::uint32_t bits = 0;  // 0: all of the type
    };
    std::optional<Member> find(const BtfType& row, std::string_view name, std::uint32_t depth) const {
        for (std::size_t at = 0; at + 3 <= row.extra.size() && depth <= kMaxDepth; at += 3) {
            const std::uint32_t offset = row.flag ? row.extra[at + 2] & 0xffffff : row.extra[at + 2];
            const std::uint32_t type = resolve(btf_, row.extra[at + 1]);
            const std::string_view own = btf_.string(row.extra[at]);
            if (own == name && !own.empty()) return Member{type, offset, row.flag ? row.extra[at + 2] >> 24 : 0};
            const BtfKind kind = btf_.type(type).kind;
            if (!own.empty() || (kind != BtfKind::Struct && kind != BtfKind::Union)) continue;
            if (auto inner = find(btf_.type(type), name, depth + 1)) {
                inner->first_bit += offset;
                return inner;
            }
        }
        return std::nullopt;
    }

    Status members(const BtfType& row, const Json& json, Span bytes, const std::string& path, std::uint32_t depth) const {
        if (!json.is_object()) return fail(wrong(path, "is no object"));
        for (const auto& [name, one] : json.items()) {
            const std::string place = cat(path, ".", name);
            const auto member = find(row, name, 0);
            if (!member) return fail(wrong(place, "is no member of the type"));
            if (member->bits == 0) {
                if (member->first_bit / 8 > bytes.size()) return fail(wrong(place, "lies outside the value"));
                BPFTIME_CHECK(value(member->type, one, bytes.subspan(member->first_bit / 8), place, depth + 1));
                continue;
            }
            const BtfType& type = btf_.type(member->type);
            const bool enumeration = type.kind == BtfKind::Enum || type.kind == BtfKind::Enum64;
            BPFTIME_CHECK(enumeration ? enumerator(type, one, bytes, member->first_bit, member->bits, place)
                                      : number(type, one, bytes, member->first_bit, member->bits, place));
        }
        return {};
    }

    Status variables(const BtfType& row, const Json& json, Span bytes, const std::string& path, std::uint32_t depth) const {
        if (!json.is_object()) return fail(wrong(path, "is no object"));
        for (const auto& [name, one] : json.items()) {
            const std::string place = cat(path, ".", name);
            bool found = false;
            for (std::size_t at = 0; at + 3 <= row.extra.size() && !found; at += 3) {
                if (btf_.name(row.extra[at]) != name || row.extra[at + 1] > bytes.size()) continue;
                BPFTIME_CHECK(value(row.extra[at], one, bytes.subspan(row.extra[at + 1]), place, depth + 1));
                found = true;
            }
            if (!found) return fail(wrong(place, "is no variable of the section"));
        }
        return {};
    }

    const Btf& btf_;
};

}  // namespace

Status btf_assign(const Btf& btf, std::uint32_t type, const Json& value, std::span<std::uint8_t> bytes, const std::string& path) {
    if (type >= btf.type_count()) return fail(wrong(path, "has an unknown type"));
    return Writer(btf).value(type, value, bytes, path);
}

}  // namespace bpftime::tool
