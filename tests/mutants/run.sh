#!/bin/sh
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# Makes every mutant of list.txt in a copy of the tree, builds it, and runs the test that must notice. Prints those that it
# does not, those whose words the code no longer holds, and those that do not compile: all are failures. So is a test that
# fails without any mutant.
# usage: run.sh BUILD [--every N] [NAME PREFIX]...
#   works in BUILD/mutants; the copy is built without optimisation, to be quick. --every: a sample, each N-th of the list.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1" && work=$(cd "$1" && pwd)/mutants
shift
every=1
[ "${1:-}" != --every ] || { every=$2; shift 2; }
cases=/usr/share/libonnx-testdata/data
tree=$work/tree build=$work/build
killed=0 line_number=0 survived='' stale='' broken=''

# The copy gets what differs, with new times: what the last mutant left behind is built again.
mkdir -p "$tree"
(cd "$root" && git ls-files -c -o --exclude-standard | while IFS= read -r f; do [ ! -f "$f" ] || echo "$f"; done) | LC_ALL=C sort >"$work/files"
(cd "$tree" && find . -type f | sed 's|^\./||' | LC_ALL=C sort | LC_ALL=C comm -13 "$work/files" - | tr '\n' '\0' | xargs -0 -r rm -f)
while IFS= read -r f; do
    cmp -s "$root/$f" "$tree/$f" || { mkdir -p "$tree/$(dirname "$f")" && cp "$root/$f" "$tree/$f"; } || exit 1
done <"$work/files"
(cd "$tree" && sh scripts/configure.sh "$build" --buildtype=debug -Doptimization=0 -Ddefault_library=static -Dwerror=false) || exit 1

trim() { echo "$1" | sed 's/^ *//; s/ *$//'; }

# What the line says, in name, file, find, put, test; false: it is a comment, or not chosen.
read_line() {
    case $line in '#'* | '') return 1 ;; esac
    name=$(trim "${line%% | *}") rest=${line#* | }
    file=$(trim "${rest%% | *}") rest=${rest#* | }
    find=${rest%% | *} rest=${rest#* | }
    put=${rest%% | *} test=$(trim "${rest#* | }")
    line_number=$((line_number + 1))
    [ $((line_number % every)) -eq 0 ] || return 1
    [ $# -gt 0 ] || return 0
    for prefix in "$@"; do case $name in "$prefix"*) return 0 ;; esac; done
    return 1
}

target() {
    case $1 in
    onnx:*) echo src/tenon ;;
    *) echo "tests/test_$(echo "$1" | tr / _)" ;;
    esac
}

passes() {
    case $1 in
    onnx:*) set -- "$build/src/tenon" test --quiet --tolerances "$root/tests/conformance/tolerances.txt" "$cases"/node/"${1#onnx:}"* ;;
    *) set -- "$build/$(target "$1")" ;;
    esac
    (cd "$build" && TN_TEST_DATA=$root/tests/data TN_ROOT=$tree TN_BUILD=$build timeout 120 "$@") >"$work/log" 2>&1
}

# Words changed for others where they stand exactly once.
mutate() {
    FIND=$find PUT=$put perl -0pi -e 'BEGIN { $f = $ENV{FIND}; $p = $ENV{PUT} } $n = () = /\Q$f\E/g; if ($n == 1) { s/\Q$f\E/$p/ } else { $bad = 1 } END { exit($bad ? 1 : 0) }' "$tree/src/$file"
}

try() {
    if [ ! -f "$tree/src/$file" ] || ! mutate; then
        stale="$stale $name"
    elif ! ninja -C "$build" --quiet "$(target "$test")" >"$work/log" 2>&1; then
        broken="$broken $name"
    elif passes "$test"; then
        survived="$survived $name"
        printf '%s: survives %s\n' "$name" "$test"
    else
        killed=$((killed + 1))
    fi
}

# The tests of what was chosen, without a mutant.
chosen=''
while IFS= read -r line; do
    read_line "$@" || continue
    case " $chosen " in *" $test "*) ;; *) chosen="$chosen $test" ;; esac
done <"$tree/tests/mutants/list.txt"
[ -n "$chosen" ] || { echo 'run.sh: no mutant is called so'; exit 1; }
targets=$(for t in $chosen; do target "$t"; done | sort -u)
# shellcheck disable=SC2086
ninja -C "$build" --quiet $targets || exit 1
for t in $chosen; do
    passes "$t" || { cat "$work/log"; echo "$t fails without a mutant"; exit 1; }
done

line_number=0
while IFS= read -r line; do
    read_line "$@" || continue
    [ ! -f "$tree/src/$file" ] || cp "$tree/src/$file" "$work/sound" || exit 1
    try
    [ ! -f "$tree/src/$file" ] || cp "$work/sound" "$tree/src/$file"
done <"$tree/tests/mutants/list.txt"

printf '%d mutants were noticed' "$killed"
[ -z "$survived" ] || printf '; nothing notices:%s' "$survived"
[ -z "$stale" ] || printf '; no longer in the code (or not once):%s' "$stale"
[ -z "$broken" ] || printf '; does not compile:%s' "$broken"
printf '\n'
[ -z "$survived$stale$broken" ]
