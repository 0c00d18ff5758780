#include "runtime/syscall-server/preload/forking.h"

#include <pthread.h>

#include "runtime/syscall-server/preload/captured.h"
#include "runtime/syscall-server/preload/process_registry.h"
#include "runtime/syscall-server/preload/served_files.h"
#include "runtime/syscall-server/preload/waits.h"

namespace bpftime::preload {

namespace {

// Locks in the order in which our functions take them. A signal handler that forks inside one of these has its thread's locks in
// both processes, which both go on to release.
void before() {
    if (!outside()) return;
    lock_waits();
    lock_served_files();
    lock_process_registry();
}

void after() {
    if (!outside()) return;
    unlock_process_registry();
    unlock_served_files();
    unlock_waits();
}

void after_in_child() {
    after();
    own_process_registry();
}

}  // namespace

void survive_forks() { pthread_atfork(before, after, after_in_child); }

}  // namespace bpftime::preload
