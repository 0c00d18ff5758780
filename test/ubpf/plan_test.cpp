// Liveness, jump targets and frame needs, as the emitting pass gets them.
#include "test/ubpf/programs.h"
#include "vm/ubpf-jit/plan.h"

namespace bpftime::ubpf {
namespace {

// One byte each, 2 more for a wide immediate, 4 more for a wide displacement.
const CostModel& simple_costs() {
    static const CostModel kModel = {
        .insns = CostModel::table([](const OpInfo& row) { return CostModel::Row{static_cast<std::uint8_t>(row.family != Family::High), 2, 4}; }),
        .tail_call = 50,
        .prologue = 100,
        .loop_head = 10,
        .helper_table = 1000};
    return kModel;
}

Plan plan_of(std::string_view text) {
    Plan plan;
    make_plan(test::make(text), simple_costs(), plan);
    return plan;
}

RegMask mask(std::initializer_list<int> regs) {
    RegMask m = 0;
    for (const int r : regs) m |= bit(r);
    return m;
}

TEST_CASE("a register lives from its write to its last read") {
    const Plan plan = plan_of("r3 = r1\n r3 += r2\n r0 = r3\n exit\n");
    CHECK(plan.slots[0].live == mask({1, 2}));
    CHECK(plan.slots[1].live == mask({2, 3}));
    CHECK(plan.slots[2].live == mask({3}));
    CHECK(plan.slots[3].live == mask({0}));
}

TEST_CASE("what either way needs is live before a jump") {
    const Plan plan = plan_of("if r1 == 0 goto other\n r0 = r3\n exit\n other: r0 = r4\n exit\n");
    CHECK(plan.slots[0].live == mask({1, 3, 4}));
    CHECK(plan.slots[1].live == mask({3}));
    CHECK(plan.slots[3].marks == kTarget);
}

TEST_CASE("a loop keeps alive what its next round reads, and no more") {
    const Plan plan = plan_of("r0 = 0\n r3 = 9\n loop: r4 = r3\n r0 += r4\n r3 += -1\n if r3 != 0 goto loop\n exit\n");
    CHECK(plan.slots[2].live == mask({0, 3}));
    CHECK(plan.slots[5].live == mask({0, 3}));
    CHECK(plan.slots[0].live == 0);
    CHECK(plan.slots[2].marks == (kTarget | kLoopHead));
}

TEST_CASE("nested loops settle") {
    const Plan plan = plan_of("r0 = 0\n r6 = 3\n outer: r7 = 4\n inner: r0 += r8\n r7 += -1\n if r7 != 0 goto inner\n r6 += -1\n"
                              " if r6 != 0 goto outer\n r0 += r9\n exit\n");
    CHECK(plan.slots[3].live == mask({0, 6, 7, 8, 9}));
    CHECK(plan.slots[0].live == mask({8, 9}));
}

TEST_CASE("loops that do not settle soon are taken to need everything") {
    // Each jump back carries a need one block up, against the order of the walk: more walks than anyone waits for.
    std::string text = "goto b0\n";
    for (int i = 0; i < 20; ++i) text += cat("b", i, ": if r1 == ", i, " goto b", i + 1, "\n goto b", i == 0 ? 0 : i - 1, "\n");
    text += "b20: r0 = r5\n if r1 == 99 goto b19\n exit\n";
    const Plan plan = plan_of(text);
    for (const SlotPlan& slot : plan.slots)
        if (&slot != &plan.slots.back() && &slot != &plan.slots[plan.slots.size() - 2]) CHECK((slot.live & bit(5)) != 0);
}

TEST_CASE("calls read their arguments and leave r1 to r5 dead") {
    const Plan helper = plan_of("call 1\n exit\n");  // map_lookup_elem(map, key)
    CHECK(helper.slots[0].live == mask({1, 2}));
    const Plan ahead = plan_of("call sub\n exit\n sub: r0 = r1\n exit\n");
    CHECK(ahead.slots[0].live == mask({1}));
    const Plan behind = plan_of("call b\n exit\n a: r0 = r1\n exit\n b: r6 = r1\n call a\n exit\n");
    CHECK(behind.slots[5].live == kArguments);
    const Plan by_number = plan_of("callx r6\n exit\n");
    CHECK(by_number.slots[0].live == (kArguments | bit(6)));
    CHECK(by_number.call_reg);
}

TEST_CASE("atomics read and write what they exchange") {
    CHECK(plan_of("lock *(u64 *)(r1 + 0) += r2\n r0 = r2\n exit\n").slots[0].live == mask({1, 2}));
    CHECK(plan_of("r2 = atomic_fetch_add((u64 *)(r1 + 0), r2)\n r0 = r2\n exit\n").slots[0].live == mask({1, 2}));
    CHECK(plan_of("r0 = cmpxchg_64(r1 + 0, r0, r2)\n exit\n").slots[0].live == mask({0, 1, 2}));
}

TEST_CASE("each subprogram's frame is what it uses") {
    const Plan plan = plan_of("r6 = 1\n call leaf\n r0 = r6\n exit\n leaf: *(u64 *)(r10 - 8) = 1\n may_goto +0\n r0 = 0\n exit\n");
    CHECK(plan.subs[0].written == (mask({6}) | kScratch));
    CHECK_FALSE(plan.subs[0].frame);
    CHECK(plan.subs[0].calls);
    CHECK_FALSE(plan.subs[0].may_goto);
    CHECK(plan.subs[1].written == mask({0}));
    CHECK(plan.subs[1].frame);
    CHECK_FALSE(plan.subs[1].calls);
    CHECK(plan.subs[1].may_goto);
    CHECK_FALSE(plan.tail_calls);
    const Plan tail = plan_of("call 12\n r0 = 0\n exit\n");
    CHECK(tail.tail_calls);
    CHECK(plan_of("call sub\n exit\n sub: call 12\n r0 = 0\n exit\n").tail_calls);
}

TEST_CASE("room counts every byte up to the end") {
    const Plan plan = plan_of("r0 = 100 ll\n loop: r0 += 1\n if r0 != 9 goto loop\n exit\n");
    CHECK(plan.slots[4].room == 1);
    CHECK(plan.slots[2].room == 3);
    CHECK(plan.slots[0].room == 3 + 10 + 1);  // the loop head's padding lies before it
    CHECK(plan.capacity == 14 + 100);
    CHECK(plan_of("r0 = 200\n r1 = *(u8 *)(r10 - 200)\n exit\n").capacity == 3 + 2 + 4 + 100);
    CHECK(plan_of("call 12\n exit\n").capacity == 2 + 50 + 100);
    CHECK(plan_of("callx r1\n exit\n").capacity == 2 + 100 + 1000);
}

}  // namespace
}  // namespace bpftime::ubpf
