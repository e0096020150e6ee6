#!/bin/sh
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# docs/operators.md is what the program writes. When operators, kernels or tests changed: tenon ops --markdown > docs/operators.md
# usage: operators.sh TENON SOURCE-FOLDER
set -eu
page=$(mktemp)
trap 'rm -f "$page"' EXIT
"$1" ops --markdown >"$page"
diff -u "$2/docs/operators.md" "$page" || {
    echo 'docs/operators.md is out of date: tenon ops --markdown > docs/operators.md'
    echo '0 passed, 1 failed, 0 skipped'
    exit 1
}
echo '1 passed, 0 failed, 0 skipped'
