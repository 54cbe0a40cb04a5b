# SPDX-License-Identifier: Apache-2.0
# A finding runs in a folder of its own, which it removes again; its programs end what they start.
# It installs pinned public packages there, prints what it sees, and ends with 0 when that is as
# described, with 1 when it has changed, with 77 when a package cannot be had.
set -euo pipefail

findings=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lab=$(mktemp -d)
missed=0

leave() {
    local status=$?
    rm -rf "$lab"
    return "$status"
}
trap leave EXIT
trap 'exit 1' INT TERM
chmod 755 "$lab"
cd "$lab"

# quietly COMMAND...: one step of an installation; its output is shown only when it fails.
quietly() {
    timeout 900 "$@" >install.log 2>&1 && return
    cat install.log >&2
    echo "cannot install: $*" >&2
    exit 77
}

# debian PACKAGE=VERSION...: unpacks packages into the lab, nothing is installed on the system.
debian() {
    local package
    quietly apt-get download "$@"
    for package in *.deb; do
        quietly dpkg -x "$package" root
        rm "$package"
    done
    export PATH=$lab/root/usr/bin:$lab/root/usr/sbin:$PATH
    export LD_LIBRARY_PATH=$lab/root/usr/lib/$(uname -m)-linux-gnu
}

# shadowsocks_libev: ss-server, ss-local and ss-manager 3.3.5 with their libraries.
shadowsocks_libev() {
    debian shadowsocks-libev=3.3.5+ds-10 libbloom1=1.6-6 libc-ares2=1.18.1-3 libcork16=1.0.0~rc3-3 \
        libcorkipset1=1.1.1+git20171111.6842a63-2 libev4=1:4.33-1 libjsonparser1.1=1.1.0-2 \
        libmbedcrypto7=2.28.3-1 libpcre3=2:8.39-15 libsodium23=1.0.18-1+deb12u1
}

# python_packages PACKAGE==VERSION...: a virtual environment with them, in which `python -` runs.
python_packages() {
    [[ -d venv ]] || quietly python3 -m venv venv
    [[ $# -eq 0 ]] || quietly venv/bin/pip install --disable-pip-version-check "$@"
    export PATH=$lab/venv/bin:$PATH PYTHONPATH=$findings PYTHONDONTWRITEBYTECODE=1
}

# npm_packages PACKAGE@VERSION...: modules which `node -` finds.
npm_packages() {
    [[ -f package.json ]] || echo '{"private": true, "type": "module"}' >package.json
    quietly npm install --ignore-scripts --no-audit --no-fund "$@"
}

# go_module PATH@VERSION: a module for main.go, which is then built as ./main.
go_module() {
    [[ -f go.mod ]] || quietly go mod init finding
    quietly go get "$1"
    quietly go mod tidy
    quietly go build -o main .
}

# observe COMMAND...: prints what the command prints and keeps it for `sees`. A proxy of this
# machine, which the installation may need, takes no part.
observe() {
    (
        unset http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY
        exec timeout 100 "$@" 2>&1
    ) | tee -a seen
}

# sees LINE: what was observed must hold this line.
sees() {
    grep -qFx -- "$1" seen && return
    echo "no longer seen: $1" >&2
    missed=1
}

# verdict: the last line of each finding.
verdict() {
    if [[ $missed -ne 0 ]]; then
        echo "changed"
        exit 1
    fi
    echo "as described"
}
