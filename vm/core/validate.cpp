#include <algorithm>

#include "vm/core/decode.h"
#include "vm/core/engine.h"
#include "vm/core/helpers.h"

namespace bpftime {

namespace {

using Slot = std::uint32_t;

class Validator {
public:
    Validator(std::span<const Insn> insns, std::size_t map_count) : insns_(insns), map_count_(map_count) {}

    Result<std::vector<Subprogram>> run() {
        BPFTIME_CHECK(find_subprograms());
        for (const Subprogram& sub : subprograms_) BPFTIME_CHECK(check_body(sub));
        BPFTIME_CHECK(check_exits());
        BPFTIME_CHECK(check_call_depth());
        BPFTIME_CHECK(check_callbacks());
        return std::move(subprograms_);
    }

private:
    std::int64_t size() const { return static_cast<std::int64_t>(insns_.size()); }

    bool is_instruction(std::int64_t slot) const {
        return slot >= 0 && slot < size() && insns_[static_cast<std::size_t>(slot)].op != Op::LddwHigh;
    }

    // Slot that a local call or code address at `slot` leads to, or -1 for any other instruction.
    std::int64_t callee(Slot slot) const {
        const Insn& insn = insns_[slot];
        if (insn.op == Op::CallLocal) return std::int64_t{slot} + 1 + insn.off;
        if (insn.op == Op::LddwCodeAddr) return std::int64_t{slot} + 1 + insn.imm;
        return -1;
    }

    Status find_subprograms() {
        std::vector<Slot> begins{0};
        for (Slot slot = 0; slot < insns_.size(); ++slot) {
            if (insns_[slot].op != Op::CallLocal && insns_[slot].op != Op::LddwCodeAddr) continue;
            const std::int64_t to = callee(slot);
            if (!is_instruction(to)) return fail(failure("call to slot ", to, ", which is not an instruction").at(slot));
            begins.push_back(static_cast<Slot>(to));
        }
        std::ranges::sort(begins);
        begins.erase(std::ranges::unique(begins).begin(), begins.end());
        for (std::size_t i = 0; i < begins.size(); ++i) {
            const Slot end = i + 1 < begins.size() ? begins[i + 1] : static_cast<Slot>(insns_.size());
            subprograms_.push_back({i == 0 ? "entry" : cat("sub_", begins[i]), begins[i], end});
        }
        return {};
    }

    Status check_body(const Subprogram& sub) const {
        for (Slot slot = sub.begin; slot < sub.end; ++slot) {
            const Insn& insn = insns_[slot];
            if (is_jump(insn.op)) {
                const std::int64_t to = std::int64_t{slot} + 1 + insn.off;
                if (to < sub.begin || to >= sub.end)
                    return fail(failure("jump to slot ", to, " leaves the function (slots ", sub.begin, " to ", sub.end - 1, ')').at(slot));
                if (!is_instruction(to)) return fail(failure("jump to slot ", to, " lands inside an lddw").at(slot));
            } else if (insn.op == Op::CallHelper && helper(static_cast<std::uint32_t>(insn.imm)) == nullptr) {
                return fail(failure("helper ", insn.imm, " is unknown").at(slot));
            } else if (is_map_reference(insn.op) && insn.map_index() >= map_count_) {
                return fail(failure("map reference ", insn.map_index(), " is outside the program's ", map_count_, " maps").at(slot));
            }
        }
        Slot last = sub.end - 1;
        if (insns_[last].op == Op::LddwHigh) --last;
        if (!ends_flow(insns_[last].op)) return fail(failure("control falls off the end of the function").at(last));
        return {};
    }

    // Calls `visit` with each slot that control may reach from `slot` inside its subprogram.
    template <class Visit>
    void for_successors(Slot slot, Visit visit) const {
        const Insn& insn = insns_[slot];
        if (is_jump(insn.op)) visit(insn.target(slot));
        if (!ends_flow(insn.op)) visit(slot + (info(insn.op).family == Family::Lddw ? 2 : 1));
    }

    // Every instruction that control reaches must have a way to an exit; "goto -1" has none.
    Status check_exits() const {
        bool has_backward_jump = false;
        for (Slot slot = 0; slot < insns_.size() && !has_backward_jump; ++slot)
            has_backward_jump = is_jump(insns_[slot].op) && insns_[slot].off < 0;
        if (!has_backward_jump) return {};  // control only moves on, and no function can be fallen out of

        const std::size_t count = insns_.size();
        std::vector<Slot> first(count + 1, 0);
        for (Slot slot = 0; slot < count; ++slot) for_successors(slot, [&](Slot to) { ++first[to + 1]; });
        for (std::size_t i = 0; i < count; ++i) first[i + 1] += first[i];
        std::vector<Slot> from(first[count]);
        std::vector<Slot> fill(first.begin(), first.end() - 1);
        for (Slot slot = 0; slot < count; ++slot) for_successors(slot, [&](Slot to) { from[fill[to]++] = slot; });

        std::vector<Slot> work;
        std::vector<char> exits(count, 0);
        for (Slot slot = 0; slot < count; ++slot)
            if (insns_[slot].op == Op::Exit) {
                exits[slot] = 1;
                work.push_back(slot);
            }
        while (!work.empty()) {
            const Slot to = work.back();
            work.pop_back();
            for (Slot i = first[to]; i < first[to + 1]; ++i)
                if (!exits[from[i]]) {
                    exits[from[i]] = 1;
                    work.push_back(from[i]);
                }
        }
        return check_reached(exits);
    }

    Status check_reached(const std::vector<char>& exits) const {
        std::vector<char> reached(insns_.size(), 0);
        std::vector<Slot> work;
        for (const Subprogram& sub : subprograms_) {
            reached[sub.begin] = 1;
            work.push_back(sub.begin);
        }
        while (!work.empty()) {
            const Slot slot = work.back();
            work.pop_back();
            if (!exits[slot])
                return fail(failure("no exit can be reached from here: the program would never end").at(slot));
            for_successors(slot, [&](Slot to) {
                if (reached[to]) return;
                reached[to] = 1;
                work.push_back(to);
            });
        }
        return {};
    }

    std::size_t index_of(Slot begin) const {
        return static_cast<std::size_t>(std::ranges::lower_bound(subprograms_, begin, {}, &Subprogram::begin) - subprograms_.begin());
    }

    // The longest chain of calls, by depth-first search; a callback counts as called where its address is taken.
    Status check_call_depth() const {
        if (subprograms_.size() == 1) {
            for (Slot slot = 0; slot < insns_.size(); ++slot)
                if (callee(slot) >= 0) return fail(failure("recursive call").at(slot));
            return {};
        }
        enum : char { New, Open, Done };
        struct Frame {
            std::size_t sub;
            Slot next;
        };
        std::vector<char> state(subprograms_.size(), New);
        std::vector<int> height(subprograms_.size(), 1);  // frames of the deepest chain that starts here
        for (std::size_t root = 0; root < subprograms_.size(); ++root) {
            if (state[root] != New) continue;
            std::vector<Frame> stack{{root, subprograms_[root].begin}};
            state[root] = Open;
            while (!stack.empty()) {
                auto& [sub, next] = stack.back();
                if (next == subprograms_[sub].end) {
                    state[sub] = Done;
                    const int below = height[sub];
                    stack.pop_back();
                    if (!stack.empty()) height[stack.back().sub] = std::max(height[stack.back().sub], below + 1);
                    continue;
                }
                const Slot slot = next++;
                const std::int64_t to = callee(slot);
                if (to < 0) continue;
                const std::size_t other = index_of(static_cast<Slot>(to));
                if (state[other] == Open) return fail(failure("recursive call").at(slot));
                if (state[other] == Done) {
                    height[sub] = std::max(height[sub], height[other] + 1);
                } else {
                    state[other] = Open;
                    stack.push_back({other, subprograms_[other].begin});
                }
            }
        }
        if (height[0] > kMaxCallDepth)
            return fail(failure("calls nest ", height[0], " frames deep, more than ", kMaxCallDepth).with_errno(E2BIG));
        return {};
    }

    // A callback runs inside a helper, which a tail call would leave behind.
    Status check_callbacks() const {
        std::vector<char> seen(subprograms_.size(), 0);
        std::vector<std::size_t> work;
        const auto enter = [&](Slot slot) {
            const std::size_t sub = index_of(static_cast<Slot>(callee(slot)));
            if (!seen[sub]) work.push_back(sub);
            seen[sub] = 1;
        };
        if (subprograms_.size() == 1) return {};
        for (Slot slot = 0; slot < insns_.size(); ++slot)
            if (insns_[slot].op == Op::LddwCodeAddr) enter(slot);
        while (!work.empty()) {
            const Subprogram& sub = subprograms_[work.back()];
            work.pop_back();
            for (Slot slot = sub.begin; slot < sub.end; ++slot) {
                const Insn& insn = insns_[slot];
                if (insn.op == Op::CallLocal) enter(slot);
                if (insn.op == Op::CallHelper && insn.imm == kTailCallHelper)
                    return fail(failure("a callback cannot make tail calls, nor call a function that does").at(slot));
            }
        }
        return {};
    }

    std::span<const Insn> insns_;
    std::size_t map_count_;
    std::vector<Subprogram> subprograms_;
};

}  // namespace

Result<std::vector<Subprogram>> validate(std::span<const Insn> insns, std::size_t map_count) {
    if (insns.empty()) return fail(failure("the program has no instructions"));
    return Validator(insns, map_count).run();
}

}  // namespace bpftime
