#!/bin/sh
# The C example of each README compiles without warnings, is the same in both languages, has at most 15 lines, runs, and
# reports a missing model.
# usage: readme.sh SOURCE-FOLDER BUILD-FOLDER CC...    the compiler may be several words: ccache cc
set -eu
src=$1 build=$2
shift 2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for f in README.md README.zh-CN.md; do
    awk '/^```c$/{on = 1; next} /^```$/{on = 0} on' "$src/$f" >"$dir/$f.c"
    [ -s "$dir/$f.c" ] || { echo "$f holds no C example"; exit 1; }
done
cmp "$dir/README.md.c" "$dir/README.zh-CN.md.c"
lines=$(wc -l <"$dir/README.md.c")
[ "$lines" -le 15 ] || { echo "the example has $lines lines"; exit 1; }
# shellcheck disable=SC2086
"$@" -std=c11 -Wall -Wextra -Werror -I"$src/include" "$dir/README.md.c" -L"$build" -ltenon -Wl,-rpath,"$build" -o "$dir/example" ${EXTRA_FLAGS:-}
if "$dir/example" "$dir/none.onnx" 2>"$dir/message"; then echo 'a missing model was not reported'; exit 1; fi
grep -q 'none.onnx' "$dir/message"
echo '1 passed, 0 failed, 0 skipped'
