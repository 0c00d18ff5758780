/* What is none of the syscall server's business, and the files that it serves: must be passthrough.txt with and without
 * it, except for the lines on served files, which passthrough "files" prints. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char* name, long result) {
    printf("%-40s %s\n", name, result < 0 ? strerrorname_np(errno) : "ok");
    fflush(stdout);
}

static int say_fd(const char* name, int fd) {
    say(name, fd);
    return fd;
}

static void opens(void) {
    struct stat status;
    umask(0);
    int fd = say_fd("open, create", open("created", O_RDWR | O_CREAT | O_EXCL, 0640));
    say("...with its mode", fstat(fd, &status) == 0 && (status.st_mode & 0777) == 0640 ? 0 : -1);
    say("close", close(fd));
    say("close, again", close(fd));
    say("open, exclusive", open("created", O_RDWR | O_CREAT | O_EXCL, 0640));
    fd = say_fd("open64, create", open64("created64", O_RDWR | O_CREAT, 0604));
    say("...with its mode", fstat(fd, &status) == 0 && (status.st_mode & 0777) == 0604 ? 0 : -1);
    close(fd);
    fd = openat(AT_FDCWD, ".", O_RDWR | O_TMPFILE, 0600);
    say("openat, unnamed", fd >= 0 || errno == EOPNOTSUPP ? 0 : -1);
    if (fd >= 0) close(fd);
    int directory = open(".", O_RDONLY | O_DIRECTORY);
    close(say_fd("openat, relative", openat(directory, "created", O_RDONLY)));
    close(say_fd("openat64, relative", openat64(directory, "created", O_RDONLY)));
    say("openat, no directory", openat(999, "created", O_RDONLY));
    say("faccessat", faccessat(directory, "created", R_OK, 0));
    say("faccessat, absent", faccessat(directory, "absent", R_OK, 0));
    close(directory);
    say("open, absent", open("absent", O_RDONLY));
    say("open, bad address", open((const char*)16, O_RDONLY));
    say("access", access("created", F_OK));
    say("access, absent", access("absent", F_OK));
    say("access, bad address", access((const char*)16, F_OK));
    FILE* file = fopen("created", "w");
    say("fopen", file ? 0 : -1);
    say("fprintf", fprintf(file, "text"));
    fclose(file);
    file = fopen64("created", "r+e");
    say("fopen64", file && fgetc(file) == 't' && (fcntl(fileno(file), F_GETFD) & FD_CLOEXEC) ? 0 : -1);
    fclose(file);
    say("fopen, absent", fopen("absent", "r") ? 0 : -1);
    say("open in sysfs, absent", open("/sys/bus/event_source/devices/uprobe/nothing", O_RDONLY));
    say("access in sysfs, absent", access("/sys/bus/event_source/devices/uprobe/nothing", F_OK));
    unlink("created"), unlink("created64");
}

static void calls(void) {
    char text[] = "six arguments";
    int fd = memfd_create("file", 0), available = 0, ends[2];
    say("write", write(fd, text, sizeof(text)));
    long mapped = syscall(SYS_mmap, NULL, 4096L, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0L);
    say("syscall with six arguments", mapped);
    say("...mapped", strcmp((char*)mapped, text) == 0 ? 0 : -1);
    say("syscall, unknown", syscall(-1L));
    say("syscall, bad descriptor", syscall(SYS_close, 999));
    char *shared = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0),
         *private = mmap64(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    say("mmap, shared", shared != MAP_FAILED && strcmp(shared, text) == 0 ? 0 : -1);
    say("mmap64, private", private != MAP_FAILED && strcmp(private, text) == 0 ? 0 : -1);
    say("mmap, bad descriptor", mmap(NULL, 4096, PROT_READ, MAP_SHARED, 999, 0) == MAP_FAILED ? -1 : 0);
    say("mmap, no memory asked for", mmap(NULL, 0, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
    say("pipe", pipe(ends));
    say("write", write(ends[1], text, 5));
    say("ioctl", ioctl(ends[0], FIONREAD, &available));
    printf("%d bytes\n", available);
    say("ioctl, bad descriptor", ioctl(999, FIONREAD, &available));
    say("ioctl, wrong kind", ioctl(fd, TIOCGWINSZ, &available));
    close(ends[0]), close(ends[1]), close(fd);
    errno = 77;
    int copy = dup(1);
    close(copy);
    say("errno is left alone", errno == 77 ? 0 : -1);
}

/* Children of a process with threads, while these open and close. */
static volatile int stop;
static void* busy(void* argument) {
    while (!stop) {
        int fd = open("/dev/null", O_RDONLY);
        close(fd);
    }
    return argument;
}

static void children(void) {
    pthread_t threads[2];
    for (int i = 0; i < 2; ++i) pthread_create(&threads[i], NULL, busy, NULL);
    int good = 0;
    for (int i = 0; i < 50; ++i) {
        pid_t child = i % 2 ? vfork() : fork();
        if (child == 0) {
            if (i % 2 == 0) close(0);
            execl("/bin/true", "true", NULL);
            _exit(1);
        }
        int status = -1;
        waitpid(child, &status, 0);
        good += status == 0;
    }
    stop = 1;
    for (int i = 0; i < 2; ++i) pthread_join(threads[i], NULL);
    printf("%d of 50 children\n", good);
}

#define SOURCE "/sys/bus/event_source/devices/uprobe/"
#define TRACEFS "/sys/kernel/tracing/events/"

static void say_number(const char* name, FILE* file) {
    long number = -1;
    if (file && fscanf(file, "%ld", &number) != 1) number = -1;
    if (file) fclose(file);
    printf("%-40s %s\n", name, number > 0 ? "a number" : "none");
}

/* Found by way of the real file or of ours. */
static void files(void) {
    char text[32] = "";
    say_number("type of uprobes", fopen(SOURCE "type", "re"));
    FILE* file = fopen(SOURCE "format/retprobe", "r");
    if (file && fgets(text, sizeof(text), file)) printf("retprobe is %s", text);
    say("access to ref_ctr_offset", access(SOURCE "format/ref_ctr_offset", R_OK));
    say("faccessat to ref_ctr_offset", faccessat(AT_FDCWD, SOURCE "format/ref_ctr_offset", F_OK, AT_EACCESS));
    say_number("id of sys_enter_openat", fopen(TRACEFS "syscalls/sys_enter_openat/id", "r"));
    say_number("id of sys_exit_newstat", fopen64(TRACEFS "syscalls/sys_exit_newstat/id", "r"));
    say_number("id of sys_enter", fdopen(open(TRACEFS "raw_syscalls/sys_enter/id", O_RDONLY | O_CLOEXEC), "r"));
    say_number("id of sys_enter, by openat",
               fdopen(openat(AT_FDCWD, TRACEFS "raw_syscalls/sys_enter/id", O_RDONLY), "r"));
    say("format of sys_enter_openat", access(TRACEFS "syscalls/sys_enter_openat/format", F_OK));
    say("sys_enter_openat", access(TRACEFS "syscalls/sys_enter_openat/id", R_OK));
    say_number("no such call", fopen(TRACEFS "syscalls/sys_enter_nothing/id", "r"));
    say_number("no such category", fopen(TRACEFS "nothing/sys_enter_openat/id", "r"));
    say_number("no such file", fopen(TRACEFS "syscalls/sys_enter_openat/nothing", "r"));
    /* Root may open the real one. */
    printf("%-40s %s\n", "written to",
           geteuid() != 0 && open(TRACEFS "syscalls/sys_enter_openat/id", O_WRONLY) >= 0 ? "ok" : "refused");
    printf("%-40s %s\n", "executed", access(SOURCE "type", X_OK) < 0 ? "refused" : "ok");
}

int main(int argc, char** argv) {
    if (argc > 1 && strcmp(argv[1], "files") == 0) return files(), 0;
    opens();
    calls();
    /* The same with an object in this process, or a refusal, which is as good: any descriptor may from now on be one.
     */
    unsigned map[18] = {2 /* array */, 4, 4, 1};
    int object = (int)syscall(SYS_bpf, 0 /* MAP_CREATE */, map, sizeof(map));
    opens();
    calls();
    children();
    if (object >= 0) close(object);
    return 0;
}
