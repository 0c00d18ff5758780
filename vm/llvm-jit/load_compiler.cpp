// Finds and opens libbpftime-llvm.so: the only door between the project and LLVM.
#include <dlfcn.h>
#include <unistd.h>

#include <climits>
#include <mutex>

#include "vm/llvm-jit/compiler.h"

namespace bpftime {

namespace {

constexpr const char* kLibrary = "libbpftime-llvm.so";
constexpr const char* kSymbol = "bpftime_llvm_compiler";

// Directory of the file that holds this code (an executable or a shared library), with a slash.
std::string own_directory() {
    Dl_info info;
    std::string path;
    if (dladdr(reinterpret_cast<const void*>(&own_directory), &info) != 0 && info.dli_fname != nullptr)
        path = info.dli_fname;
    char buffer[PATH_MAX];
    if (path.find('/') == std::string::npos) {  // the executable, started through PATH
        const ssize_t size = readlink("/proc/self/exe", buffer, sizeof(buffer));
        path = size > 0 ? std::string(buffer, static_cast<std::size_t>(size)) : std::string();
    } else if (realpath(path.c_str(), buffer) != nullptr) {
        path = buffer;
    }
    return path.substr(0, path.rfind('/') + 1);
}

Result<const Compiler*> open_compiler() {
    const std::string directory = own_directory();
    std::string reason;
    for (const std::string& path : {directory + kLibrary, directory + "../lib/" + kLibrary, std::string(kLibrary)}) {
        if (path != kLibrary && access(path.c_str(), F_OK) != 0) continue;
        void* const library = dlopen(path.c_str(), RTLD_LAZY | RTLD_LOCAL);
        if (library == nullptr) {
            reason = dlerror();
            continue;
        }
        auto* const get = reinterpret_cast<const Compiler* (*)()>(dlsym(library, kSymbol));
        if (get != nullptr) return get();
        return fail(failure(path, " is not bpftime's LLVM compiler: it has no symbol ", kSymbol).with_errno(ENOEXEC));
    }
    return fail(
        failure("the LLVM compiler is not available: ", reason)
            .with_hint(cat("install ", kLibrary, " beside this program or in ../lib, and LLVM 19's shared library"))
            .with_errno(ENOENT));
}

}  // namespace

Result<const Compiler*> load_compiler() {
    static std::mutex lock;
    static const Compiler* loaded = nullptr;
    const std::lock_guard guard(lock);
    if (loaded == nullptr) loaded = BPFTIME_TRY(open_compiler());
    return loaded;
}

}  // namespace bpftime
