#!/usr/bin/env bash
# documented.sh BIN_DIR CLI.md: every subcommand and every long option that --help names stands in the documentation.
set -uo pipefail
bin=$1 doc=$2
missing=0
words() { # of a help text: subcommands, then long options
    awk '/^Subcommands:/ {on = 1; next} /^[^ ]/ {on = 0} on && /^  [a-z]/ {sub(",.*", "", $1); print $1}' <<<"$1"
}
check() { # TOOL SUBCOMMAND...
    local help option word
    help=$("$bin/$1" "${@:2}" --help) || { echo "$*: --help failed"; missing=1; return; }
    for option in $(grep -oE -- '--[a-z][a-z_-]+' <<<"$help" | sort -u); do
        [ "$option" = --help ] || [ "$option" = --version ] || grep -qF -- "$option" "$doc" || { echo "$*: $option is not in $doc"; missing=1; }
    done
    for word in $(words "$help"); do
        grep -qE "(\`|\| \`|, )(${*:2} ?)?$word\b|^## .*\b$word\b" "$doc" || { echo "$* $word is not in $doc"; missing=1; }
        check "$@" "$word"
    done
}
check bpftime-aot
check bpftimetool
[ $missing = 0 ] && echo "all words are documented"
exit $missing
