#!/bin/sh
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# Every source file says under which licence it is, in one line at its head. Prints the files that do not; --fix adds the
# line (behind a line that must be first). Exit code 1 when files lack it.
# usage: spdx.sh [--fix]
set -eu
cd "$(dirname "$0")/.."
fix=${1:-}
words='Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0'

list() {
    if [ -e .git ]; then git ls-files --cached --others --exclude-standard; else find . -type f ! -path './build*' ! -path '*/node_modules/*' | cut -c3-; fi |
        grep -E '\.(c|h|def|sh|py|mjs|pl|ini|bash|fish)$|(^|/)(meson\.build|meson_options\.txt|Makefile)$|^\.ci/run$|^share/(_tenon|tenon\.1)$' |
        grep -v '^demo-out/' | LC_ALL=C sort -u
}

line_for() { # the line in the file's kind of comment
    case $1 in
    *.c | *.h | *.def) echo "/* $words */" ;;
    *.mjs) echo "// $words" ;;
    *.1) echo ".\\\" $words" ;;
    *) echo "# $words" ;;
    esac
}

lacking=0 seen=0
for f in $(list); do
    [ -f "$f" ] || continue
    seen=$((seen + 1))
    head -n 5 "$f" | grep -q 'Copyright .* SPDX-License-Identifier: ' && continue
    lacking=$((lacking + 1))
    if [ "$fix" = --fix ]; then
        line=$(line_for "$f") awk 'FNR == 1 && /^(#!|#compdef)/ { print; print ENVIRON["line"]; next } FNR == 1 { print ENVIRON["line"] } { print }' "$f" >"$f.spdx"
        cat "$f.spdx" >"$f" # keeps its mode
        rm -f "$f.spdx"
    else
        echo "$f: no licence line: $(line_for "$f")"
    fi
done
[ "$seen" -gt 0 ] && { [ "$fix" = --fix ] || [ "$lacking" -eq 0 ]; } || {
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
}
echo "1 passed, 0 failed, 0 skipped"
