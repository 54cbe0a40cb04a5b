# SPDX-License-Identifier: Apache-2.0
# Where scripts/peers puts what it builds, and which versions.

rust_version=1.25.0
sing_box_version=1.14.1
_peers=${XDG_CACHE_HOME:-$HOME/.cache}/shadowplug/peers
rust_directory=$_peers/shadowsocks-rust-$rust_version
sing_box_directory=$_peers/sing-box-$sing_box_version

# built <directory> <program...>
built() {
    local directory=$1 program
    shift
    for program in "$@"; do
        [[ -x $directory/bin/$program ]] || return 1
    done
}

# The peers that scripts/peers has not built: it says why.
unbuilt_peers() {
    built "$rust_directory" sslocal ssserver ssurl || printf 'shadowsocks-rust\n'
    built "$sing_box_directory" sing-box || printf 'sing-box\n'
}
