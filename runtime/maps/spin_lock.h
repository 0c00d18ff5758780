// struct bpf_spin_lock in a map's value: bpf_spin_lock(), bpf_spin_unlock() and BPF_F_LOCK. It holds the token of its
// thread (task_lock.h), so that one whose holder died is taken over.
#pragma once

#include "runtime/maps/cpus.h"
#include "runtime/maps/task_lock.h"

namespace bpftime {

inline constexpr std::uint32_t kSpinLockSize = 4;

// False: the calling thread holds it already.
inline bool spin_lock(void* lock) {
    (void)current_cpu();  // may wait for a run that waits for this lock, so it comes first
    return lock_task_word(*static_cast<std::atomic<std::uint32_t>*>(lock)) != LockResult::Mine;
}

// Only what the calling thread holds.
inline void spin_unlock(void* lock) {
    auto& word = *static_cast<std::atomic<std::uint32_t>*>(lock);
    if (word.load(std::memory_order_relaxed) == task_token()) unlock_task_word(word);
}

}  // namespace bpftime
