// Key files of signatures: what keygen writes.
#pragma once

#include <string>
#include <vector>

#include "vm/linker/metadata.h"

namespace bpftime::aot {

Result<SigningKey> read_signing_key(const std::string& path);
Result<std::vector<std::vector<std::uint8_t>>> read_public_keys(const std::vector<std::string>& paths);

}  // namespace bpftime::aot
