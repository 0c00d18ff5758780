// BPF_PROG_TEST_RUN: the handlers of the kinds of program that can be run on data from a system call.
#pragma once

#include "runtime/syscall-server/handlers.h"
#include "runtime/syscall-server/program_runner.h"

namespace bpftime {

// Each checks the attributes that its kind takes, runs the program, and writes the results where the caller wants them
// and into `attr.test`.
Status test_run_xdp(BpfSession& session, ProgramObject& program, bpf_attr& attr);
Status test_run_skb(BpfSession& session, ProgramObject& program, bpf_attr& attr);
Status test_run_raw_tracepoint(BpfSession& session, ProgramObject& program, bpf_attr& attr);
Status test_run_syscall(BpfSession& session, ProgramObject& program, bpf_attr& attr);

}  // namespace bpftime
