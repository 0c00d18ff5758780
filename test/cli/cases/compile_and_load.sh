# A libbpf application is captured; its programs are compiled in shared memory and an object is loaded back.
[ -x "$build/test/preload-holder" ] || { echo "SKIPPED: the syscall server's tests are not built"; exit 77; }
registry() { ls /dev/shm/"$BPFTIME_GLOBAL_SHM_NAME".*; }

t bpftime-aot compile
t bpftime-aot compile 1
t bpftime-aot load missing.o 1
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
bpftime-aot load out/enter.o "$leave" 2>&1 | numbered
t bpftime-aot load out/enter.o 4000000
mistake() { printf '$ %s\n' "$*"; "$@" 2>err; echo "[exit $?]"; head -n 1 err; grep -o '^Usage: bpftime-aot [a-z]*' err; }
mistake bpftime-aot load out/enter.o first
mistake bpftime-aot load out/enter.o -1
mistake bpftime-aot compile "$enter" first | numbered
bpftime-aot compile "$enter" "$enter" -o out | wc -l
head -c 200 out/enter.o >damaged.o
code() { sha256sum /dev/shm/"$BPFTIME_GLOBAL_SHM_NAME".*/program."$enter".code; }
before=$(code)
bpftime-aot load damaged.o "$enter" 2>&1 | numbered
echo 'uint64_t bpf_main(void *ctx, uint64_t size) { return 1; }' | gcc -include stdint.h -O2 -x c -c - -o by_hand.o
bpftime-aot load by_hand.o "$enter" 2>&1 | numbered
bpftime-aot load "$bpf/cli-pair.bpf.o" "$enter" 2>&1 | numbered
bpftime-aot load missing.o "$enter"
[ "$before" = "$(code)" ] && echo "the code is as before"
mistake bpftime-aot load damaged.o

exec 3>&-
wait
t bpftime-aot compile
registry
