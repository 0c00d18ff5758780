#include "tools/aot/keys.h"

#include "tools/support/files.h"

namespace bpftime::aot {

namespace {

template <class T>
Result<T> of_file(const std::string& path, Result<T> (*parse)(std::span<const std::uint8_t>)) {
    const tools::Bytes bytes = BPFTIME_TRY(tools::read_file(path));
    Result<T> key = parse(bytes);
    if (key) return key;
    return fail(Error(key.error()).in_file(path));
}

}  // namespace

Result<SigningKey> read_signing_key(const std::string& path) { return of_file(path, parse_signing_key); }

Result<std::vector<std::vector<std::uint8_t>>> read_public_keys(const std::vector<std::string>& paths) {
    std::vector<std::vector<std::uint8_t>> keys;
    for (const std::string& path : paths) keys.push_back(BPFTIME_TRY(of_file(path, parse_public_key)));
    return keys;
}

}  // namespace bpftime::aot
