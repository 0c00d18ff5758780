# The first line and the exit status of each mistake; the help below it is CLI11's.
. "$(dirname "$0")/common.inc"
bpftimetool import "$registry" >/dev/null
mistake() {
    printf '$ %s\n' "$*"
    "$@" >out 2>err
    printf '[exit %d]\n' $?
    head -n 1 err
    grep -q '^Usage: bpftimetool' err && echo '(and the help)'
    [ -s out ] && echo 'printed to standard output'
}
mistake bpftimetool
mistake bpftimetool prog dump id 1
mistake bpftimetool prog show number 1
mistake bpftimetool prog show id one
mistake bpftimetool map lookup id 1
mistake bpftimetool map lookup id 1 key 1 2
mistake bpftimetool map lookup id 1 key 1 0 0 256
mistake bpftimetool map update id 1 key 1 0 0 0
mistake bpftimetool map update id 1 key 1 0 0 0 value 1 0 0 0 0 0 0 0 sometimes
mistake bpftimetool run 2
mistake bpftimetool run x y
mistake bpftimetool run 2 out type FAST
mistake bpftimetool run 2 out repeat 0
mistake bpftimetool import
mistake bpftimetool remove all
t bpftimetool prog show id 9
t bpftimetool map show name nothing
t bpftimetool map show pinned /sys/fs/bpf/bpftimetool/program_2
for command in prog map link btf run export import remove; do bpftimetool $command --help | grep -c "^Usage: bpftimetool $command"; done
t bpftimetool --version
