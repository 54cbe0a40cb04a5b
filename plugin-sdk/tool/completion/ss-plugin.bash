# SPDX-License-Identifier: Apache-2.0
# bash completion of ss-plugin(1)

_ss_plugin_words() {
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

_ss_plugin_programs() {
    mapfile -t COMPREPLY < <(compgen -c -- "$cur"; compgen -f -- "$cur")
}

# The value of an option; fails when the word before takes none.
_ss_plugin_value() {
    case "$1" in
    --client | --server) _ss_plugin_programs ;;
    --role) _ss_plugin_words "client server" ;;
    --mode) _ss_plugin_words "tcp_only udp_only tcp_and_udp" ;;
    --dir | --plugin-dir) mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
    --copts | --sopts | --options | --only | --skip | --echo-opt | --enum-opt | --jobs | -j | \
        --wait | --user | --writable | --ports | --interval | --listen | --remote | --local | --to) ;;
    *) return 1 ;;
    esac
}

_ss_plugin() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]-} options=
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        _ss_plugin_words "check describe doctor env new opts run --version --help"
        return
    fi
    _ss_plugin_value "$prev" && return
    case "$command" in
    check)
        options="--client --copts --server --sopts --only --skip --json --tap --echo-opt --enum-opt
            --jobs --failed --thorough --plain --list"
        ;;
    describe) options="--json" ;;
    doctor) options="--role --remote --local --options --mode --wait --plugin-dir --user --writable --ports --no-sandbox
            --json" ;;
    env) options="--role --remote --local --options --mode --words --json" ;;
    new) options="--dir --json" ;;
    opts)
        if ((COMP_CWORD == 2)); then
            _ss_plugin_words "encode decode explain --help"
            return
        fi
        options="--json"
        ;;
    run) options="--client --copts --server --sopts --listen --remote --to --interval --json" ;;
    *) return ;;
    esac
    if [[ $cur == -* ]]; then
        _ss_plugin_words "$options --help"
    elif [[ $command == describe || $command == doctor ]]; then
        _ss_plugin_programs
    fi
}

complete -F _ss_plugin ss-plugin
