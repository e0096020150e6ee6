#!/bin/sh
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# What the sources may not do, because a host program's locale would change what it means, or because a helper of ours
# says when it fails: numbers from and to text go through base/number.h, words are compared by tn_same_word, and nobody
# sets a locale. Layers look down only, and the library proper knows no library but the C library's.
# usage: sources.sh SOURCE-FOLDER
set -u
cd "$1" || exit 1
report=$(mktemp)
trap 'rm -f "$report"' EXIT
complain() { # WHAT, lines on standard input
    found=$(cat)
    [ -z "$found" ] || printf 'FAILED: %s:\n%s\n' "$1" "$found" >>"$report"
}

grep -nE '(^|[^a-z_])(strto(d|f|ld|l|ll|ul|ull|imax|umax)|ato(f|i|l|ll)|v?[fs]?scanf)(_l)?\(' -r src tools --include='*.[ch]' |
    grep -v '^src/base/number.c:' | complain 'use base/number.h'

grep -nE '(^|[^a-z_])(strn?casecmp|tolower|toupper|strcoll|strxfrm)\(' -r src --include='*.[ch]' |
    complain 'follows the locale; use tn_same_word (base/text.h) or unicode.h'

grep -nE '(setlocale|localeconv|uselocale|newlocale)\(' -r src tools --include='*.[ch]' |
    grep -v '^src/base/number.c:' | complain 'nobody sets a locale'

# A call may span lines: whole statements are looked at. The program's own output (printf) follows the locale of the
# program, which sets none.
find src -name '*.c' ! -path src/base/number.c | sort | xargs awk '
    FNR == 1 { text = "" }
    /^ *(\/\*|\*|#)/ { next }
    {
        if (text == "") line = FNR
        text = text " " $0
        if ($0 !~ /[;{}]$/) next
        if (text ~ /[^_a-z]v?s?n?printf\([^;]*%[-+ #0-9.*]*l?[aefgAEFG][^a-zA-Z]/ && (text ~ /[^_a-z]v?sn?printf\(/ || FILENAME !~ /src\/cli/))
            print FILENAME ":" line ":" text
        text = ""
    }' | complain 'a float printed under the locale of the host; use tn_snprintf'

awk '
    BEGIN { n = split("base tensor kernel graph op format pass analyse engine vision audio cli", order, " "); for (i = 1; i <= n; i++) floor[order[i]] = i }
    match($0, /^#include "[a-z]+\//) {
        split(FILENAME, path, "/"); to = substr($0, RSTART + 10, RLENGTH - 11)
        if (to in floor && floor[to] > floor[path[2]]) print FILENAME ":" FNR ": " $0
    }' $(find src -name '*.[ch]' | sort) | complain 'a lower floor includes a higher one'

# A file is one idea. One of more than 500 lines says in its head why it is one; those that wait to be split are listed.
waiting='src/op/math/matmul.c src/op/quant/qconv.c src/op/quant/qmatmul.c'
for f in $(find src -name '*.[ch]' | sort); do
    case " $waiting " in *" $f "*) continue ;; esac
    [ "$(wc -l <"$f")" -le 500 ] || sed -n 1,12p "$f" | grep -q 'One file:' || echo "$f"
done | complain 'more than 500 lines, and no "One file: ..." in its head'

cat "$report"
failed=$(grep -c '^FAILED' "$report")
if [ "$failed" -gt 0 ]; then
    echo "0 passed, $failed failed, 0 skipped"
    exit 1
fi
echo '6 passed, 0 failed, 0 skipped'
