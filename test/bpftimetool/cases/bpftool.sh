# The distribution's bpftool, under the preloaded syscall server, reads the same from the registry as ours.
. "$(dirname "$0")/common.inc"
bpftool=$(PATH=$PATH:/usr/sbin:/sbin command -v bpftool) || { echo "SKIPPED: bpftool is not installed"; exit 77; }
library=$(dirname "$(command -v bpftimetool)")/../lib/libbpftime-syscall-server.so
[ -e "$library" ] || { echo "SKIPPED: $library is not built"; exit 77; }
bpftimetool import "$registry"
theirs() { LD_PRELOAD=$library "$bpftool" "$@" 2>&1; }
both() { # ours does not say what /proc/self/fdinfo does
    if diff <(bpftimetool "$@" 2>&1) <(theirs "$@" | sed 's/  memlock [0-9]*B//'); then echo "same: $*"; else echo "differ: $*"; fi
}
both prog show
both map show id 1
both map show id 2
both map dump id 1
both map lookup id 1 key 1 0 0 0
both prog dump xlated id 2
theirs map update id 1 key 2 0 0 0 value 9 0 0 0 0 0 0 0
t bpftimetool map lookup id 1 key 2 0 0 0
head -c 64 /dev/zero | tr '\0' '\001' >packet
theirs prog run id 2 data_in packet repeat 10 | sed -E 's/[0-9]+/#/g'
theirs btf dump id 1 | tail -n 3
