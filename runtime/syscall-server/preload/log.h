// Why calls were refused, for whoever asks by BPFTIME_LOG_OUTPUT: "console" for stderr, else a file to append to.
// Silent by default: this runs in somebody else's process.
#pragma once

#include <string_view>

#include "vm/core/result.h"

namespace bpftime::preload {

void log_refusal(std::string_view call, const Error& error);

}  // namespace bpftime::preload
