#include "runtime/syscall-server/handlers.h"
#include "runtime/syscall-server/user_memory.h"

namespace bpftime {

namespace {
constexpr std::uint32_t kMaxBtfBytes = 16u << 20;  // BTF_MAX_SIZE of the kernel
}

Result<long> btf_load(BpfSession& session, bpf_attr& attr) {
    if (attr.btf_size > kMaxBtfBytes) return fail(failure("the BTF is too large").with_errno(E2BIG));
    auto object = std::make_shared<BtfObject>();
    object->bytes.resize(attr.btf_size);
    BPFTIME_CHECK(read_user(attr.btf, object->bytes));
    object->view = BPFTIME_TRY(Btf::parse(object->bytes));
    return BPFTIME_TRY(session.registry.publish(std::move(object)));
}

}  // namespace bpftime
