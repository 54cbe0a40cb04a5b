# SPDX-License-Identifier: Apache-2.0
# Where scripts/peers puts what it builds, and which versions. The tests look there, too
# (tests/integration/harness/programs.py).

rust_version=1.25.0
sing_box_version=1.14.1
xray_version=1.260327.0
clients=tests/interop/clients
_peers=${XDG_CACHE_HOME:-$HOME/.cache}/shadowplug/peers

# _clients <language> <sources...>: a directory for what is made from them.
_clients() {
    local language=$1 sum
    shift
    sum=$(cd "$clients" && cat "$@" | sha256sum)
    printf '%s/clients-%s-%s\n' "$_peers" "$language" "${sum:0:12}"
}

rust_directory=$_peers/shadowsocks-rust-$rust_version-http # another name for other features
sing_box_directory=$_peers/sing-box-$sing_box_version
xray_directory=$_peers/xray-$xray_version
python_directory=$(_clients python requirements.txt)
node_directory=$(_clients node package.json)
go_directory=$(_clients go go/go.mod go/go.sum go/fetch.go)

# built <directory> <file...>
built() {
    local directory=$1 file
    shift
    for file in "$@"; do
        [[ -e $directory/$file ]] || return 1
    done
}

# The peers that scripts/peers has not built, by the names of the tests: it says why.
unbuilt_peers() {
    built "$rust_directory" bin/{sslocal,ssserver,ssurl} || printf 'shadowsocks-rust\n'
    built "$sing_box_directory" bin/sing-box || printf 'sing-box\n'
    built "$xray_directory" bin/xray || printf 'xray\n'
    built "$python_directory" bin/python || printf 'clients-python\n'
    built "$node_directory" node_modules/undici/package.json || printf 'clients-node\n'
    built "$go_directory" bin/fetch || printf 'clients-go\n'
}
