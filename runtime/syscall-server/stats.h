// Whether programs count their runs and the time these take (BPF_ENABLE_STATS).
#pragma once

namespace bpftime {

// True while a descriptor that ENABLE_STATS gave out is open anywhere. Costs a system call while there is one.
bool stats_enabled();

}  // namespace bpftime
