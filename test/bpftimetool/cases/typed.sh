# Values by their types, and the other words of bpftool.
. "$(dirname "$0")/common.inc"
# Mistakes in the words come first, also without a registry.
mistake() { printf '$ %s\n' "$*"; "$@" >out 2>err; printf '[exit %d]\n' $?; head -n 1 err; }
mistake bpftimetool prog dump id 1
mistake bpftimetool map show number 1
mistake bpftimetool run x y
mistake bpftimetool export
mistake bpftimetool export a b
mistake bpftimetool top -n 0
mistake bpftimetool top
mistake bpftimetool prog list
mistake bpftimetool export out.json
ls

bpftimetool import "$registry" >/dev/null
t bpftimetool map update name events key 7 value json '{"pid": 12, "comm": "bash", "state": "BUSY"}'
t bpftimetool map lookup name events key json 7
t bpftimetool map update name events key 7 value json '{"pid": 13}' exist
t bpftimetool map lookup name events key 7 -j
t bpftimetool map update name events key 7 value json '{"pit": 13}'
t bpftimetool map update name events key 7 value json '{"pid": 4294967296}'
t bpftimetool map update name events key 7 value json '{"state": "middle"}'
mistake bpftimetool map update name calls key json 1 value 2
t bpftimetool map update name calls key 1 value 258
t bpftimetool map lookup name calls key 1
mistake bpftimetool map peek name calls
t bpftimetool map pin name calls /sys/fs/bpf/kept
t bpftimetool map pin name calls /sys/fs/bpf/kept
t bpftimetool map show pinned /sys/fs/bpf/kept
t bpftimetool map freeze name calls
t bpftimetool map update name calls key 1 value 5
t bpftimetool prog dump xlated id 1 opcodes | head -n 4
t bpftimetool prog dump xlated id 1 file code.bin
t bpftimetool prog dump jited id 1 file native.bin
stat -c '%n %s' code.bin; [ -s native.bin ] && echo "native.bin has code"
s bpftimetool top -n 2 --interval 0.02
bpftimetool top -n 1 -i 0.02 --json | sed -E 's/"period_s":[0-9.]+/"period_s":0/g'
t bpftimetool map list -j | head -c 60
