#include "runtime/attach/x86_64/traps.h"

#include <sys/mman.h>
#include <ucontext.h>

#include <atomic>
#include <cstring>

namespace bpftime::attach::x86_64 {

namespace {

struct Entry {
    std::atomic<std::uint64_t> address, to;
};

// Open addressing in tables that are chained when full. Pages that nothing is entered in cost nothing.
struct Table {
    static constexpr std::size_t kEntries = 1u << 16;
    static constexpr std::size_t kMost = kEntries / 2;
    Table* next;
    std::size_t used;
    Entry entries[kEntries];
};
std::atomic<Table*> newest = nullptr;

std::size_t hash(std::uint64_t address) { return static_cast<std::size_t>(address * 0x9e3779b97f4a7c15ull >> 48); }

// Its entry, or the free one where it would be.
Entry& entry_of(Table& table, std::uint64_t address) {
    std::size_t at = hash(address) % Table::kEntries;
    for (;; at = (at + 1) % Table::kEntries) {
        const std::uint64_t there = table.entries[at].address.load(std::memory_order_acquire);
        if (there == address || there == 0) return table.entries[at];
    }
}

Entry* find(std::uint64_t address) {
    for (Table* table = newest.load(std::memory_order_acquire); table != nullptr; table = table->next) {
        Entry& entry = entry_of(*table, address);
        if (entry.address.load(std::memory_order_relaxed) == address) return &entry;
    }
    return nullptr;
}

Table* table_with_room() {
    Table* const now = newest.load(std::memory_order_relaxed);
    if (now != nullptr && now->used < Table::kMost) return now;
    void* const pages = mmap(nullptr, sizeof(Table), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED) return nullptr;
    auto* const made = static_cast<Table*>(pages);  // zeros are a table without entries
    made->next = now;
    newest.store(made, std::memory_order_release);
    return made;
}

constexpr int kSignals[] = {SIGTRAP, SIGILL, SIGSEGV};
struct sigaction before[NSIG];

// As the kernel would have delivered it without us.
void pass_on(int signal, siginfo_t* info, void* context) {
    const struct sigaction& old = before[signal];
    if ((old.sa_flags & SA_SIGINFO) != 0) return old.sa_sigaction(signal, info, context);
    if (old.sa_handler != SIG_DFL && old.sa_handler != SIG_IGN) return old.sa_handler(signal);
    if (old.sa_handler == SIG_IGN && info->si_code <= 0) return;  // sent by somebody, and ignored
    // The default: the instruction is executed again, or the signal comes again, with nobody to catch it.
    struct sigaction none {};
    none.sa_handler = SIG_DFL;
    sigaction(signal, &none, nullptr);
    if (info->si_code <= 0 || signal == SIGTRAP) raise(signal);
}

void on_trap(int signal, siginfo_t* info, void* context) {
    if (!handle_trap(signal, context)) pass_on(signal, info, context);
}

}  // namespace

Status redirect_trap(std::uint64_t address, std::uint64_t to) {
    Entry* known = find(address);
    if (known == nullptr) {
        Table* const table = table_with_room();
        if (table == nullptr) return fail(failure("there is no memory for another place").with_errno(ENOMEM));
        known = &entry_of(*table, address);
        ++table->used;
        known->to.store(to, std::memory_order_relaxed);
        known->address.store(address, std::memory_order_release);
        return {};
    }
    known->to.store(to, std::memory_order_release);
    return {};
}

std::uint64_t trap_target(std::uint64_t address) {
    const Entry* const known = find(address);
    return known != nullptr ? known->to.load(std::memory_order_acquire) : 0;
}

bool handle_trap(int signal, void* context) {
    auto& ip = static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP];
    // Behind an int3; the others are reported where they stand.
    const std::uint64_t address = static_cast<std::uint64_t>(ip) - (signal == SIGTRAP ? 1 : 0);
    const std::uint64_t to = trap_target(address);
    if (to == 0) return false;
    ip = static_cast<greg_t>(to);
    return true;
}

Status catch_traps() {
    static const Status done = []() -> Status {
        for (const int signal : kSignals) {
            struct sigaction ours {};
            ours.sa_sigaction = on_trap;
            ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
            if (sigaction(signal, nullptr, &before[signal]) != 0 || sigaction(signal, &ours, nullptr) != 0) {
                const int error = errno;
                return fail(failure("cannot catch signal ", signal, ": ", std::strerror(error)).with_errno(error));
            }
        }
        return {};
    }();
    return done;
}

}  // namespace bpftime::attach::x86_64
