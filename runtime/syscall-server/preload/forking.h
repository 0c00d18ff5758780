// fork(2) of a process whose other threads are in the middle of something of ours.
#pragma once

namespace bpftime::preload {

// From the first call on, fork() waits until no thread holds a lock of ours, so that the child finds them free. (Not in a process
// that makes its child without libc's fork(): there the child leaves the registry alone.)
void survive_forks();

}  // namespace bpftime::preload
