# The first line and the exit status of each mistake; the help below it is CLI11's, which words it differently from version to version.
mistake() {
    printf '$ %s\n' "$*"
    "$@" >out 2>err
    printf '[exit %d]\n' $?
    head -n 1 err | sed -E 's|^(bpftime-aot: [^:]*).*|\1|'
    grep -q '^Usage: bpftime-aot' err && echo '(and the help)'
    [ -s out ] && echo 'printed to standard output'
}
mistake bpftime-aot
mistake bpftime-aot bild x.o
mistake bpftime-aot build
mistake bpftime-aot build a.o --nonsense
mistake bpftime-aot build a.o --entry 'not a name'
mistake bpftime-aot build a.o -O 9
mistake bpftime-aot run a.o --engine turbo
mistake bpftime-aot run a.o --repeat -1
mistake bpftime-aot run a.o --timeout 0
mistake bpftime-aot disasm a.o --ir --dot
for command in build run inspect disasm helpers keygen; do bpftime-aot $command --help | grep -c "^Usage: bpftime-aot $command"; done
t bpftime-aot --version
