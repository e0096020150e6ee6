#!/bin/sh
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# Brings onnxruntime-node, which benchmarks and random cases are compared with, into a folder (114 MB; nothing when there).
# usage: peer.sh FOLDER
set -eu
version=1.30.0
[ ! -d "$1/node_modules/onnxruntime-node" ] || exit 0
mkdir -p "$1"
echo '{"private": true}' >"$1/package.json"
(cd "$1" && npm install --silent --ignore-scripts --no-audit --no-fund "onnxruntime-node@$version") >/dev/null 2>&1 || {
    rm -rf "$1/node_modules"
    exit 1
}
[ -z "${TN_DOWNLOADS:-}" ] || echo 114000000 >>"$TN_DOWNLOADS"
