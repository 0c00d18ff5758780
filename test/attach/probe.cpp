#include "test/attach/probe.h"

namespace bpftime::test {

namespace {

void left(pt_regs* registers, void* place) {
    auto& probe = *static_cast<Probe*>(place);
    probe.returns.fetch_add(1, std::memory_order_relaxed);
    probe.last_result = registers->rax;
    probe.last_ip = registers->rip;
}

}  // namespace

void enter_probe(pt_regs* registers, void* place) {
    auto& probe = *static_cast<Probe*>(place);
    probe.entries.fetch_add(1, std::memory_order_relaxed);
    if (!attach::on_return(registers, left, place)) probe.dropped.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace bpftime::test
