#include <sys/random.h>
#include <time.h>

#include "runtime/helpers/functions.h"
#include "runtime/maps/hash_key.h"
#include "runtime/maps/thread_id.h"

namespace bpftime::helpers {

namespace {

struct Generator {
    u64 state = 0;
    std::uint32_t thread = 0;  // whose it is; 0: not seeded. Another after fork, which seeds the child's anew
};
__attribute__((tls_model("initial-exec"))) thread_local constinit Generator generator;

void seed(std::uint32_t thread) {
    if (getrandom(&generator.state, sizeof generator.state, GRND_NONBLOCK) != sizeof generator.state) {
        timespec now{};
        clock_gettime(CLOCK_MONOTONIC, &now);
        generator.state = static_cast<u64>(now.tv_nsec) * thread;
    }
    generator.thread = thread;
}

}  // namespace

// A Weyl sequence folded: every 64-bit state once, no lock. Not for secrets, as the kernel's.
u64 get_prandom_u32(u64, u64, u64, u64, u64) {
    if (const std::uint32_t me = thread_id(); generator.thread != me) seed(me);
    generator.state += 0x9e3779b97f4a7c15u;
    return static_cast<std::uint32_t>(hash_detail::fold(generator.state, generator.state ^ hash_detail::kOdd));
}

}  // namespace bpftime::helpers
