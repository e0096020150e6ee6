# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# fish completion for tenon: commands and options are asked of the program itself, so they never drift.
complete -c tenon -n '__fish_use_subcommand' -f -a "(tenon --help 2>/dev/null | string match -r '^  [a-z].*' | string trim | string replace -r ' +' '\t')"
complete -c tenon -n 'not __fish_use_subcommand' -a "(tenon (commandline -opc)[2] --help 2>/dev/null | string match -r '^  --[a-z-]+' | string trim)"
