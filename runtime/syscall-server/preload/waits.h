// Waiting on output events and ring buffers by epoll and poll. Their descriptors stay readable once a record came,
// whereas a client that has read all records waits for the next: what a wait is about to look at is brought up to date
// before it.
#pragma once

#include <poll.h>
#include <sys/select.h>

namespace bpftime::preload {

// After epoll_ctl() has added `fd` to `epoll`, or taken it out.
void watch(int epoll, int fd);
void unwatch(int epoll, int fd);
// `fd`, perhaps an epoll descriptor, has been closed.
void unwatch_all(int fd);
void unwatch_all(unsigned first, unsigned last);
// Its pages are being mapped, perhaps others than before.
void forget_pages(int fd);

void before_epoll_wait(int epoll);
void before_poll(const pollfd* descriptors, nfds_t count);
void before_select(const fd_set& readers, int count);

// For forking.h.
void lock_waits();
void unlock_waits();

}  // namespace bpftime::preload
