// libbpftime: errors and registries.
#include "runtime/api/handles.h"
#include "runtime/registry/local_registry.h"
#include "runtime/registry/shared_registry.h"

namespace bpftime::api {

namespace {

thread_local std::string last_error;

}  // namespace

int report(const Error& error) noexcept {
    try {
        last_error = error.cause.empty() ? std::strerror(error.errnum) : to_string(error);
    } catch (...) {
        last_error.clear();
    }
    errno = error.errnum;
    return -error.errnum;
}

}  // namespace bpftime::api

using namespace bpftime;
using namespace bpftime::api;

const char* bpftime_version(void) { return BPFTIME_VERSION; }

const char* bpftime_error(void) { return last_error.c_str(); }

int bpftime_registry_private(bpftime_registry** registry) {
    return guarded([&]() -> Status {
        BPFTIME_CHECK(needed({registry}));
        *registry = new bpftime_registry{std::make_shared<LocalRegistry>()};
        return {};
    });
}

int bpftime_registry_open(const char* name, std::uint32_t flags, bpftime_registry** registry) {
    return guarded([&]() -> Status {
        BPFTIME_CHECK(needed({registry}));
        if ((flags & ~BPFTIME_CREATE) != 0) return fail(failure("unknown flags ", hex(flags)));
        const auto how = (flags & BPFTIME_CREATE) != 0 ? ShmDirectory::Open::Create : ShmDirectory::Open::Existing;
        *registry = new bpftime_registry{BPFTIME_TRY(SharedRegistry::open(how, name == nullptr ? "" : name))};
        return {};
    });
}

void bpftime_registry_close(bpftime_registry* registry) { delete registry; }
