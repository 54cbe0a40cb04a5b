# SPDX-License-Identifier: Apache-2.0
# install_packages [--if-offered] <group...>: installs with apt-get what is missing of the groups in
# lib/packages. With --if-offered, packages that this system does not offer are left out and listed
# in absent_packages.

_lib=$(dirname "${BASH_SOURCE[0]}")

_architecture() {
    if command -v dpkg >/dev/null; then dpkg --print-architecture; else uname -m; fi
}

_packages_of() {
    local group
    for group in "$@"; do
        sed -n "s/^$group: *//p" "$_lib/packages" | tr ' ' '\n'
    done | sed "s/\[$(_architecture)\]//; /\[/d" | sort -u
}

_installed() {
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

_missing() {
    local package
    for package in "$@"; do
        _installed "$package" || printf '%s\n' "$package"
    done
}

_as_root() {
    if [[ $EUID -eq 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -- "$@"
    else
        die "root rights are needed to install packages: run as root, or install sudo"
    fi
}

# A package must not start a service only because a test needs its programs, nor replace another one.
_apt_install() {
    _as_root env DEBIAN_FRONTEND=noninteractive sh -c '
        policy=/usr/sbin/policy-rc.d
        if [ ! -e "$policy" ]; then
            printf "#!/bin/sh\nexit 101\n" >"$policy" && chmod 755 "$policy"
            trap "rm -f $policy" EXIT
            trap "exit 1" HUP INT TERM
        fi
        apt-get install -y --no-install-recommends --no-remove "$@"' sh "$@"
}

# Services of the packages in the list, as far as they will start with the system.
_enabled_services() {
    local service
    command -v systemctl >/dev/null || return 0
    for service in shadowsocks-libev nginx stunnel4 tor ssh prometheus; do
        ! systemctl is-enabled -q "$service" 2>/dev/null || printf '%s\n' "$service"
    done
}

# _keep_services_off <services that were enabled before>
_keep_services_off() {
    local service
    for service in $(_enabled_services); do
        [[ " $* " == *" $service "* ]] || _as_root systemctl disable -q "$service" ||
            warn "the service $service is enabled now"
    done
}

_has_candidate() {
    local candidate
    candidate=$(apt-cache policy "$1" | sed -n 's/^ *Candidate: //p')
    [[ -n $candidate && $candidate != '(none)' ]]
}

_lists_updated=''
_update_lists() {
    [[ -z $_lists_updated ]] || return 0
    _lists_updated=yes
    quietly "update the package lists" _as_root apt-get update ||
        warn "the package lists could not be updated; going on with the old ones"
}

# _add_architectures <package...>: those behind the colon of a package.
_add_architectures() {
    local package
    for package in "$@"; do
        [[ $package == *:* ]] || continue
        ! { dpkg --print-architecture && dpkg --print-foreign-architectures; } |
            grep -qx "${package#*:}" || continue
        _as_root dpkg --add-architecture "${package#*:}"
        _lists_updated=''
    done
}

# The packages neither installed nor on offer, after install_packages --if-offered.
absent_packages=''

install_packages() {
    local optional='' package enabled wanted=()
    if [[ ${1-} == --if-offered ]]; then
        optional=yes
        shift
    fi
    if ! command -v apt-get >/dev/null; then
        warn "no apt-get here; needed are: $(_packages_of "$@" | tr '\n' ' ')"
        return 0
    fi
    _add_architectures $(_packages_of "$@")
    for package in $(_missing $(_packages_of "$@")); do
        _update_lists
        if [[ -n $optional ]] && ! _has_candidate "$package"; then
            absent_packages+="$package "
        else
            wanted+=("$package")
        fi
    done
    [[ ${#wanted[@]} -gt 0 ]] || return 0
    enabled=$(_enabled_services)
    quietly "install ${wanted[*]}" _apt_install "${wanted[@]}"
    _keep_services_off $enabled
}

# The static libraries of the preset musl, made anew when Debian has other sources or another compiler.
make_musl_libraries() {
    local prefix=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/shadowplug/musl stamp
    stamp=$(apt-cache policy gcc musl-dev libssl-dev libsodium-dev libevent-dev libc-ares-dev libjson-c-dev \
        libcmocka-dev libpcre2-dev | sed -n '/^[a-z]/p; /Candidate/p')
    [[ ! -e $prefix/stamp || $(<"$prefix/stamp") != "$stamp" ]] || return 0
    rm -rf "$prefix"
    quietly "make the static libraries of the preset musl" "$_lib/musl" "$prefix" || return 1
    printf '%s\n' "$stamp" >"$prefix/stamp"
}

# install_for_preset <preset> [group...]: what the preset is built with, and the groups.
install_for_preset() {
    local preset=$1
    shift
    case $preset in
    arm64 | armhf) install_packages "cross-$preset" "$@" ;;
    musl)
        install_packages build musl "$@"
        make_musl_libraries
        ;;
    fuzz | msan) install_packages build clang "$@" ;;
    *) install_packages build "$@" ;;
    esac
}
