# SPDX-License-Identifier: Apache-2.0
# What bash completes after lpactl: commands and options as --help tells them, profiles as lpad lists them.
# shellcheck shell=bash

# The commands, one a line: "profile enable ICCID".
_lpactl_commands() {
    "$1" --help 2>/dev/null | sed -n '/^Commands:/,/^$/s/^  \([a-z].*\)$/\1/p' | sed 's/   *.*//'
}

# The options of the command "$2 $3", one a line, and those of every command. The words before the colon in an option's
# help say whose it is: "download:", "enable, disable:". --yes is for all that may ask.
_lpactl_options() {
    "$1" --help 2>/dev/null | awk -v group="$2" -v verb="$3" '
        /^Options of every command:/ { every = 1; next }
        /^Options of single commands:/ { every = 0; single = 1; next }
        /^Exit codes:/ { exit }
        !match($0, /^  --[a-z-]+/) { next }
        {
            option = substr($0, 3, RLENGTH - 2)
            if (every) { print option; next }
            text = substr($0, 31)
            if (text == "") { getline; text = substr($0, 31) }
            if (option ~ /^--(strong-)?yes$/) {
                if (verb ~ /^(download|discover|enable|disable|delete|nickname|reset|default-address|load-crl)$/) print option
                next
            }
            colon = index(text, ":")
            if (colon == 0) next
            count = split(substr(text, 1, colon - 1), names, /, */)
            for (i = 1; i <= count; i++)
                if (names[i] == verb || names[i] == group " " verb) print option
        }'
}

# ICCIDs, when lpad can be reached at once. Options that say where it is are kept.
_lpactl_iccids() {
    local program=$1
    shift
    "$program" "$@" --timeout 2 --json profile list 2>/dev/null | grep -o '"iccid":"[0-9]*"' | tr -dc '0-9\n'
}

_lpactl() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} program=${COMP_WORDS[0]}
    local -a words=() where=()
    local i word
    COMPREPLY=()
    case $previous in
        --socket | --output)
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            return
            ;;
        --card | --timeout | --code-fd | --confirmation-code-fd | --expect | --event | --lines | -n | --after) return ;;
    esac
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
            --socket | --card)
                where+=("$word" "${COMP_WORDS[i + 1]}")
                i=$((i + 1))
                ;;
            --timeout | --code-fd | --confirmation-code-fd | --expect | --output | --lines | -n | --after) i=$((i + 1)) ;;
            --event) i=$((i + 2)) ;;
            -*) ;;
            *) words+=("$word") ;;
        esac
    done
    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_lpactl_options "$program" "${words[0]-}" "${words[1]-}")" -- "$current")
        return
    fi
    case ${#words[@]} in
        0) mapfile -t COMPREPLY < <(compgen -W "$(_lpactl_commands "$program" | cut -d' ' -f1 | sort -u)" -- "$current") ;;
        1)
            mapfile -t COMPREPLY < <(compgen -W "$(_lpactl_commands "$program" |
                awk -v group="${words[0]}" '$1 == group && NF > 1 && $2 ~ /^[a-z]/ { print $2 }')" -- "$current")
            ;;
        2)
            case "$(_lpactl_commands "$program" | awk -v g="${words[0]}" -v v="${words[1]}" '$1 == g && $2 == v { print $3 }')" in
                ICCID) mapfile -t COMPREPLY < <(compgen -W "$(_lpactl_iccids "$program" "${where[@]}")" -- "$current") ;;
                FILE | '[FILE]') mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
            esac
            ;;
        3)
            # policy test FILE TRACE
            case "$(_lpactl_commands "$program" | awk -v g="${words[0]}" -v v="${words[1]}" '$1 == g && $2 == v { print $4 }')" in
                TRACE) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
            esac
            ;;
    esac
}

complete -F _lpactl lpactl
