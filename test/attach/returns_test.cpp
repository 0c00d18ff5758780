// Handlers of returns: every return is met once with its registers, and whatever leaves a function otherwise does so as before.
#include "test/catch.h"

#include <execinfo.h>
#include <setjmp.h>
#include <ucontext.h>

#include <atomic>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "test/attach/probe.h"
#include "test/support/options.h"

using namespace bpftime;
using namespace bpftime::attach;
using namespace bpftime::test;

namespace {

// For good: trampolines and pads are.
template <class F>
Probe& probed(F* function) {
    REQUIRE(prepare_returns());
    auto& probe = *new Probe;
    const auto address = reinterpret_cast<std::uintptr_t>(function);
    auto patch = Patch::prepare({.address = address,
                                 .code = {reinterpret_cast<const std::uint8_t*>(address), 64},
                                 .at_entry = true,
                                 .handler = enter_probe,
                                 .place = &probe});
    if (!patch) FAIL(to_string(patch.error()));
    probe.patch = patch->release();
    REQUIRE(probe.patch->enable());
    return probe;
}

#define PROBED [[gnu::noinline, gnu::noipa]]

PROBED std::uint64_t sum_to(std::uint64_t n) {
    volatile std::uint64_t rest = 0;  // no loop in place of the calls
    if (n != 0) rest = sum_to(n - 1);
    return n + rest;
}
PROBED double half(double x) { return x / 2; }
PROBED int throws_if(int what) {
    if (what != 0) throw std::runtime_error(std::to_string(what));
    return 7;
}
PROBED int passes_on(int what) { return throws_if(what) + 1; }
jmp_buf back;
PROBED int jumps_if(int what) {
    if (what != 0) longjmp(back, what);
    return 5;
}
PROBED int tail_callee(int x) { return x * 3; }
PROBED int tail_caller(int x) { return tail_callee(x + 1); }
ucontext_t inside, outside;
PROBED int yields(int x) {
    swapcontext(&inside, &outside);
    return x + 1;
}
int result_inside = 0;
void coroutine() { result_inside = yields(41); }
PROBED int looks_up() {
    void* frames[64];
    return backtrace(frames, 64);
}

}  // namespace

TEST_CASE("a return is met with its result and its caller, however deep") {
    Probe& probe = probed(sum_to);
    CHECK(sum_to(10) == 55);
    CHECK(probe.entries == 11);
    CHECK(probe.returns == 11);
    CHECK(probe.last_result == 55);
    CHECK(probe.dropped == 0);
    // More calls under way than are followed: the others return as they always did.
    CHECK(sum_to(5000) == 5000u * 5001 / 2);
    CHECK(probe.entries == probe.returns + probe.dropped);
    CHECK(probe.returns >= 1000);
    REQUIRE(probe.patch->disable());
}

TEST_CASE("results in vector registers survive") {
    Probe& probe = probed(half);
    CHECK(half(9.0) == 4.5);
    CHECK(probe.returns == 1);
    REQUIRE(probe.patch->disable());
}

TEST_CASE("exceptions pass through frames whose return is followed") {
    Probe& inner = probed(throws_if);
    Probe& outer = probed(passes_on);
    const auto rounds = static_cast<int>(test::test_option("count", 3000));
    int caught = 0;
    for (int i = 1; i <= rounds; ++i) {
        try {
            passes_on(i);
            FAIL("nothing was thrown");
        } catch (const std::runtime_error& error) {
            if (error.what() == std::to_string(i)) ++caught;
        }
    }
    CHECK(caught == rounds);
    CHECK(inner.returns == 0);
    CHECK(passes_on(0) == 8);
    CHECK(inner.returns == 1);
    CHECK(outer.returns == 1);
    CHECK(outer.dropped == 0);
    REQUIRE(inner.patch->disable());
    REQUIRE(outer.patch->disable());
}

TEST_CASE("longjmp skips frames whose return is followed") {
    Probe& probe = probed(jumps_if);
    static int rounds = 0;
    if (setjmp(back) < 5000) jumps_if(++rounds);
    CHECK(jumps_if(0) == 5);
    CHECK(probe.returns == 1);
    CHECK(probe.entries == 5001);
    CHECK(probe.dropped == 0);
    REQUIRE(probe.patch->disable());
}

TEST_CASE("a function that ends in another's call returns for both") {
    Probe& caller = probed(tail_caller);
    Probe& callee = probed(tail_callee);
    CHECK(tail_caller(1) == 6);
    CHECK(caller.returns == 1);
    CHECK(callee.returns == 1);
    CHECK(caller.last_result == 6);
    CHECK(real_return_address(caller.last_ip) == caller.last_ip);
    REQUIRE(caller.patch->disable());
    REQUIRE(callee.patch->disable());
}

TEST_CASE("a coroutine returns in another thread, between calls of others") {
    Probe& probe = probed(yields);
    std::vector<char> stack(64 * 1024);
    getcontext(&inside);
    inside.uc_stack = {stack.data(), 0, stack.size()};
    inside.uc_link = &outside;
    makecontext(&inside, coroutine, 0);
    Probe& other = probed(sum_to);
    swapcontext(&outside, &inside);
    CHECK(probe.entries == 1);
    CHECK(sum_to(3) == 6);
    CHECK(probe.returns == 0);
    std::thread([] { swapcontext(&outside, &inside); }).join();
    CHECK(result_inside == 42);
    CHECK(probe.returns == 1);
    CHECK(other.returns == 4);
    REQUIRE(probe.patch->disable());
    REQUIRE(other.patch->disable());
}

TEST_CASE("a backtrace passes the pads") {
    const int plain = looks_up();
    Probe& probe = probed(looks_up);
    CHECK(looks_up() == plain + 1);  // one frame of no size
    REQUIRE(probe.patch->disable());
}

TEST_CASE("threads come and go") {
    Probe& probe = probed(sum_to);
    for (int round = 0; round < 200; ++round) {
        std::thread a([] { sum_to(5); }), b([] { sum_to(5); });
        a.join(), b.join();
    }
    CHECK(probe.returns == 200 * 2 * 6);
    CHECK(probe.dropped == 0);
    REQUIRE(probe.patch->disable());
}
