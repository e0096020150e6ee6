#!/bin/sh
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# Speaks a few phrases with espeak-ng, silences between them, and writes where they are.
# usage: make_voice.sh JOIN_VOICE FOLDER     writes FOLDER/voice.wav and FOLDER/voice.json
set -e
join=$1 out=$2
command -v espeak-ng >/dev/null || { echo "make_voice.sh: espeak-ng is not installed (apt install espeak-ng)" >&2; exit 1; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
espeak-ng -v en-us -s 145 -w "$tmp/1.wav" "The joint that holds without nails."
espeak-ng -v en-gb -s 150 -w "$tmp/2.wav" "Measure twice, and cut only once."
espeak-ng -v en-us+f3 -s 140 -w "$tmp/3.wav" "This recording was made by a machine, for a machine."
espeak-ng -v en-us -s 160 -w "$tmp/4.wav" "Good bye, and thank you for listening."
"$join" "$out/voice.wav" "$out/voice.json" 1.5 "$tmp/1.wav" 2.0 "$tmp/2.wav" 1.0 "$tmp/3.wav" 2.5 "$tmp/4.wav" 1.5
