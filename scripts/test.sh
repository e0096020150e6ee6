#!/bin/sh
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# Runs a build's tests and closes with one line that counts their cases. A test file that was not built, a program that
# ran no cases or fewer than tests/floor.txt pins, and a crash behind counted cases are failures.
# usage: test.sh BUILD [MESON TEST OPTION]...
#        test.sh BUILD --pin      writes tests/floor.txt from the last full run
set -u
build=$1
shift
here=$(dirname "$0")
if [ "${1:-}" = --pin ]; then
    exec python3 "$here/count_cases.py" "$build" --pin
fi
status=0
meson test -C "$build" --no-rebuild --print-errorlogs "$@" || status=1
case "$*" in
'') suites=quick,slow ;;
'--suite quick'*) suites=quick ;;
'--suite slow'*) suites=slow ;;
*) suites='' ;; # chosen tests: nothing is said of those that did not run
esac
python3 "$here/count_cases.py" "$build" "$suites" || status=1
exit $status
