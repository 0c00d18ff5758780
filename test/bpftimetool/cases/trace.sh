# What programs print, and who reads it.
. "$(dirname "$0")/common.inc"
line() { sed -E 's/^ +bpftimetool-[0-9]+ +\[[0-9]{3}\] \.{5} +[0-9]+\.[0-9]{6}: /<who and when>: /'; }
t bpftimetool trace-pipe --no-follow
bpftimetool import "$(dirname "$registry")/greet.json" >/dev/null
printf '\007\004' >seven
s bpftimetool run 1 seven
bpftimetool trace-pipe --no-follow | line
s bpftimetool trace-pipe --no-follow
bpftimetool run 1 seven repeat 2 type INTERPRET >/dev/null
bpftimetool trace-pipe --no-follow -j | sed -E 's/"(pid|tgid|cpu|timestamp)":[0-9]+/"\1":0/g'
# Following, until it is told to end.
bpftimetool trace-pipe >followed &
follower=$!
bpftimetool run 1 seven >/dev/null
for _ in $(seq 100); do [ "$(wc -l <followed)" = 2 ] && break; sleep 0.05; done
kill -INT $follower
wait $follower
echo "[exit $?]"
line <followed
# Elsewhere.
BPFTIME_TRACE_OUTPUT=console bpftimetool run 1 seven 2>&1 >/dev/null
BPFTIME_TRACE_OUTPUT=lines bpftimetool run 1 seven >/dev/null
cat lines
t bpftimetool trace-pipe --no-follow
# More than fits: the newest are there, and that others are not.
bpftimetool run 1 seven repeat 10000 >/dev/null
bpftimetool trace-pipe --no-follow | line | sort | uniq -c | awk '/LOST/ { print } $1 > 500 { $1 = "many"; print }'
bpftimetool trace-pipe --no-follow extra >/dev/null 2>&1 || echo "[exit $?]"
