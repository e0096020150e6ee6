#!/bin/sh
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# Random models beside onnxruntime: brings onnxruntime-node from npm when it is not there, then runs differential.mjs.
# usage: run.sh BUILD [OPTION OF differential.mjs]...     PEERS: where node_modules is or will be (default: BUILD/peers)
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$1" && pwd)
shift
peers=${PEERS:-$build/peers}
sh "$here/scripts/peer.sh" "$peers" || {
    echo 'npm cannot bring onnxruntime-node' >&2
    exit 1
}
peers=$(cd "$peers" && pwd)
NODE_PATH="$peers/node_modules" exec node "$here/tests/peer/differential.mjs" "$build/src/tenon" "$@"
