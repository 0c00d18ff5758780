#include "vm/llvm-jit/helper_shapes.h"

#include <algorithm>

namespace bpftime::lowering {

namespace {

// trace_printk's prototype declares its format only; the values to print follow in r3..r5.
constexpr std::uint32_t kTracePrintk = 6;

Reach reach_of(HelperArg arg) {
    switch (arg) {
        case HelperArg::None:
        case HelperArg::Anything:
        case HelperArg::Map:
        case HelperArg::ConstSize:
        case HelperArg::ConstSizeOrZero:
        case HelperArg::ConstAllocSize: return Reach::Number;
        case HelperArg::MapKey:
        case HelperArg::MapValue:
        case HelperArg::MapValueOrNull:
        case HelperArg::Mem:
        case HelperArg::MemOrNull:
        case HelperArg::ConstString: return Reach::ReadOnly;
        case HelperArg::UninitMapValue:
        case HelperArg::MemReadWrite:
        case HelperArg::UninitMem:
        case HelperArg::UninitMemOrNull:
        case HelperArg::IntPointer:
        case HelperArg::LongPointer:
        case HelperArg::FixedMem: return Reach::Borrowed;
        default: return Reach::Address;
    }
}

// Helpers that take objects which outlive the call (dynptrs, timers, kernel pointers) may keep any address they are
// given.
bool keeps_addresses(const HelperInfo& row) {
    return std::ranges::any_of(row.args, [](HelperArg arg) {
        return arg == HelperArg::Dynptr || arg == HelperArg::UninitDynptr || arg == HelperArg::Timer ||
               arg == HelperArg::KptrSlot || arg == HelperArg::Function;
    });
}

bool is_pointer(HelperReturn result) { return result != HelperReturn::Integer && result != HelperReturn::Void; }

HelperShape make_shape(const HelperInfo& row) {
    HelperShape shape;
    shape.arguments = row.id == kTracePrintk ? 5 : row.arg_count();
    shape.effect = row.effect;
    shape.returns_pointer = is_pointer(row.result);
    shape.calls_back = std::ranges::find(row.args, HelperArg::Function) != row.args.end();
    const bool keeps = keeps_addresses(row);
    const bool through_arguments = row.effect == HelperEffect::ReadsArgs || row.effect == HelperEffect::WritesArgs;
    for (std::size_t i = 0; i < row.args.size(); ++i) {
        Reach& reach = shape.reach[i];
        reach = reach_of(row.args[i]);
        if (keeps && reach != Reach::Number) reach = Reach::Address;
        // Where memory is reached through arguments alone, every one that may be an address has to be seen as such.
        if (through_arguments && row.args[i] == HelperArg::Anything) reach = Reach::Borrowed;
        if (reach != Reach::Number) shape.pointers |= bit(static_cast<int>(i) + 1);
    }
    return shape;
}

}  // namespace

const HelperShape& helper_shape(std::uint32_t id) {
    static const auto shapes = [] {
        std::array<HelperShape, kHelperLimit> all;
        for (std::uint32_t i = 1; i < kHelperLimit; ++i) all[i] = make_shape(*helper(i));
        return all;
    }();
    return shapes[id < kHelperLimit ? id : 0];
}

}  // namespace bpftime::lowering
