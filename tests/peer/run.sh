#!/bin/sh
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# Random models beside onnxruntime: brings onnxruntime-node from npm when it is not there, then runs differential.mjs.
# usage: run.sh BUILD [OPTION OF differential.mjs]...     PEERS: where node_modules is or will be (default: BUILD/peers)
set -eu
cd "$(dirname "$0")/../.."
build=$1
shift
peers=${PEERS:-$build/peers}
if [ ! -d "$peers/node_modules/onnxruntime-node" ]; then
    mkdir -p "$peers"
    echo '{"private": true}' >"$peers/package.json"
    (cd "$peers" && npm install --silent --ignore-scripts --no-audit --no-fund onnxruntime-node@1.30.0)
fi
NODE_PATH="$peers/node_modules" exec node tests/peer/differential.mjs "$build/src/tenon" "$@"
