#include "runtime/helpers/guarded_copy.h"

#include <atomic>

namespace bpftime {

namespace {

std::atomic<bool> guarded = false;

}  // namespace

void guard_copies(bool on) { guarded.store(on, std::memory_order_release); }
bool copies_are_guarded() { return guarded.load(std::memory_order_acquire); }

}  // namespace bpftime
