// What /proc/PID/fdinfo/N says of a descriptor of BPF (bpf_*_show_fdinfo() of the kernel).
#pragma once

#include <string>

#include "runtime/registry/objects.h"

namespace bpftime {

// Lines "name:\tvalue\n" behind those that every descriptor has; none for perf events.
std::string fd_info(const BpfObject& object);

// What /proc/PID/fd/N of it is a symbolic link to: "anon_inode:bpf-map".
std::string_view fd_link(const BpfObject& object);

}  // namespace bpftime
