// What a link or a perf event is attached to, in JSON and in words.
#pragma once

#include "runtime/registry/objects.h"
#include "tools/bpftimetool/json_field.h"

namespace bpftime::tool {

Json probe_json(const ProbeTarget& target);
Result<ProbeTarget> read_probe(const Field& field);

// "uprobe  /usr/lib/libc.so.6+0x8c4f0", "tracepoint  syscalls:sys_enter_openat"; more places are counted.
std::string probe_text(const ProbeTarget& target);

}  // namespace bpftime::tool
