#!/usr/bin/env bash
# clients.sh USER LIBRARY WITHOUT_BPF HOLDER OBJECT CLIENT: an unmodified program of the distribution under the syscall server.
#   USER    root     as root
#           plain    as a user without privileges
#           without  as root on a kernel without bpf(2) and perf_event_open(2), by a seccomp filter
#   CLIENT  a tool of libbpf-tools, "bpftool", "bpftrace", or "loaders" for several of them at once
# The tool has to get as far as waiting for events; what it made is then looked at from another process.
set -um -o pipefail # jobs of their own groups: SIGINT is not ignored in them
user=$1 library=$2 without=$3 holder=$4 object=$5 client=$6
export PATH=$PATH:/usr/sbin:/sbin

skip() { echo "SKIPPED: $*"; exit 77; }
fail() { echo "FAILED: $*"; [ ! -f "${output:-}" ] || sed 's/^/    /' "$output"; exit 1; }

declare -A package=([bpftool]=bpftool [bpftrace]=bpftrace) needed=([loaders]="bpftool opensnoop syscount")
for command in ${needed[$client]:-$client}; do
    command -v "$command" >/dev/null || skip "$command is not installed (package ${package[$command]:-libbpf-tools})"
done

work=$(mktemp -d)
export BPFTIME_GLOBAL_SHM_NAME=bpftime-e2e-$$ BPFTIME_LOG_OUTPUT=$work/log
running=()
cleanup() {
    for pid in "${running[@]}"; do { kill -9 -- "-$pid" && wait "$pid"; } 2>/dev/null; done
    rm -rf "$work" /dev/shm/$BPFTIME_GLOBAL_SHM_NAME.*
}
trap cleanup EXIT
cp "$library" "$work/server.so" && cp "$without" "$holder" "$object" "$work/"
chmod -R a+rX "$work" && chmod 1777 "$work"
cd "$work" || exit 1
output=$work/output

as=()
case $user in
    root) [ "$(id -u)" = 0 ] || skip "needs root" ;;
    plain) [ "$(id -u)" != 0 ] || as=(setpriv --reuid 65534 --regid 65534 --clear-groups) ;;
    without)
        [ "$(id -u)" = 0 ] || skip "needs root"
        as=("./$(basename "$without")")
        "${as[@]}" true || skip "seccomp filters cannot be installed here"
        ;;
    *) echo "unknown user $user"; exit 2 ;;
esac
"${as[@]}" test -w /dev/shm || skip "user $user cannot write to /dev/shm here"

captured() { "${as[@]}" env LD_PRELOAD="$work/server.so" "$@"; }

# await WHAT COMMAND…: until the command succeeds, for at most 20 s, while the last program that was started runs.
await() {
    local what=$1
    shift
    for ((i = 0; i < 200; ++i)); do
        "$@" && return 0
        kill -0 "${running[-1]}" 2>/dev/null || fail "it ended before $what"
        sleep 0.1
    done
    fail "$what did not happen"
}

# start COMMAND…: in the background, its output collected.
start() {
    "${as[@]}" env LD_PRELOAD="$work/server.so" "$@" >"$output" 2>&1 </dev/null & # not by a function: its pid is the tool's
    running+=($!)
}

# A process of this user's, to be traced.
victim() {
    "${as[@]}" sleep 60 </dev/null >/dev/null &
    running+=($!)
    sleep 0.2 # it has become what it is
}

# How many objects of a kind there are.
count() { ls /dev/shm/$BPFTIME_GLOBAL_SHM_NAME.* 2>/dev/null | grep -cE "^($1)\.[0-9]+$"; }
at_least() { [ "$(count "$1")" -ge "$2" ]; }

# Until it ends: bpftrace does not notice a signal that comes while it is not asleep.
interrupt() {
    for ((i = 0; i < 150; ++i)); do
        ((i % 30)) || kill -INT "${running[-1]}" 2>/dev/null
        kill -0 "${running[-1]}" 2>/dev/null || return 0
        sleep 0.1
    done
    fail "$1 does not end"
}

# A tool that has attached LINKS links (or events), and says nothing of an error, still runs a second later and ends when it is told to.
tool() {
    local kind=$1 links=$2
    shift 2
    start "$@"
    await "its programs were attached" at_least "$kind" "$links"
    sleep 1
    kill -0 "${running[-1]}" 2>/dev/null || fail "$1 does not wait for events"
    ! grep -iE 'fail|error|cannot|not permitted|invalid' "$output" || fail "$1 complains"
    echo "$1: $(count program) programs, $(count map) maps, $(count link) links, $(count event) events"
    interrupt "$1"
    ! grep -iE 'fail|error|cannot|not permitted|invalid' "$output" || fail "$1 complains at its end"
}

# shows PATTERN COMMAND…: bpftool prints a line like PATTERN.
shows() {
    local pattern=$1
    shift
    captured "$@" >"$output" 2>&1 || fail "$* ends with an error"
    grep -qE -- "$pattern" "$output" || fail "$* does not show '$pattern'"
    ! grep -iE 'error' "$output" || fail "$* complains"
    echo "$*: $(grep -m1 -E -- "$pattern" "$output" | sed 's/^[[:space:]]*//')"
}

# quietly COMMAND…: bpftool succeeds without a word.
quietly() {
    captured "$@" >"$output" 2>&1 || fail "$* ends with an error"
    [ ! -s "$output" ] || fail "$* says something"
}

bpftool_client() {
    "${as[@]}" env LD_PRELOAD="$work/server.so" "./$(basename "$holder")" "./$(basename "$object")" >"$work/held" 2>&1 < <(sleep 60) &
    running+=($!)
    await "the application was loaded" test -s "$work/held"
    output=$work/held
    grep -q '^loaded$' "$output" || fail "the application did not load"
    output=$work/output
    shows 'name on_call  tag [0-9a-f]{16}  gpl' bpftool prog show
    shows 'kprobe  name on_call' bpftool prog show name on_call
    shows 'hash  name counts  flags 0x0' bpftool map show
    local program map btf constants
    constants=$(captured bpftool map show | sed -n 's/^\([0-9]*\):.*\.rodata .*/\1/p' | head -1)
    shows 'frozen' bpftool map show id "$constants"
    shows '"frozen": ?1' bpftool -j map show id "$constants"
    shows '^\[\]$' bpftool map dump name counts
    quietly bpftool map update name counts key 5 0 0 0 value 7 0 0 0 0 0 0 0
    shows '"value": 7' bpftool map dump name counts
    shows '"value": 7' bpftool map lookup name counts key 5 0 0 0
    quietly bpftool map delete name counts key 5 0 0 0
    shows '^\[\]$' bpftool map dump name counts
    program=$(captured bpftool prog show name on_call | sed -n 's/^\([0-9]*\):.*/\1/p' | head -1)
    map=$(captured bpftool map show name counts | sed -n 's/^\([0-9]*\):.*/\1/p' | head -1)
    btf=$(captured bpftool prog show id "$program" | sed -n 's/.*btf_id \([0-9]*\).*/\1/p' | head -1)
    shows "map\\[id:$map\\]" bpftool prog dump xlated id "$program"
    shows '^\[[0-9]+\] FUNC ' bpftool btf dump id "$btf"
    shows "^$btf: .*size [0-9]+B  prog_ids .*map_ids" bpftool btf show
    quietly bpftool link show
}

# Two loaders and one who only looks, at once: each leaves, and the other's objects stay.
programs() { captured bpftool prog show | sed -n 's/^[0-9]*: [a-z_]*  name \([^ ]*\) .*/\1/p' | sort | tr '\n' ' '; }
expect_programs() {
    local there
    there=$(programs)
    echo "$1: $there"
    [ "$there" = "$2" ] || fail "$1, the programs are not '$2'"
}
loaders_client() {
    local call=tracepoint__syscalls__sys syscount='sys_enter sys_exit '
    local opensnoop="${call}_enter_open ${call}_enter_openat ${call}_exit_open ${call}_exit_openat "
    start syscount -L
    await "syscount was attached" at_least 'link|event' 2
    local first=${running[-1]} files
    files=$(ls /dev/shm/$BPFTIME_GLOBAL_SHM_NAME.* | grep -E '^(map|program|link|event)')
    expect_programs "syscount alone" "$syscount"
    output=$work/second
    start opensnoop
    await "opensnoop was attached" at_least 'link|event' 6
    expect_programs "both" "$syscount$opensnoop"
    kill -9 "${running[-1]}" && wait "${running[-1]}" 2>/dev/null
    expect_programs "opensnoop killed" "$syscount"
    [ "$(ls /dev/shm/$BPFTIME_GLOBAL_SHM_NAME.* | grep -E '^(map|program|link|event)')" = "$files" ] || fail "something was left behind"
    kill -0 "$first" || fail "syscount went with opensnoop"
    start opensnoop
    await "opensnoop was attached again" at_least 'link|event' 6
    kill -INT "$first" && wait "$first" 2>/dev/null
    expect_programs "syscount gone" "$opensnoop"
    kill -INT "${running[-1]}" && wait "${running[-1]}" 2>/dev/null
    expect_programs "both gone" ""
}

bpftrace_client() {
    if [ "$user" = plain ]; then # it insists on a user id of 0, which a namespace of its own gives
        as+=(unshare -Ur)
        "${as[@]}" true 2>/dev/null || skip "bpftrace runs for user id 0 only, and there are no user namespaces here"
    fi
    local libc
    libc=$(ldd "$(command -v cat)" | sed -n 's/.*=> \(.*libc\.so[^ ]*\) .*/\1/p')
    start bpftrace -e "uprobe:$libc:malloc { @ = count(); }"
    await "it says Attaching" grep -q '^Attaching 1 probe' "$output"
    await "its probe was attached" at_least event 1
    sleep 1
    kill -0 "${running[-1]}" 2>/dev/null || fail "bpftrace does not wait for events"
    grep Attaching "$output"
    ! grep -v RLIMIT_MEMLOCK "$output" | grep -iE 'error|failed' || fail "bpftrace complains" # that one is the container's
    interrupt bpftrace
    grep -E '^@' "$output"
    # Types of a tracepoint's arguments, by tracefs.
    captured bpftrace -lv 'tracepoint:syscalls:sys_enter_openat' >"$output" 2>&1 || fail "bpftrace -l ends with an error"
    grep -q 'const char \* filename' "$output" || fail "bpftrace does not list the arguments of a tracepoint"
    output=$work/output2
    start bpftrace -e 'tracepoint:syscalls:sys_enter_openat { @[str(args->filename)] = count(); }'
    await "its tracepoint was attached" at_least event 1
    sleep 1
    ! grep -v RLIMIT_MEMLOCK "$output" | grep -iE 'error|failed' || fail "bpftrace complains"
    grep Attaching "$output"
    interrupt bpftrace
}

case $client in
    bashreadline) tool 'link|event' 1 bashreadline ;;
    funclatency) victim && tool 'link|event' 2 funclatency -p "${running[-1]}" c:malloc ;;
    gethostlatency) tool 'link|event' 6 gethostlatency ;;
    opensnoop) tool 'link|event' 4 opensnoop ;;
    syscount) tool 'link|event' 1 syscount ;;
    memleak) victim && tool 'link|event' 10 memleak -p "${running[-1]}" ;;
    mountsnoop) tool 'link|event' 2 mountsnoop ;;
    bpftool) bpftool_client ;;
    bpftrace) bpftrace_client ;;
    loaders) loaders_client ;;
    *) echo "unknown client $client"; exit 2 ;;
esac
