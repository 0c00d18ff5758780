#include "vm/core/helpers.h"

#include <algorithm>

namespace bpftime {

namespace {

constexpr HelperInfo kHelpers[] = {
#define HELPER(id, name, implemented, effect, returns, a1, a2, a3, a4, a5)                  \
    {id, #name, implemented != 0, HelperEffect::effect, HelperReturn::returns,              \
     {HelperArg::a1, HelperArg::a2, HelperArg::a3, HelperArg::a4, HelperArg::a5}},
#include "vm/core/helpers.def"
};

static_assert(std::size(kHelpers) == kHelperCount);
static_assert([] {
    for (std::uint32_t i = 0; i < kHelperCount; ++i)
        if (kHelpers[i].id != i + 1) return false;
    return true;
}(), "helpers.def lists every id in order");

}  // namespace

int HelperInfo::arg_count() const {
    return static_cast<int>(std::ranges::find(args, HelperArg::None) - args.begin());
}

const HelperInfo* helper(std::uint32_t id) {
    return id >= 1 && id <= kHelperCount ? &kHelpers[id - 1] : nullptr;
}

const HelperInfo* helper(std::string_view name) {
    if (name.starts_with("bpf_")) name.remove_prefix(4);
    const auto* row = std::ranges::find(kHelpers, name, &HelperInfo::name);
    return row == std::end(kHelpers) ? nullptr : row;
}

}  // namespace bpftime
