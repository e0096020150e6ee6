# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# bash completion for tenon: commands and options are asked of the program itself, so they never drift.
_tenon() {
    local cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]}
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "$(tenon --help 2>/dev/null | awk '/^  [a-z]/{print $1}') --help --version" -- "$cur"))
    elif [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$(tenon "$command" --help 2>/dev/null | awk '/^  --/{print $1}')" -- "$cur"))
    else
        COMPREPLY=($(compgen -f -- "$cur"))
    fi
}
complete -o filenames -F _tenon tenon
