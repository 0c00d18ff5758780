// The directory behind a shared registry: who may use it, and what is refused.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "runtime/registry/shm_directory.h"
#include "test/catch.h"
#include "test/support/shm_name.h"

namespace bpftime::test {

namespace {

using How = ShmDirectory::Open;

std::string refusal(const std::string& name, How how = How::Existing) {
    const auto directory = ShmDirectory::open(name, how);
    return directory ? "opened" : to_string(directory.error());
}

int errnum(const std::string& name) {
    const auto directory = ShmDirectory::open(name, How::Existing);
    return directory ? 0 : directory.error().errnum;
}

}  // namespace

TEST_CASE("a registry is made once, private to its user") {
    const ShmName shm;
    CHECK(errnum(shm.name()) == ENOENT);
    const auto first = ShmDirectory::open(shm.name(), How::Create);
    REQUIRE(first);
    CHECK(first->path() == shm.path());
    struct stat status {};
    REQUIRE(stat(shm.path().c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0700);
    REQUIRE(stat((shm.path() + "/control").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    first->control().last_id[0] = 7;
    const auto second = ShmDirectory::open(shm.name(), How::Create);
    REQUIRE(second);
    CHECK(second->control().last_id[0] == 7);
}

TEST_CASE("names that are no file names are refused") {
    for (const char* name : {"../up", "a/b", ".hidden"})
        CHECK(refusal(name, How::Create).find("cannot be the name of a shared-memory registry") != std::string::npos);
}

TEST_CASE("a directory that others can reach or own is refused") {
    const ShmName shm;
    REQUIRE(ShmDirectory::open(shm.name(), How::Create));
    REQUIRE(chmod(shm.path().c_str(), 0755) == 0);
    CHECK(errnum(shm.name()) == EPERM);
    CHECK(refusal(shm.name()).find("can be reached by other users") != std::string::npos);
    REQUIRE(chmod(shm.path().c_str(), 0700) == 0);
    if (geteuid() == 0) {
        REQUIRE(chown(shm.path().c_str(), 65534, 65534) == 0);
        CHECK(refusal(shm.name()).find("belongs to user 65534 and not to you") != std::string::npos);
        REQUIRE(chown(shm.path().c_str(), 0, 0) == 0);
    }
    CHECK(errnum(shm.name()) == 0);
}

TEST_CASE("control pages of another kind, version or length are refused") {
    const ShmName shm;
    REQUIRE(ShmDirectory::open(shm.name(), How::Create));
    const std::string control = shm.path() + "/control";
    {
        const auto directory = ShmDirectory::open(shm.name(), How::Existing);
        directory->control().version = 99;
    }
    CHECK(refusal(shm.name()).find(cat("is of version 99, not ", kShmVersion)) != std::string::npos);
    {
        std::fstream file(control, std::ios::in | std::ios::out | std::ios::binary);
        file << "something else";
    }
    CHECK(refusal(shm.name()).find("is not a registry of bpftime") != std::string::npos);
    REQUIRE(truncate(control.c_str(), 100) == 0);
    CHECK(refusal(shm.name()).find("is truncated") != std::string::npos);
}

TEST_CASE("the limit of a registry's memory holds for all its files together") {
    const ShmName shm;
    setenv("BPFTIME_SHM_MEMORY_MB", "1", 1);
    const auto directory = ShmDirectory::open(shm.name(), How::Create);
    REQUIRE(directory);
    auto most = directory->make_file(768 << 10);
    REQUIRE(most);
    REQUIRE(directory->link(most->get(), "most"));
    CHECK(directory->make_file(512 << 10).error().errnum == ENOMEM);
    CHECK(directory->make_file(128 << 10));
    CHECK(directory->make_file(~0ull).error().errnum == ENOMEM);
    unsetenv("BPFTIME_SHM_MEMORY_MB");
    CHECK(directory->make_file(512 << 10));
}

TEST_CASE("a file is held by descriptions, however they were copied, and can be seized only when nobody does") {
    const ShmName shm;
    const auto directory = ShmDirectory::open(shm.name(), How::Create);
    auto made = directory->make_file(4096);
    REQUIRE(made);
    REQUIRE(directory->link(made->get(), "object"));
    made = directory->open_file("object");
    REQUIRE(made);
    CHECK(directory->name_of(made->get()) == "object");
    CHECK_FALSE(directory->name_of(0));
    REQUIRE(hold(made->get()));
    const auto other = directory->open_file("object");
    REQUIRE(other);
    CHECK_FALSE(is_unheld(other->get()));
    const int copy = dup(made->get());
    *made = Fd();  // closed
    CHECK_FALSE(is_unheld(other->get()));
    close(copy);
    CHECK(is_unheld(other->get()));
    CHECK(seize(other->get()));
    REQUIRE(directory->unlink("object"));
    const auto third = reopen(other->get());
    REQUIRE(third);
    flock(other->get(), LOCK_UN);
    CHECK(hold(third->get()).error().errnum == ENOENT);
}

}  // namespace bpftime::test
