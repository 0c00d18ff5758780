# A libbpf application is captured; its programs are compiled in shared memory and an object is loaded back.
[ -x "$build/test/preload-holder" ] || { echo "SKIPPED: the syscall server's tests are not built"; exit 77; }
registry() { ls /dev/shm/"$BPFTIME_GLOBAL_SHM_NAME".*; }

t bpftime-aot compile
mkfifo input
LD_PRELOAD=$build/lib/libbpftime-syscall-server.so "$build/test/preload-holder" "$bpf/cli-pair.bpf.o" <input >output &
exec 3>input
until [ -s output ]; do sleep 0.01; done
cat output

read -r enter leave < <(registry | sed -n 's/^program\.//p' | sort -n | tr '\n' ' ')
numbered() { sed -E "s/\b$enter\b/<enter>/g; s/\b$leave\b/<leave>/g"; }

bpftime-aot compile -o out | numbered
ls out
registry | grep -c code
bpftime-aot compile "$leave" -o out -e | numbered
bpftime-aot load out/enter.o "$enter" | numbered
bpftime-aot build "$bpf/cli-pair.bpf.o" -o built
bpftime-aot load built/leave.o "$leave" | numbered
bpftime-aot load out/enter.o "$leave"
t bpftime-aot load out/enter.o 4000000
t bpftime-aot load out/enter.o first
head -c 200 out/enter.o >damaged.o
bpftime-aot load damaged.o "$enter"
bpftime-aot load missing.o "$enter"
t bpftime-aot load damaged.o 2>&1 | grep -vE '^$|^ |:$|^Usage|^Make'  # and the help

exec 3>&-
wait
t bpftime-aot compile
registry
