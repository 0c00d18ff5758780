#include "tools/bpftimetool/btf_types.h"

namespace bpftime::tool {

std::uint32_t resolve(const Btf& btf, std::uint32_t type) {
    while (true) {
        switch (btf.type(type).kind) {
            case BtfKind::Typedef:
            case BtfKind::Volatile:
            case BtfKind::Const:
            case BtfKind::Restrict:
            case BtfKind::TypeTag:
            case BtfKind::Var: type = btf.type(type).size_or_type; break;
            default: return type;
        }
    }
}

std::uint64_t size_of(const Btf& btf, std::uint32_t type, std::uint32_t depth) {
    const BtfType& row = btf.type(resolve(btf, type));
    if (depth > kMaxDepth) return 0;
    switch (row.kind) {
        case BtfKind::Ptr: return 8;
        case BtfKind::Array: {
            std::uint64_t size = 0;
            const bool huge = __builtin_mul_overflow(std::uint64_t{row.extra[2]}, size_of(btf, row.extra[0], depth + 1), &size);
            return huge ? ~std::uint64_t{0} : size;
        }
        case BtfKind::Int:
        case BtfKind::Struct:
        case BtfKind::Union:
        case BtfKind::Enum:
        case BtfKind::Enum64:
        case BtfKind::Float:
        case BtfKind::Datasec: return row.size_or_type;
        default: return 0;
    }
}

bool is_char(const Btf& btf, std::uint32_t type) {
    const std::uint32_t id = resolve(btf, type);
    const BtfType& row = btf.type(id);
    return row.kind == BtfKind::Int && row.size_or_type == 1 &&
           ((row.extra[0] >> 24 & kChar) != 0 || btf.name(id) == "char");
}

}  // namespace bpftime::tool
