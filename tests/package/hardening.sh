#!/bin/sh
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# What a release ships is hardened, and does not know where it was built.
# usage: hardening.sh BUILD-FOLDER SOURCE-FOLDER FORTIFIED [PROGRAM]     FORTIFIED: yes, or no for a build without an optimiser
set -eu
build=$1 source=$2 fortified=$3 program=${4:-}
lib=$(find "$build" -maxdepth 1 -type f -name "libtenon.so.*.*.*")
passed=0 failed=0
check() { # WHAT COMMAND...
    what=$1
    shift
    if "$@"; then passed=$((passed + 1)); else echo "FAILED: $what"; failed=$((failed + 1)); fi
}
holds() { readelf -W "$1" "$2" | grep -qE "$3"; }
lacks() { ! readelf -W "$1" "$2" | grep -qE "$3"; }
pathless() { ! LC_ALL=C grep -aqF -e "$source/" -e "$build/" "$1"; }

for f in "$lib" $program; do
    name=$(basename "$f")
    check "$name: relocations are read-only" holds -l "$f" GNU_RELRO
    check "$name: everything is bound at the start" holds -d "$f" 'BIND_NOW|FLAGS.* NOW'
    check "$name: the stack is not executable" holds -l "$f" 'GNU_STACK.* RW +0x'
    check "$name: no segment is writable and executable" lacks -l "$f" ' RWE '
    check "$name: relocations do not touch code" lacks -d "$f" TEXTREL
    check "$name: stacks are guarded" holds -s "$f" __stack_chk_fail
    [ "$fortified" != yes ] || check "$name: library calls are fortified" holds -s "$f" '__[a-z]+_chk'
    check "$name: no folder of the build is in it" pathless "$f"
    check "$name: no search path for libraries is in it" lacks -d "$f" 'R(UN)?PATH'
done
[ -z "$program" ] || check 'the program is position independent' holds -h "$program" 'Type: +DYN'
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
