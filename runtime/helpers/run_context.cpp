#include "runtime/helpers/run_context.h"

namespace bpftime {

namespace {

// Initial-exec: never allocated lazily inside a signal handler.
__attribute__((tls_model("initial-exec"))) thread_local constinit RunContext* innermost = nullptr;

}  // namespace

RunContext* current_run_context() { return innermost; }

RunScope::RunScope(RunContext& context) : context_(context) {
    context.outer = innermost;
    context.tail_calls = 0;
    innermost = &context;
}

RunScope::~RunScope() { innermost = context_.outer; }

}  // namespace bpftime
