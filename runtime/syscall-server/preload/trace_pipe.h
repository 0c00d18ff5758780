// <tracefs>/trace_pipe: what programs of the registry print.
#pragma once

#include <optional>
#include <string_view>

namespace bpftime::preload {

bool is_trace_pipe(std::string_view path);

// The reading end of a pipe of lines, each of which goes to one reader, as the kernel's. A thread of this process fills
// it until the last reader has closed it: the one place where a client's descriptor cannot be the object that is waited
// for.
std::optional<int> open_trace_pipe(int flags);

}  // namespace bpftime::preload
