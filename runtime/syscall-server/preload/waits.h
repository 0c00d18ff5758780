// Waiting on output events and ring buffers by epoll, poll and select. Their descriptors stay readable once a byte is in their pipe:
// what a wait is about to look at is brought up to date before it, and what it told of after it (waiting.h).
#pragma once

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include <cstdint>
#include <span>

namespace bpftime::preload {

// After epoll_ctl() has added `fd` to `epoll`, with what events of it say, or taken it out.
void watch(int epoll, int fd, std::uint64_t data);
void unwatch(int epoll, int fd);
// `fd`, perhaps an epoll descriptor, has been closed.
void unwatch_all(int fd);
void unwatch_all(unsigned first, unsigned last);
// Its pages are being mapped, perhaps others than before.
void forget_pages(int fd);

void before_epoll_wait(int epoll);
void before_poll(const pollfd* descriptors, nfds_t count);
void before_select(const fd_set& readers, int count);
void after_epoll_wait(int epoll, std::span<const epoll_event> events);
void after_poll(const pollfd* descriptors, nfds_t count);
void after_select(const fd_set& readers, int count);

// For forking.h.
void lock_waits();
void unlock_waits();

}  // namespace bpftime::preload
