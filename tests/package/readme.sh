#!/bin/sh
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# What each README says of the library and of make: the C example compiles without warnings, is the same in both
# languages, has at most 15 lines, runs, and reports a missing model; `make install` puts in place what is listed, and the
# example builds against that by pkg-config; the targets that are named exist. (The commands of `tenon`: tests/cli/readme.c.)
# The same for the pieces of docs/runs.md, which run a model.
# usage: readme.sh SOURCE-FOLDER BUILD-FOLDER PROGRAMS CC...    PROGRAMS: true or false; the compiler may be several words
set -eu
src=$1 build=$2 programs=$3
shift 3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() { echo "$1"; echo '0 passed, 1 failed, 0 skipped'; exit 1; }
for f in README.md README.zh-CN.md; do
    awk '/^```c$/{on = 1; next} /^```$/{on = 0} on' "$src/$f" >"$dir/$f.c"
    [ -s "$dir/$f.c" ] || fail "$f holds no C example"
    for target in $(grep -oE '`?make [a-z]+' "$src/$f" | awk '{ print $2 }' | sort -u); do
        make -s -C "$src" help | grep -q "^make $target " || fail "$f names make $target, which make help does not list"
    done
done
cmp "$dir/README.md.c" "$dir/README.zh-CN.md.c" || fail 'the examples differ'
lines=$(wc -l <"$dir/README.md.c")
[ "$lines" -le 15 ] || fail "the example has $lines lines"

# as a user has it: installed, found by pkg-config
DESTDIR=$dir/root meson install -C "$build" --no-rebuild --quiet >"$dir/log" 2>&1 || { cat "$dir/log"; fail 'make install'; }
find "$dir/root" -type f -o -type l >"$dir/installed"
wanted='libtenon\.so libtenon\.a include/tenon\.h tenon\.pc doc/tenon/LICENSE doc/tenon/NOTICE'
[ "$programs" = false ] || wanted="$wanted bin/tenon man1/tenon\.1 completions/tenon site-functions/_tenon tenon\.fish"
for w in $wanted; do
    grep -qE "/$w(\.gz|\.[0-9.]+)?\$" "$dir/installed" || { cat "$dir/installed"; fail "make install puts no $w"; }
done
pc=$(dirname "$(grep '/tenon\.pc$' "$dir/installed")")
flags=$(PKG_CONFIG_PATH=$pc PKG_CONFIG_SYSROOT_DIR=$dir/root pkg-config --cflags --libs tenon)
libs=$(dirname "$(grep '/libtenon\.a$' "$dir/installed")")
cp "$dir/README.md.c" "$dir/example.c"
# shellcheck disable=SC2086
"$@" -std=c11 -Wall -Wextra -Werror "$dir/example.c" $flags -Wl,-rpath,"$libs" -o "$dir/example" ${EXTRA_FLAGS:-} || fail 'the example does not compile'
if "$dir/example" "$dir/none.onnx" 2>"$dir/message"; then fail 'a missing model was not reported'; fi
grep -q 'none.onnx' "$dir/message" || fail 'the message does not name the model'

# docs/runs.md: its pieces together are a program, which does what the page says
awk '/^```c$/{on = 1; next} /^```$/{on = 0} on' "$src/docs/runs.md" >"$dir/runs.c"
# shellcheck disable=SC2086
"$@" -std=c11 -Wall -Wextra -Werror "$dir/runs.c" $flags -Wl,-rpath,"$libs" -o "$dir/runs" ${EXTRA_FLAGS:-} || fail 'the example of docs/runs.md does not compile'
if "$dir/runs" "$dir/none.onnx" 2>"$dir/message"; then fail 'docs/runs.md: a missing model was not reported'; fi
grep -q 'none.onnx' "$dir/message" || fail 'docs/runs.md: the message does not name the model'
relu=/usr/share/libonnx-testdata/data/node/test_relu/model.onnx
if [ -f "$relu" ]; then
    "$dir/runs" "$relu" >"$dir/out" || fail 'docs/runs.md: the example fails'
    [ "$(grep -c '^run [0-9]: 60 elements$' "$dir/out")" = 10 ] || { cat "$dir/out"; fail 'docs/runs.md: not ten runs'; }
    grep -q '^bound: 3 dimensions, 240 bytes$' "$dir/out" || { cat "$dir/out"; fail 'docs/runs.md: nothing was bound'; }
fi
echo '1 passed, 0 failed, 0 skipped'
