#!/bin/sh
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# `make dist`: FOLDER/tenon-VERSION.tar.xz of the files that git knows, as they are in the work tree (a commit when it is
# clean), and the same unpacked beside it, to build and test as a stranger would.
# usage: dist.sh FOLDER
set -eu
cd "$(dirname "$0")/.."
folder=$1
version=$(sed -n "s/^ *version: '\([0-9.]*\)',$/\1/p" meson.build | head -n 1)
name=tenon-$version
mkdir -p "$folder"
rm -rf "${folder:?}/$name"
if [ -e .git ] && tree=$(git rev-parse --verify --quiet HEAD); then
    changed=$(git stash create 2>/dev/null) && [ -n "$changed" ] && tree=$changed
    git archive --format=tar --prefix="$name/" "$tree" >"$folder/$name.tar"
else # unpacked from such an archive: what it holds
    tar -cf "$folder/$name.tar" --exclude='./build*' --exclude=./models --exclude=./demo-out --exclude=node_modules \
        --transform="s,^\.,$name," .
fi
tar -xf "$folder/$name.tar" -C "$folder"
xz -9 -T0 -f -k "$folder/$name.tar"
rm -f "$folder/$name.tar"
ls -l "$folder/$name.tar.xz" | awk '{ printf "%s: %d bytes\n", $NF, $5 }'
