// The control-flow graph of a program for Graphviz.
#pragma once

#include <string>

#include "vm/core/program.h"

namespace bpftime::aot {

// A digraph: one cluster a subprogram, one box a basic block, true and false edges, dotted edges for local calls.
std::string control_flow_graph(const Program& program);

}  // namespace bpftime::aot
