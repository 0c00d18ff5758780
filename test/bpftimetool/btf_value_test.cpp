// Values by BTF type.
#include "tools/bpftimetool/btf_value.h"

#include <cstring>

#include "test/catch.h"

using namespace bpftime;
using bpftime::tool::btf_assign;
using bpftime::tool::btf_value;
using bpftime::tool::Json;

namespace {

// BTF put together type by type.
class Builder {
public:
    std::uint32_t name(std::string_view text) {
        const auto offset = static_cast<std::uint32_t>(strings_.size());
        strings_.append(text).push_back('\0');
        return offset;
    }
    std::uint32_t type(std::string_view type_name, BtfKind kind, std::uint32_t count, std::uint32_t size_or_type,
                       std::initializer_list<std::uint32_t> extra = {}, bool flag = false) {
        const std::uint32_t info =
            static_cast<std::uint32_t>(flag) << 31 | static_cast<std::uint32_t>(kind) << 24 | count;
        words_.insert(words_.end(), {type_name.empty() ? 0 : name(type_name), info, size_or_type});
        words_.insert(words_.end(), extra);
        return ++types_;
    }
    std::uint32_t integer(std::string_view type_name, std::uint32_t size, std::uint32_t encoding = 0) {
        return type(type_name, BtfKind::Int, 0, size, {encoding << 24 | size * 8});
    }
    Bytes bytes() const {
        const auto size = static_cast<std::uint32_t>(words_.size() * 4);
        const std::uint32_t header[] = {0x0001eb9f, 24, 0, size, size, static_cast<std::uint32_t>(strings_.size())};
        Bytes out(sizeof(header) + size + strings_.size());
        std::memcpy(out.data(), header, sizeof(header));
        std::memcpy(out.data() + sizeof(header), words_.data(), size);
        std::memcpy(out.data() + sizeof(header) + size, strings_.data(), strings_.size());
        return out;
    }

private:
    std::vector<std::uint32_t> words_;
    std::string strings_ = std::string(1, '\0');
    std::uint32_t types_ = 0;
};

constexpr std::uint32_t kSigned = 1, kChar = 2, kBool = 4;

std::string shown(const Builder& builder, std::uint32_t type, const Bytes& value) {
    const Bytes bytes = builder.bytes();
    const auto btf = Btf::parse(bytes);
    INFO((btf ? "" : to_string(btf.error())));
    REQUIRE(btf);
    return btf_value(*btf, type, value).dump();
}

}  // namespace

TEST_CASE("numbers") {
    Builder btf;
    const auto u8 = btf.integer("u8", 1), s16 = btf.integer("s16", 2, kSigned), u64 = btf.integer("u64", 8);
    const auto truth = btf.integer("_Bool", 1, kBool), s64 = btf.integer("s64", 8, kSigned);
    CHECK(shown(btf, u8, {200}) == "200");
    CHECK(shown(btf, s16, {0xfe, 0xff}) == "-2");
    CHECK(shown(btf, u64, Bytes(8, 0xff)) == "18446744073709551615");
    CHECK(shown(btf, s64, Bytes(8, 0xff)) == "-1");
    CHECK(shown(btf, truth, {1}) == "true");
    CHECK(shown(btf, truth, {0}) == "false");
    CHECK(shown(btf, u64, {1, 2}) == "null");
    CHECK(shown(btf, 0, {1}) == "null");
    CHECK(shown(btf, 99, {1}) == "null");
}

TEST_CASE("names of enumerators, typedefs, pointers and floats") {
    Builder btf;
    const auto low = btf.name("LOW"), high = btf.name("HIGH");
    const auto level = btf.type("level", BtfKind::Enum, 2, 4, {low, 0, high, 7});
    const auto wide = btf.type("wide", BtfKind::Enum64, 1, 8, {high, 0, 1});
    const auto alias = btf.type("level_t", BtfKind::Typedef, 0, level);
    const auto constant = btf.type("", BtfKind::Const, 0, alias);
    const auto pointer = btf.type("", BtfKind::Ptr, 0, 0);
    const auto real = btf.type("double", BtfKind::Float, 0, 8);
    CHECK(shown(btf, constant, {7, 0, 0, 0}) == "\"HIGH\"");
    CHECK(shown(btf, level, {8, 0, 0, 0}) == "8");
    CHECK(shown(btf, wide, {0, 0, 0, 0, 1, 0, 0, 0}) == "\"HIGH\"");
    CHECK(shown(btf, pointer, {0x34, 0x12, 0, 0, 0, 0, 0, 0}) == "\"0x1234\"");
    CHECK(shown(btf, real, {0, 0, 0, 0, 0, 0, 0xf8, 0x3f}) == "1.5");
}

TEST_CASE("arrays and text") {
    Builder btf;
    const auto character = btf.integer("char", 1, kSigned | kChar), u16 = btf.integer("u16", 2);
    const auto name = btf.type("", BtfKind::Array, 0, 0, {character, u16, 6});
    const auto pair = btf.type("", BtfKind::Array, 0, 0, {u16, u16, 2});
    CHECK(shown(btf, name, {'b', 'a', 's', 'h', 0, 0}) == "\"bash\"");
    CHECK(shown(btf, name, {'b', 0xff, 0, 0, 0, 0}) == "[98,-1,0,0,0,0]");
    CHECK(shown(btf, name, {'b', 0, 'c', 0, 0, 0}) == "[98,0,99,0,0,0]");
    CHECK(shown(btf, pair, {1, 0, 2, 0}) == "[1,2]");
}

TEST_CASE("structures, bit fields, and members without a name") {
    Builder btf;
    const auto u32 = btf.integer("u32", 4), s32 = btf.integer("int", 4, kSigned);
    const auto a = btf.name("a"), b = btf.name("b"), c = btf.name("c"), d = btf.name("d");
    const auto inner = btf.type("", BtfKind::Union, 2, 4, {c, u32, 0, d, s32, 0});
    const auto outer =
        btf.type("outer", BtfKind::Struct, 3, 8, {a, u32, 3u << 24, b, s32, 4u << 24 | 3, 0, inner, 32}, true);
    CHECK(shown(btf, outer, {0x7d, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}) == R"({"a":5,"b":-1,"c":4294967295,"d":-1})");
    CHECK(shown(btf, outer, {0x7d, 0, 0}) == "null");
}

namespace {

// The bytes after the assignment, in hexadecimal, or the error.
std::string assigned(const Builder& builder, std::uint32_t type, const std::string& json, Bytes value) {
    const Bytes bytes = builder.bytes();
    const auto btf = Btf::parse(bytes);
    REQUIRE(btf);
    const Status done = btf_assign(*btf, type, Json::parse(json), value, "value");
    if (!done) return done.error().cause;
    std::string text;
    for (const std::uint8_t byte : value) text += hex(byte).substr(2) + ' ';
    return text;
}

}  // namespace

TEST_CASE("values from JSON") {
    Builder btf;
    const auto u8 = btf.integer("u8", 1), s8 = btf.integer("s8", 1, kSigned), u64 = btf.integer("u64", 8), s64 = btf.integer("s64", 8, kSigned);
    const auto truth = btf.integer("_Bool", 1, kBool), u32 = btf.integer("u32", 4), character = btf.integer("char", 1, kChar);
    const auto low = btf.name("LOW"), high = btf.name("HIGH"), a = btf.name("a"), b = btf.name("b"), c = btf.name("c"), d = btf.name("d");
    const auto level = btf.type("level", BtfKind::Enum, 2, 4, {low, 0, high, 7});
    const auto name = btf.type("", BtfKind::Array, 0, 0, {character, u32, 4});
    const auto pair = btf.type("", BtfKind::Array, 0, 0, {u8, u32, 2});
    const auto inner = btf.type("", BtfKind::Union, 1, 1, {c, u8, 0});
    const auto whole = btf.type("whole", BtfKind::Struct, 4, 4,
                                {a, u8, 0, b, u32, 4u << 24 | 8, d, u32, 3u << 24 | 12, 0, inner, 16}, true);
    const auto pointer = btf.type("", BtfKind::Ptr, 0, 0);
    const auto real = btf.type("float", BtfKind::Float, 0, 4);
    CHECK(assigned(btf, u8, "200", {0}) == "c8 ");
    CHECK(assigned(btf, u8, "256", {0}) == "value does not fit: it has 8 bits");
    CHECK(assigned(btf, u8, "-1", {0}) == "value does not fit: it has 8 bits");
    CHECK(assigned(btf, s8, "-128", {0}) == "80 ");
    CHECK(assigned(btf, s8, "128", {0}) == "value does not fit: it has 8 bits, signed");
    CHECK(assigned(btf, s8, "-129", {0}) == "value does not fit: it has 8 bits, signed");
    CHECK(assigned(btf, u64, "18446744073709551615", Bytes(8)) == "ff ff ff ff ff ff ff ff ");
    CHECK(assigned(btf, u64, "\"0x1f\"", Bytes(8)) == "1f 0 0 0 0 0 0 0 ");
    CHECK(assigned(btf, s64, "18446744073709551615", Bytes(8)) == "value does not fit: it has 64 bits, signed");
    CHECK(assigned(btf, truth, "true", {0}) == "1 ");
    CHECK(assigned(btf, truth, "2", {0}) == "value does not fit: it has 8 bits");
    CHECK(assigned(btf, level, "\"HIGH\"", Bytes(4)) == "7 0 0 0 ");
    CHECK(assigned(btf, level, "\"MIDDLE\"", Bytes(4)) == "value is no enumerator: 'MIDDLE'");
    CHECK(assigned(btf, name, "\"ab\"", {1, 2, 3, 4}) == "61 62 0 0 ");
    CHECK(assigned(btf, name, "\"abcde\"", {1, 2, 3, 4}) == "value has room for 4 characters");
    CHECK(assigned(btf, pair, "[5]", {1, 2}) == "5 2 ");
    CHECK(assigned(btf, pair, "[5,6,7]", {1, 2}) == "value has 2 elements");
    CHECK(assigned(btf, pair, "[5,[]]", {1, 2}) == "value[1] is no number");
    CHECK(assigned(btf, whole, R"({"a": 1, "b": 2, "c": 3, "d": 5})", Bytes(4, 0xff)) == "1 d2 3 ff ");
    CHECK(assigned(btf, whole, R"({"b": 16})", Bytes(4)) == "value.b does not fit: it has 4 bits");
    CHECK(assigned(btf, whole, R"({"e": 16})", Bytes(4)) == "value.e is no member of the type");
    CHECK(assigned(btf, whole, "7", Bytes(4)) == "value is no object");
    CHECK(assigned(btf, pointer, "\"0x1234\"", Bytes(8)) == "34 12 0 0 0 0 0 0 ");
    CHECK(assigned(btf, real, "1.5", Bytes(4)) == "0 0 c0 3f ");
    CHECK(assigned(btf, u64, "1", Bytes(4)) == "value has a type without values");
    CHECK(assigned(btf, 99, "1", Bytes(4)) == "value has an unknown type");
}
