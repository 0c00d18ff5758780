#include "runtime/syscall-server/bpf_call.h"

#include <algorithm>
#include <cstring>

#include "runtime/syscall-server/handlers.h"
#include "runtime/syscall-server/link_uapi.h"
#include "runtime/syscall-server/user_memory.h"

namespace bpftime {

namespace {

constexpr unsigned kMaxAttributes = 4096;  // one page, as the kernel

struct Command {
    int number;
    std::string_view name;
    Result<long> (*handler)(BpfSession&, bpf_attr&);  // null: refused with `refusal`
    std::size_t used;                                 // bytes of the attributes that the command takes
    int refusal;
};

constexpr Command kCommands[] = {
#define BPF_COMMAND(number, NAME, handler, last) \
    {number, #NAME, handler, offsetof(bpf_attr, last) + sizeof(static_cast<bpf_attr*>(nullptr)->last), 0},
#define BPF_COMMAND_OF_SIZE(number, NAME, handler, size) {number, #NAME, handler, size, 0},
#define BPF_REFUSED(number, NAME, refusal) {number, #NAME, nullptr, sizeof(bpf_attr), refusal},
#include "runtime/syscall-server/bpf_commands.def"
};

const Command* find_command(int number) {
    const auto* row = std::ranges::find(kCommands, number, &Command::number);
    return row == std::end(kCommands) ? nullptr : row;
}

bool all_zero(ByteView bytes) {
    return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

Result<long> carry_out(BpfSession& session, const Command& command, std::uint64_t address, unsigned size) {
    if (size > kMaxAttributes) return fail(failure("the attributes are larger than a page").with_errno(E2BIG));
    Bytes bytes(std::max<std::size_t>(size, sizeof(bpf_attr)));
    BPFTIME_CHECK(read_user(address, std::span(bytes).first(size)));
    if (!all_zero(ByteView(bytes).subspan(sizeof(bpf_attr))))
        return fail(failure("the attributes have fields that are unknown here").with_errno(E2BIG));
    if (command.handler == nullptr)
        return fail(
            failure("bpf command ", command.name, " is not available in userspace").with_errno(command.refusal));
    if (!all_zero(ByteView(bytes).subspan(command.used)))
        return fail(failure("bpf command ", command.name, " does not take some of the attributes"));
    bpf_attr attr;
    std::memcpy(&attr, bytes.data(), sizeof(attr));
    const bpf_attr before = attr;
    Result<long> result = command.handler(session, attr);
    // Failed commands report too: how many elements of a batch were done.
    const std::size_t known = std::min<std::size_t>(size, sizeof(attr));
    if (std::memcmp(&before, &attr, known) != 0)
        BPFTIME_CHECK(write_user(address, ByteView(reinterpret_cast<const std::uint8_t*>(&attr), known)));
    return result;
}

}  // namespace

long bpf_call(BpfSession& session, int number, void* attr, unsigned size) {
    session.error.reset();
    const Command* command = find_command(number);
    if (command == nullptr) {
        session.error = failure("bpf command ", number, " is unknown");
        return -EINVAL;
    }
    auto result = carry_out(session, *command, reinterpret_cast<std::uintptr_t>(attr), size);
    if (result) return *result;
    session.error = std::move(result).error();
    return -session.error->errnum;
}

std::string_view bpf_command_name(int number) {
    const Command* command = find_command(number);
    return command == nullptr ? std::string_view() : command->name;
}

}  // namespace bpftime
