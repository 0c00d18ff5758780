#include "runtime/registry/btf.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace bpftime {

namespace {

// struct btf_header of the UAPI, as far as every kernel knows it.
struct Header {
    std::uint16_t magic;
    std::uint8_t version, flags;
    std::uint32_t header_size, type_offset, type_size, string_offset, string_size;
};
constexpr std::uint16_t kMagic = 0xeb9f;
constexpr std::uint32_t kMaxBytes = 256u << 20;

// How a kind is laid out: words behind the record (once, and per member), and what size_or_type means.
struct KindLayout {
    std::uint8_t fixed, per_member;
    bool refers;  // size_or_type is a type id
    bool chain;   // ...that a reader follows to find what the type really is
};
constexpr std::array<KindLayout, kBtfKinds> kLayouts = {{
    {0, 0, false, false},  // Void
    {1, 0, false, false},  // Int
    {0, 0, true, false},   // Ptr
    {3, 0, false, false},  // Array
    {0, 3, false, false},  // Struct
    {0, 3, false, false},  // Union
    {0, 2, false, false},  // Enum
    {0, 0, false, false},  // Fwd
    {0, 0, true, true},    // Typedef
    {0, 0, true, true},    // Volatile
    {0, 0, true, true},    // Const
    {0, 0, true, true},    // Restrict
    {0, 0, true, false},   // Func
    {0, 2, true, false},   // FuncProto
    {1, 0, true, false},   // Var
    {0, 3, false, false},  // Datasec
    {0, 0, false, false},  // Float
    {1, 0, true, false},   // DeclTag
    {0, 0, true, true},    // TypeTag
    {0, 3, false, false},  // Enum64
}};

const KindLayout& layout(BtfKind kind) { return kLayouts[static_cast<std::size_t>(kind)]; }

Result<Header> read_header(std::span<const std::uint8_t> bytes) {
    Header header{};
    if (bytes.size() < sizeof(header)) return fail(failure("the BTF is shorter than its header"));
    if (bytes.size() > kMaxBytes)
        return fail(failure("the BTF is larger than ", kMaxBytes, " bytes").with_errno(E2BIG));
    std::memcpy(&header, bytes.data(), sizeof(header));
    if (header.magic != kMagic) return fail(failure("the BTF does not begin with its magic number"));
    if (header.version != 1) return fail(failure("BTF version ", header.version, " is unknown").with_errno(ENOTSUP));
    if (header.flags != 0) return fail(failure("BTF flags ", hex(header.flags), " are unknown").with_errno(ENOTSUP));
    if (header.header_size < sizeof(header) || header.header_size > bytes.size())
        return fail(failure("the BTF header's size of ", header.header_size, " is wrong"));
    const auto rest = bytes.subspan(sizeof(header), header.header_size - sizeof(header));
    if (std::ranges::any_of(rest, [](std::uint8_t byte) { return byte != 0; }))
        return fail(failure("the BTF header has fields that are unknown here").with_errno(E2BIG));
    const std::uint64_t body = bytes.size() - header.header_size;
    const std::uint64_t types_end = std::uint64_t{header.type_offset} + header.type_size;
    const std::uint64_t strings_end = std::uint64_t{header.string_offset} + header.string_size;
    if (types_end > body || strings_end > body || types_end > header.string_offset)
        return fail(failure("the BTF's types or strings lie outside of it"));
    if ((header.header_size + header.type_offset) % 4 != 0 || header.type_size % 4 != 0)
        return fail(failure("the BTF's types are not aligned"));
    return header;
}

}  // namespace

Result<Btf> Btf::parse(std::span<const std::uint8_t> bytes) {
    const Header header = BPFTIME_TRY(read_header(bytes));
    const auto body = bytes.subspan(header.header_size);
    Btf btf;
    btf.strings_ = {reinterpret_cast<const char*>(body.data()) + header.string_offset, header.string_size};
    if (btf.strings_.empty() || btf.strings_.front() != '\0' || btf.strings_.back() != '\0')
        return fail(failure("the BTF's strings do not begin and end with a zero byte"));
    BPFTIME_CHECK(btf.read_types(
        {reinterpret_cast<const std::uint32_t*>(body.data() + header.type_offset), header.type_size / 4}));
    for (std::uint32_t id = 1; id < btf.type_count(); ++id) BPFTIME_CHECK(btf.check_type(id));
    BPFTIME_CHECK(btf.check_chains());
    return btf;
}

std::string_view Btf::string(std::uint32_t offset) const {
    return offset < strings_.size() ? std::string_view(strings_.data() + offset) : std::string_view();
}

Status Btf::read_types(std::span<const std::uint32_t> words) {
    types_.emplace_back();
    while (!words.empty()) {
        const std::size_t id = types_.size();
        if (words.size() < 3) return fail(failure("BTF type ", id, " is truncated"));
        const std::uint32_t info = words[1], kind = info >> 24 & 31;
        if (kind == 0 || kind >= kBtfKinds) return fail(failure("BTF type ", id, " is of unknown kind ", kind));
        BtfType type{.kind = static_cast<BtfKind>(kind),
                     .name = words[0],
                     .count = info & 0xffff,
                     .flag = (info >> 31) != 0,
                     .size_or_type = words[2],
                     .extra = {}};
        const std::size_t extra = layout(type.kind).fixed + std::size_t{layout(type.kind).per_member} * type.count;
        if (words.size() - 3 < extra) return fail(failure("BTF type ", id, " is truncated"));
        type.extra = words.subspan(3, extra);
        types_.push_back(type);
        words = words.subspan(3 + extra);
    }
    return {};
}

// Every id and name that a record holds lies in range.
Status Btf::check_type(std::uint32_t id) const {
    const BtfType& type = types_[id];
    const auto bad = [&](std::string_view what) {
        return fail(failure("BTF type ", id, " refers to ", what, " out of range"));
    };
    const auto known_type = [&](std::uint32_t other) { return other < types_.size(); };
    const auto known_name = [&](std::uint32_t offset) { return offset < strings_.size(); };
    if (!known_name(type.name)) return bad("a name");
    if (layout(type.kind).refers && !known_type(type.size_or_type)) return bad("a type");
    if (type.kind == BtfKind::Array && (!known_type(type.extra[0]) || !known_type(type.extra[1]))) return bad("a type");
    if (type.kind == BtfKind::Func && types_[type.size_or_type].kind != BtfKind::FuncProto) return bad("a prototype");
    const std::size_t step = layout(type.kind).per_member;
    const bool names = step != 0 && type.kind != BtfKind::Datasec;
    for (std::size_t at = 0; step != 0 && at < type.extra.size(); at += step) {
        if (names && !known_name(type.extra[at])) return bad("a name");
        const bool members =
            type.kind == BtfKind::Struct || type.kind == BtfKind::Union || type.kind == BtfKind::FuncProto;
        if (members && !known_type(type.extra[at + 1])) return bad("a type");
        if (type.kind != BtfKind::Datasec) continue;
        if (!known_type(type.extra[at])) return bad("a variable");
        const BtfKind kind = types_[type.extra[at]].kind;
        if (kind != BtfKind::Var && kind != BtfKind::Func) return bad("a variable");
    }
    return {};
}

// Typedefs, modifiers, arrays and members held by value lead to an end: no type contains itself.
Status Btf::check_chains() const {
    enum : std::uint8_t { New, Open, Done };
    struct Step {
        std::uint32_t id;
        std::size_t next;
    };
    std::vector<std::uint8_t> state(types_.size(), New);
    std::vector<Step> stack;
    const auto successor = [&](const Step& step) -> std::uint32_t {
        const BtfType& type = types_[step.id];
        if (layout(type.kind).chain || type.kind == BtfKind::Var) return step.next == 0 ? type.size_or_type : 0;
        if (type.kind == BtfKind::Array) return step.next == 0 ? type.extra[0] : 0;
        if (type.kind == BtfKind::Struct || type.kind == BtfKind::Union)
            return step.next < type.count ? type.extra[step.next * 3 + 1] : 0;
        return 0;
    };
    for (std::uint32_t root = 1; root < type_count(); ++root) {
        if (state[root] != New) continue;
        state[root] = Open;
        stack.push_back({root, 0});
        while (!stack.empty()) {
            Step& top = stack.back();
            const BtfType& type = types_[top.id];
            const bool more = top.next < std::max<std::size_t>(1, type.count);
            const std::uint32_t to = more ? successor(top) : 0;
            if (!more) {
                state[top.id] = Done;
                stack.pop_back();
                continue;
            }
            ++top.next;
            if (to == 0 || state[to] == Done) continue;
            if (state[to] == Open) return fail(failure("BTF type ", to, " contains itself"));
            state[to] = Open;
            stack.push_back({to, 0});
        }
    }
    return {};
}

}  // namespace bpftime
