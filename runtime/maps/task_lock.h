// Locks in memory that processes share, held by a thread's token, so that whoever waits can tell that the holder is
// dead and take over. The processes that share a map must share one pid namespace: a token names a thread in it.
#pragma once

#include <atomic>
#include <cstdint>

namespace bpftime {

// The calling thread: its id in the low 22 bits (the kernel's limit), and above them ten bits of the time it started, 0
// where /proc does not tell. Never 0. The first call of a thread reads /proc.
std::uint32_t task_token();
std::uint32_t make_task_token(std::uint32_t thread);

// True when the token's thread has ended, or its id belongs to another thread by now (told by the time that one
// started; a recycled id passes for the old one in 1 of 1023 cases). A few system calls; errno is kept.
bool task_gone(std::uint32_t token);

// For the `round`th look (1, 2, ...) at what others hold: goes on at once, gives the CPU away, or sleeps for 50
// microseconds, since the holder may need this CPU and have the lower priority. True: it is time for task_gone().
bool wait_for_others(std::uint32_t round);

enum class LockResult : std::uint8_t {
    Free,       // nobody held it
    TakenOver,  // its holder died inside: whatever it did by halves is the caller's to mend
    Mine,       // not locked: the calling thread holds it already, a program run by a signal handler or a probe inside
};

LockResult wait_for_task_word(std::atomic<std::uint32_t>& word, std::uint32_t me);

// Waits for as long as the holder lives.
inline LockResult lock_task_word(std::atomic<std::uint32_t>& word) {
    const std::uint32_t me = task_token();
    std::uint32_t nobody = 0;
    if (word.compare_exchange_strong(nobody, me, std::memory_order_acquire)) return LockResult::Free;
    return nobody == me ? LockResult::Mine : wait_for_task_word(word, me);
}

inline void unlock_task_word(std::atomic<std::uint32_t>& word) { word.store(0, std::memory_order_release); }

// Holds such a word in a scope.
class TaskLock {
public:
    explicit TaskLock(std::atomic<std::uint32_t>& word) : word_(word), result_(lock_task_word(word)) {}
    TaskLock(const TaskLock&) = delete;
    TaskLock& operator=(const TaskLock&) = delete;
    ~TaskLock() {
        if (held()) unlock_task_word(word_);
    }
    bool held() const { return result_ != LockResult::Mine; }
    bool taken_over() const { return result_ == LockResult::TakenOver; }

private:
    std::atomic<std::uint32_t>& word_;
    LockResult result_;
};

}  // namespace bpftime
