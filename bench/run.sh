#!/bin/sh
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# `make bench`: brings the models and the peer, compares the outputs, then the speed. Tables for docs/performance.md.
# usage: run.sh BUILD [NAME]...
set -eu
cd "$(dirname "$0")/.."
build=$1
shift
export TENON="$build/src/tenon" MODELS="$build/models" PEERS="$build/peers"
/usr/bin/python3 bench/export_models.py "$MODELS"
cp -n models/*.onnx "$MODELS"/ 2>/dev/null || true
sh scripts/peer.sh "$PEERS"
[ -f demo-out/en_clean.png ] || { mkdir -p demo-out && "$build/tools/make_pictures" demo-out && sh scripts/make_voice.sh "$build/tools/join_voice" demo-out; }
node bench/peer.mjs accuracy "$@"
node bench/peer.mjs speed "$@"
