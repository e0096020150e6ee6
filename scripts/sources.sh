#!/bin/sh
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# Lists the C files directly in a folder of the project (default: those not for one instruction set), one per line.
# usage: sources.sh FOLDER [SUFFIX]     SUFFIX: only files whose name ends in SUFFIX.c
cd "$(dirname "$0")/.." || exit 1
for f in "$1"/*"${2:-}".c; do
    [ -e "$f" ] && printf '%s\n' "$f"
done
exit 0
