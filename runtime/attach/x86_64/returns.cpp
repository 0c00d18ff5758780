#include "runtime/attach/returns.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "runtime/attach/x86_64/return_code.h"
#include "vm/core/code_chunk.h"

namespace bpftime::attach {

namespace {

using namespace x86_64;

constexpr std::size_t kMostBlocks = 1u << 14;

// What a thread needs for the calls it follows. Threads take blocks over from those that ended.
struct Block {
    std::uint8_t pads[kPads * kPadSize];
    struct Entry {
        std::uint64_t returns_to;  // 0: free. Unwinders read it (return_code.h)
        std::uint64_t slot;        // where on the stack the pad's address stands
    } entries[kPads];
    struct {
        ReturnHandler handler;
        void* place;
    } actions[kPads];
    std::uint64_t common;  // address of the code that all pads jump to
    std::uint32_t top;     // where to look for a free entry first
};
static_assert(sizeof(Block) <= kBlock && offsetof(Block, entries) == kEntries && offsetof(Block, common) == kCommon);

std::uint8_t* blocks = nullptr;  // kMostBlocks of kBlock bytes
CodeChunk* code = nullptr;       // the pads of any block, and behind them the code that all jump to
std::atomic<std::uint32_t> used = 0;
std::atomic<std::uint32_t> owners[kMostBlocks];  // thread ids

__attribute__((tls_model("initial-exec"))) constinit thread_local Block* mine = nullptr;

std::uint32_t thread_id() { return static_cast<std::uint32_t>(syscall(SYS_gettid)); }

bool is_gone(std::uint32_t thread) {
    return syscall(SYS_tgkill, getpid(), thread, 0) != 0 && errno == ESRCH;
}

Block* block_at(std::uint32_t index) { return reinterpret_cast<Block*>(blocks + index * kBlock); }

// The code's pages in front, private memory behind them.
Block* open_block(std::uint32_t index) {
    std::uint8_t* const base = blocks + index * kBlock;
    if (!code->map_again(base, kEntries)) return nullptr;
    if (mmap(base + kEntries, kBlock - kEntries, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
        return nullptr;
    Block* const block = block_at(index);
    block->common = code->address() + kEntries;
    block->top = 1;
    return block;
}

Block* take_block() {
    const int kept = errno;
    const std::uint32_t me = thread_id();
    Block* found = nullptr;
    const std::uint32_t count = std::min<std::uint32_t>(used.load(std::memory_order_acquire), kMostBlocks);
    for (std::uint32_t i = 0; i < count && found == nullptr; ++i) {
        std::uint32_t owner = owners[i].load(std::memory_order_relaxed);
        if (owner != 0 && is_gone(owner) && owners[i].compare_exchange_strong(owner, me)) found = block_at(i);
    }
    if (found == nullptr) {
        const std::uint32_t index = used.fetch_add(1, std::memory_order_relaxed);
        if (index < kMostBlocks) found = open_block(index);
        if (found != nullptr) owners[index].store(me, std::memory_order_release);
        if (index >= kMostBlocks) used.store(kMostBlocks, std::memory_order_relaxed);
    }
    errno = kept;
    return found;
}

std::uint64_t pad_address(const Block* block, std::uint32_t index) {
    return reinterpret_cast<std::uint64_t>(block->pads + index * kPadSize);
}

// Whether the call of an entry is over: its frame was skipped, so that something else is in its slot by now, or the slot is gone.
bool is_stale(const Block* block, std::uint32_t index) {
    const int kept = errno;
    std::uint64_t there = 0;
    const iovec to{&there, sizeof there}, from{reinterpret_cast<void*>(block->entries[index].slot), sizeof there};
    const bool read = process_vm_readv(getpid(), &to, 1, &from, 1, 0) == static_cast<ssize_t>(sizeof there);
    const bool unknown = !read && errno != EFAULT;
    errno = kept;
    return !unknown && (!read || there != pad_address(block, index));
}

// Entry 0 stays free: unwinders look up the byte before a return address.
std::uint32_t free_entry(Block* block) {
    for (std::uint32_t tried = 0, i = block->top; tried < kPads; ++tried, ++i) {
        if (i >= kPads) i = 1;
        if (block->entries[i].returns_to == 0 || is_stale(block, i)) return i;
    }
    return 0;
}

// The return of a call: from the code that all pads jump to.
void returned(pt_regs* registers, void* at) {
    auto* const entry = static_cast<Block::Entry*>(at);
    auto* const block = reinterpret_cast<Block*>(reinterpret_cast<std::uintptr_t>(at) & ~(kBlock - 1));
    const auto index = static_cast<std::uint32_t>(entry - block->entries);
    const auto action = block->actions[index];
    registers->rip = entry->returns_to;
    action.handler(registers, action.place);
    std::atomic_ref(entry->returns_to).store(0, std::memory_order_release);
    block->top = index;
}

// Unwinders of libgcc learn of the pads. Without one in the process nothing unwinds.
void describe_to_unwinder() {
    using Register = void (*)(void*);
    static std::uint8_t frames[kFrameInfo];
    const auto introduce = reinterpret_cast<Register>(dlsym(RTLD_DEFAULT, "__register_frame"));
    if (introduce == nullptr) return;
    write_frame_info(frames, reinterpret_cast<std::uint64_t>(blocks), kMostBlocks * kBlock);
    introduce(frames);
}

Status prepare() {
    void* const reserved = mmap(nullptr, (kMostBlocks + 1) * kBlock, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved == MAP_FAILED) return fail(failure("no addresses are left for return pads").with_errno(ENOMEM));
    auto chunk = BPFTIME_TRY(CodeChunk::map(0, kEntries + kCommonCode));
    BPFTIME_CHECK(chunk.write(0, kEntries + kCommonCode, [](std::uint8_t* out) -> Status {
        for (std::uint32_t i = 0; i < kPads; ++i) write_pad(out + i * kPadSize, i);
        write_common(out + kEntries, returned);
        return {};
    }));
    code = new CodeChunk(std::move(chunk));
    const std::uintptr_t base = (reinterpret_cast<std::uintptr_t>(reserved) + kBlock - 1) & ~(kBlock - 1);
    blocks = reinterpret_cast<std::uint8_t*>(base);
    describe_to_unwinder();
    return {};
}

}  // namespace

Status prepare_returns() {
    static const Status done = prepare();
    return done;
}

bool on_return(const pt_regs* registers, ReturnHandler handler, void* place) {
    if (mine == nullptr && blocks != nullptr) mine = take_block();
    Block* const block = mine;
    const std::uint32_t index = block != nullptr ? free_entry(block) : 0;
    if (index == 0) return false;
    auto& slot = *reinterpret_cast<std::uint64_t*>(registers->rsp);
    block->actions[index] = {handler, place};
    block->entries[index] = {slot, registers->rsp};
    block->top = index + 1;
    slot = pad_address(block, index);
    return true;
}

std::uint64_t real_return_address(std::uint64_t address) {
    for (;;) {
        const std::uint64_t at = address - reinterpret_cast<std::uint64_t>(blocks);
        if (blocks == nullptr || at >= kMostBlocks * kBlock || at % kBlock >= kEntries || at % kPadSize != 0) return address;
        const Block* const block = block_at(static_cast<std::uint32_t>(at / kBlock));
        address = block->entries[at % kBlock / kPadSize].returns_to;  // of a tail call: another pad
    }
}

}  // namespace bpftime::attach
