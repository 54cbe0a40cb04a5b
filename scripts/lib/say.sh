# SPDX-License-Identifier: Apache-2.0
# Short lines for people: a mark, what happens, how long it took. Plain text in a pipe.

bold='' dim='' red='' green='' plain=''
if [[ -t 1 && -z "${NO_COLOR:-}" && "${TERM:-dumb}" != dumb ]]; then
    bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
fi

say() {
    printf '%s==>%s %s\n' "$bold" "$plain" "$*"
}

warn() {
    printf '%swarning:%s %s\n' "$bold" "$plain" "$*" >&2
}

die() {
    printf '%serror:%s %s\n' "$red" "$plain" "$*" >&2
    exit 1
}

# quietly <what> <command...>: one line when it works, the whole output when it does not.
quietly() {
    local what=$1 log started=$SECONDS
    shift
    log=$(mktemp)
    printf '%s==>%s %s ' "$bold" "$plain" "$what"
    if "$@" >"$log" 2>&1; then
        printf '%sdone%s %s(%d s)%s\n' "$green" "$plain" "$dim" $((SECONDS - started)) "$plain"
        rm -f "$log"
        return 0
    fi
    printf '%sfailed%s\n' "$red" "$plain"
    cat "$log" >&2
    rm -f "$log"
    return 1
}
