#!/bin/sh
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# Makes every mutant of list.txt in a copy of the tree, builds it, and runs its tests: at least one must fail. Prints those
# that survive, and those whose words the code no longer holds; both are failures.
# usage: run.sh BUILD [NAME PREFIX]...      works in BUILD/mutants; the copy is built without optimisation, to be quick
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1" && work=$(cd "$1" && pwd)/mutants
shift
cases=/usr/share/libonnx-testdata/data
tree=$work/tree build=$work/build
killed=0 survived='' stale=''

mkdir -p "$tree"
(cd "$root" && git ls-files -c -o --exclude-standard | tar cf - -T -) | (cd "$tree" && tar xf -) || exit 1
(cd "$tree" && sh scripts/configure.sh "$build" --buildtype=debug -Doptimization=0 -Ddefault_library=static -Dwerror=false) || exit 1
ninja -C "$build" --quiet || exit 1

chosen() {
    [ $# -gt 1 ] || return 0
    name=$1
    shift
    for prefix in "$@"; do case $name in "$prefix"*) return 0 ;; esac; done
    return 1
}

# 0: a test fails, so the mutant is noticed.
noticed() {
    for t in $1; do
        case $t in
        onnx:*)
            "$build/src/tenon" test --quiet --tolerances "$root/tests/conformance/tolerances.txt" \
                "$cases"/node/"${t#onnx:}"* >/dev/null 2>&1 || return 0 ;;
        *)
            program=$build/tests/test_$(echo "$t" | tr / _)
            [ -x "$program" ] || program=$build/tests/test_${t%/*}_slow_${t#*/}
            [ -x "$program" ] || continue
            (cd "$build" && TN_TEST_DATA=$root/tests/data TN_ROOT=$tree TN_BUILD=$build timeout 300 "$program") >/dev/null 2>&1 ||
                return 0 ;;
        esac
    done
    return 1
}

targets() {
    for t in $1; do
        case $t in
        onnx:*) echo src/tenon ;;
        *) for n in "${t%/*}_${t#*/}" "${t%/*}_slow_${t#*/}"; do [ ! -f "$tree/tests/${t%/*}/${n#"${t%/*}"_}.c" ] || echo "tests/test_$n"; done ;;
        esac
    done
}

trim() { echo "$1" | sed 's/^ *//; s/ *$//'; }

while IFS= read -r line; do
    case $line in '#'* | '') continue ;; esac
    name=$(trim "${line%% | *}") rest=${line#* | }
    file=$(trim "${rest%% | *}") rest=${rest#* | }
    find=${rest%% | *} rest=${rest#* | }
    put=${rest%% | *} tests=${rest#* | }
    chosen "$name" "$@" || continue
    cp "$tree/src/$file" "$work/sound" || exit 1
    if ! FIND=$find PUT=$put perl -0pi -e 'BEGIN { $f = $ENV{FIND}; $p = $ENV{PUT} } $n = () = /\Q$f\E/g; if ($n == 1) { s/\Q$f\E/$p/ } else { $bad = 1 } END { exit($bad ? 1 : 0) }' "$tree/src/$file"; then
        stale="$stale $name"
        cp "$work/sound" "$tree/src/$file"
        continue
    fi
    # shellcheck disable=SC2046
    if ! ninja -C "$build" --quiet $(targets "$tests") >"$work/log" 2>&1; then
        killed=$((killed + 1)) # a compiler notices too, but then the mutant is not worth its line
        printf '%s: does not build\n' "$name"
    elif noticed "$tests"; then
        killed=$((killed + 1))
    else
        survived="$survived $name"
        printf '%s: survives %s\n' "$name" "$tests"
    fi
    cp "$work/sound" "$tree/src/$file"
done <"$root/tests/mutants/list.txt"

printf '%d mutants were noticed' "$killed"
[ -z "$survived" ] || printf '; nothing notices:%s' "$survived"
[ -z "$stale" ] || printf '; no longer in the code (or not once):%s' "$stale"
printf '\n'
[ -z "$survived$stale" ]
