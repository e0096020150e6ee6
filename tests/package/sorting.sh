#!/bin/sh
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# What a file or an input made long is sorted by base/sort.h, which looks at the budget and needs no memory: qsort does
# neither.
# usage: sorting.sh SOURCE-FOLDER
set -eu
cd "$1"
if grep -rnE '\bqsort(_r)?\(' src/base src/tensor src/kernel src/graph src/op src/format src/pass src/analyse; then
    echo 'these sort with qsort: tn_sort (base/sort.h) can be stopped'
    echo '0 passed, 1 failed, 0 skipped'
    exit 1
fi
echo '1 passed, 0 failed, 0 skipped'
