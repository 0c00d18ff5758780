#include "vm/interpreter/interpreter.h"

#include <unordered_map>

#include "vm/interpreter/cells.h"

namespace bpftime {

namespace {

using interpreter::CallbackSlot;
using interpreter::Cell;
using interpreter::Image;
using interpreter::handler;
using interpreter::Special;

std::uint64_t run_callback(const void* owner, std::uint32_t slot, const interpreter::Arguments& args) {
    const auto& image = *static_cast<const Image*>(owner);
    return execute(image, image.cells.data() + slot, args);
}

class Translator {
public:
    Translator(const Program& program, const Bindings& bindings, Image& image)
        : program_(program), bindings_(bindings), image_(image) {}

    Status run() {
        image_.helpers = bindings_.helpers;
        image_.cells.resize(program_.insns.size());
        for (std::uint32_t slot = 0; slot < program_.insns.size(); ++slot) {
            const Insn& insn = program_.insns[slot];
            if (insn.op == Op::LddwHigh) continue;  // written with the first half
            image_.cells[slot] = cell(insn);
            if (info(insn.op).family != Family::Lddw) continue;
            image_.cells[slot + 1] = {handler(Special::Constant), {.constant = BPFTIME_TRY(constant(insn, slot))}};
        }
        return {};
    }

private:
    Cell cell(const Insn& insn) const {
        if (insn.op == Op::CallHelper) {
            const auto id = static_cast<std::uint32_t>(insn.imm);
            const void* label = id == kTailCallHelper ? handler(Special::TailCall) : handler(insn.op);
            return {label, {.helper = bindings_.helpers[id]}};
        }
        const bool far = insn.op == Op::Ja || insn.op == Op::Ja32 || insn.op == Op::MayGoto || insn.op == Op::CallLocal;
        return {handler(insn.op), {.insn = {.imm = far ? insn.off : static_cast<std::int32_t>(insn.imm),
                                            .off = static_cast<std::int16_t>(insn.off),
                                            .dst = insn.dst,
                                            .src = insn.src}}};
    }

    // The 64 bits that an lddw at `slot` loads in this process.
    Result<std::uint64_t> constant(const Insn& insn, std::uint32_t slot) {
        switch (info(insn.op).lddw()) {
            case LddwKind::Imm: return static_cast<std::uint64_t>(insn.imm);
            case LddwKind::MapByFd:
            case LddwKind::MapByIdx: return bindings_.maps[insn.map_index()].handle;
            case LddwKind::MapValue:
            case LddwKind::MapValueByIdx: return bindings_.maps[insn.map_index()].values + insn.map_offset();
            case LddwKind::VarAddr: return bindings_.variables[static_cast<std::size_t>(insn.imm)];
            case LddwKind::CodeAddr: return code_address(insn.code_target(slot));
        }
        return 0;
    }

    Result<std::uint64_t> code_address(std::uint32_t target) {
        auto [known, fresh] = code_addresses_.try_emplace(target, 0);
        if (fresh) {
            image_.callbacks.push_back(BPFTIME_TRY(CallbackSlot::claim({run_callback, &image_, target})));
            known->second = reinterpret_cast<std::uint64_t>(image_.callbacks.back().function());
        }
        return known->second;
    }

    const Program& program_;
    const Bindings& bindings_;
    Image& image_;
    std::unordered_map<std::uint32_t, std::uint64_t> code_addresses_;  // by slot
};

class Interpreted final : public Executable {
public:
    std::uint64_t run(void* ctx, std::uint64_t size) const override {
        return execute(image, image.cells.data(), {reinterpret_cast<std::uint64_t>(ctx), size, 0, 0, 0});
    }

    Image image;
};

}  // namespace

Result<std::unique_ptr<Executable>> interpret(const Program& program, const Bindings& bindings) {
    BPFTIME_CHECK(check_bindings(program, bindings));
    auto executable = std::make_unique<Interpreted>();
    if (auto done = Translator(program, bindings, executable->image).run(); !done)
        return fail(std::move(done).error().in_program(program.name));
    return executable;
}

}  // namespace bpftime
