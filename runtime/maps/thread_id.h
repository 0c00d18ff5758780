// The calling thread's and process's ids without a system call each time.
#pragma once

#include <cstdint>

namespace bpftime {

struct TaskIds {
    std::uint32_t process = 0;
    std::uint32_t thread = 0;
};

// Right in forked children too. Between vfork and exec, where the child runs on its parent's memory, the parent's.
TaskIds task_ids();

inline std::uint32_t thread_id() { return task_ids().thread; }

// task_lock.h.
std::uint32_t task_token();

}  // namespace bpftime
