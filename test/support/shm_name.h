// A name for a shared registry of a test's own; what was made under it is removed at the end.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "vm/core/result.h"

namespace bpftime::test {

class ShmName {
public:
    ShmName() : name_(cat("bpftime-test-", getpid(), '-', next())) {}
    ShmName(const ShmName&) = delete;
    ShmName& operator=(const ShmName&) = delete;
    ~ShmName() {
        std::error_code ignored;
        if (getpid() == owner_) std::filesystem::remove_all(path(), ignored);
    }

    const std::string& name() const { return name_; }
    std::string path() const { return cat("/dev/shm/", name_, '.', geteuid()); }

private:
    static int next() {
        static int count = 0;
        return ++count;
    }

    std::string name_;
    pid_t owner_ = getpid();
};

}  // namespace bpftime::test
