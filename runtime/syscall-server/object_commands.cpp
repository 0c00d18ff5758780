// Objects by descriptor, id and path; what is known of them; bindings.
#include <algorithm>
#include <climits>
#include <cstring>

#include "runtime/syscall-server/info_answer.h"
#include "runtime/syscall-server/kernel_btf_object.h"
#include "runtime/syscall-server/links.h"
#include "runtime/syscall-server/program_info.h"

namespace bpftime {

namespace {

constexpr std::size_t kMaxPath = 4096;

Result<long> next_id(BpfSession& session, bpf_attr& attr, ObjectKind kind) {
    if (attr.start_id >= INT_MAX) return fail(failure("no ", kind_name(kind), " has such an id"));
    const auto id = session.registry.next_id(kind, attr.start_id);
    if (!id) return fail(failure("there is no further ", kind_name(kind)).with_errno(ENOENT));
    attr.next_id = *id;
    return 0;
}

Result<long> fd_by_id(BpfSession& session, ObjectKind kind, std::uint32_t id) {
    const auto object = BPFTIME_TRY(session.registry.by_id(kind, id));
    return BPFTIME_TRY(session.registry.open(*object));
}

void copy_name(char (&field)[16], const std::string& name) {
    std::memcpy(field, name.data(), std::min(name.size(), sizeof(field) - 1));
}

bpf_map_info describe(const MapObject& map) {
    bpf_map_info info{};
    info.type = map.spec.type;
    info.id = map.id;
    info.key_size = map.spec.key_size;
    info.value_size = map.spec.value_size;
    info.max_entries = map.spec.max_entries;
    info.map_flags = map.spec.flags;
    copy_name(info.name, map.spec.name);
    info.btf_id = map.btf ? map.btf->id : 0;
    info.btf_key_type_id = map.key_type;
    info.btf_value_type_id = map.value_type;
    info.map_extra = map.spec.extra;
    return info;
}

Result<bpf_btf_info> describe(const BtfObject& btf, const bpf_btf_info& asked) {
    bpf_btf_info info = asked;
    info.id = btf.id;
    BPFTIME_CHECK(offer<std::uint8_t>(asked.btf, info.btf_size, btf.bytes));
    info.kernel_btf = 0;
    if ((asked.name == 0) != (asked.name_len == 0)) return fail(failure("room for the name needs address and size"));
    if (asked.name != 0) BPFTIME_CHECK(write_user(asked.name, Bytes{0}));  // BTF of applications has none
    info.name_len = 0;
    return info;
}

// A private registry has what was loaded into it and nothing else.
bool offers_kernel_btf(const BpfSession& session) { return session.registry.is_shared() && has_kernel_btf(); }

}  // namespace

Result<long> program_next_id(BpfSession& session, bpf_attr& attr) {
    return next_id(session, attr, ObjectKind::Program);
}
Result<long> map_next_id(BpfSession& session, bpf_attr& attr) { return next_id(session, attr, ObjectKind::Map); }
Result<long> btf_next_id(BpfSession& session, bpf_attr& attr) {
    auto result = next_id(session, attr, ObjectKind::Btf);
    if (result || result.error().errnum != ENOENT || !offers_kernel_btf(session) || attr.start_id >= kKernelBtfId) return result;
    attr.next_id = kKernelBtfId;
    return 0;
}

Result<long> link_next_id(BpfSession& session, bpf_attr& attr) { return next_id(session, attr, ObjectKind::Link); }

Result<long> program_fd_by_id(BpfSession& session, bpf_attr& attr) {
    return fd_by_id(session, ObjectKind::Program, attr.prog_id);
}
Result<long> map_fd_by_id(BpfSession& session, bpf_attr& attr) {
    return fd_by_id(session, ObjectKind::Map, attr.map_id);
}
Result<long> btf_fd_by_id(BpfSession& session, bpf_attr& attr) {
    if (attr.btf_id == kKernelBtfId && offers_kernel_btf(session)) return BPFTIME_TRY(open_kernel_btf());
    return fd_by_id(session, ObjectKind::Btf, attr.btf_id);
}

Result<long> link_fd_by_id(BpfSession& session, bpf_attr& attr) {
    return fd_by_id(session, ObjectKind::Link, attr.link_id);
}

Result<long> object_pin(BpfSession& session, bpf_attr& attr) {
    if (attr.file_flags != 0) return fail(failure("OBJ_PIN takes no flags"));
    auto object = BPFTIME_TRY(session.registry.at(static_cast<int>(attr.bpf_fd)));
    if (object->kind() == ObjectKind::PerfEvent) return fail(failure("perf events cannot be pinned"));
    const std::string path = BPFTIME_TRY(read_user_string(attr.pathname, kMaxPath));
    BPFTIME_CHECK(session.registry.pin(path, std::move(object)));
    return 0;
}

Result<long> object_get(BpfSession& session, bpf_attr& attr) {
    if (attr.bpf_fd != 0) return fail(failure("OBJ_GET takes no descriptor"));
    const std::string path = BPFTIME_TRY(read_user_string(attr.pathname, kMaxPath));
    const auto object = BPFTIME_TRY(session.registry.pinned(path));
    return BPFTIME_TRY(session.registry.open(*object));
}

Result<long> object_info(BpfSession& session, bpf_attr& attr) {
    constexpr std::uint32_t kMaxInfo = 4096;
    if (attr.info.info_len > kMaxInfo)
        return fail(failure("the info structure is larger than a page").with_errno(E2BIG));
    const int fd = static_cast<int>(attr.info.bpf_fd);
    if (offers_kernel_btf(session) && is_kernel_btf(fd)) {
        const auto asked = BPFTIME_TRY(asked_info<bpf_btf_info>(attr));
        return answer(attr, BPFTIME_TRY(describe_kernel_btf(fd, asked)));
    }
    const auto object = BPFTIME_TRY(session.registry.at(fd));
    switch (object->kind()) {
        case ObjectKind::Map: {
            BPFTIME_TRY(asked_info<bpf_map_info>(attr));
            return answer(attr, describe(static_cast<const MapObject&>(*object)));
        }
        case ObjectKind::Program: {
            const auto asked = BPFTIME_TRY(asked_info<bpf_prog_info>(attr));
            return answer(attr, BPFTIME_TRY(describe_program(static_cast<const ProgramObject&>(*object), asked)));
        }
        case ObjectKind::Btf: {
            const auto asked = BPFTIME_TRY(asked_info<bpf_btf_info>(attr));
            return answer(attr, BPFTIME_TRY(describe(static_cast<const BtfObject&>(*object), asked)));
        }
        case ObjectKind::Link: return link_info(attr, static_cast<const LinkObject&>(*object));
        case ObjectKind::PerfEvent: break;
    }
    return fail(failure("nothing is known of this object"));
}

Result<long> program_bind_map(BpfSession& session, bpf_attr& attr) {
    if (attr.prog_bind_map.flags != 0) return fail(failure("PROG_BIND_MAP takes no flags"));
    const auto program = BPFTIME_TRY(session.registry.get<ProgramObject>(static_cast<int>(attr.prog_bind_map.prog_fd)));
    auto map = BPFTIME_TRY(session.registry.get<MapObject>(static_cast<int>(attr.prog_bind_map.map_fd)));
    const bool known = std::ranges::find(program->maps, map) != program->maps.end();
    if (!known) BPFTIME_CHECK(session.registry.bind(*program, std::move(map)));
    return 0;
}

}  // namespace bpftime
