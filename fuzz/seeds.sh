#!/bin/sh
# usage: seeds.sh PROGRAM FOLDER STAMP     writes the seeds afresh and touches the stamp
rm -rf "$2" && "$1" "$2" && : > "$3"
