// What the tests of libbpftime share.
#pragma once

#include <bpftime/bpftime.hpp>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "test/catch.h"

namespace test {

inline std::string bytecode(const std::string& name) { return std::string(BPF_OBJECTS "/cli-") + name + ".bpf.o"; }

// The value, or a failed test with the error's sentence.
template <class T>
T need(bpftime::Expected<T> result) {
    INFO((result ? std::string() : result.error().message));
    REQUIRE(result);
    return *std::move(result);
}

// The error's sentence.
template <class T>
std::string refusal(const bpftime::Expected<T>& result, int code) {
    REQUIRE_FALSE(result);
    CHECK(result.error().code == code);
    return result.error().message;
}

inline bpftime::Registry private_registry() { return need(bpftime::Registry::make_private()); }

// A directory that goes with the test.
class Directory {
public:
    Directory() {
        char path[] = "/tmp/bpftime-test-XXXXXX";
        path_ = mkdtemp(path);
    }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    ~Directory() { std::filesystem::remove_all(path_); }
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

// A name for a shared registry, which goes with the test.
class SharedName {
public:
    SharedName() : name_("bpftime-test-api-" + std::to_string(getpid())) {}
    SharedName(const SharedName&) = delete;
    SharedName& operator=(const SharedName&) = delete;
    ~SharedName() {
        std::error_code ignored;
        std::filesystem::remove_all("/dev/shm/" + name_ + "." + std::to_string(geteuid()), ignored);
    }
    const std::string& name() const { return name_; }

private:
    std::string name_;
};

}  // namespace test
