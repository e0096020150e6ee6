#!/bin/sh
# Runs a build's tests and closes with one line that counts their cases.
# usage: test.sh BUILD [MESON TEST OPTION]...
set -u
build=$1
shift
status=0
meson test -C "$build" --no-rebuild --print-errorlogs "$@" || status=1
log=$build/meson-logs/testlog.txt
[ -f "$log" ] || exit 1
# cmocka counts its cases; a program that ends badly without a failed case (a crash, a time-out) counts as one failure;
# runners of case folders print "N passed, N failed, N skipped" themselves.
awk -v status=$status '
    /\[  PASSED  \] [0-9]+ test/ { gsub(/\033\[[0-9;]*m/, ""); p += $4 }
    /\[  FAILED  \] [0-9]+ test/ { gsub(/\033\[[0-9;]*m/, ""); f += $4 }
    /\[  SKIPPED \] [0-9]+ test/ { gsub(/\033\[[0-9;]*m/, ""); s += $4 }
    /^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { p += $1; f += $3; s += $5 }
    END { if (status && !f) f = 1; printf "%d passed, %d failed, %d skipped\n", p, f, s }' "$log"
exit $status
