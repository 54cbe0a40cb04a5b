#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Both Shadowsocks cores read the same ACL files: lists of rules for what goes through the proxy and
# what goes past it.
# One would expect one file to mean one thing. A name that both lists match goes past the proxy in
# shadowsocks-libev and through it in shadowsocks-rust, wherever the lists stand in the file. And
# "||example.com", which is a domain with its subdomains in shadowsocks-rust, is a regular
# expression with empty alternatives in shadowsocks-libev: it matches each name there is, so that
# one such line in a list decides for all of them. Exceptions to a broad list, the usual form of
# published ACL files, thus change sides with the program.
# The script compiles a crate and takes a few minutes.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

shadowsocks_libev
python_packages
mkdir -p rust/src
cat >rust/Cargo.toml <<'TOML'
[package]
name = "acl"
version = "0.1.0"
edition = "2021"
[dependencies]
shadowsocks-service = { version = "=1.25.0", default-features = false, features = ["local"] }
TOML
cat >rust/src/main.rs <<'RUST'
use shadowsocks_service::acl::AccessControl;

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let acl = AccessControl::load_from_file(&words[1]).expect("an ACL file");
    for name in &words[2..] {
        let proxied = acl.check_host_in_proxy_list(name).unwrap_or(acl.is_default_in_proxy_list());
        println!("{}", if proxied { "proxy" } else { "bypass" });
    }
}
RUST
quietly cargo build --release --manifest-path rust/Cargo.toml
observe python - <<'PY'
import socket
import subprocess

from peers import HOST, echo, exactly, free_port, start, stop

FILES = {
    "name in both lists": ("[proxy_all]", "[bypass_list]", r"(^|\.)localhost$", "[proxy_list]", r"^localhost$"),
    "the same, lists swapped": ("[proxy_all]", "[proxy_list]", r"^localhost$", "[bypass_list]", r"(^|\.)localhost$"),
    "bypass ||example.com": ("[proxy_all]", "[bypass_list]", "||example.com"),
    "bypass (^|\\.)example\\.com$": ("[proxy_all]", "[bypass_list]", r"(^|\.)example\.com$"),
}
NAME, target = b"localhost", echo()


def libev(file):
    """Past the proxy means that the target answers although there is no server."""
    port = free_port()
    local = start(["ss-local", "-s", HOST, "-p", str(free_port()), "-l", str(port), "-k", "word",
                   "-m", "aes-128-gcm", "--acl", file], port)
    try:
        with socket.create_connection((HOST, port), 5) as conn:
            conn.sendall(b"\x05\x01\x00")
            exactly(conn, 2)
            conn.sendall(b"\x05\x01\x00\x03" + bytes([len(NAME)]) + NAME + target.to_bytes(2, "big"))
            exactly(conn, 10)
            conn.sendall(b"hello")
            exactly(conn, 5)
            return "bypass"
    except (EOFError, ConnectionError):
        return "proxy"
    finally:
        stop(local)


def rust(file):
    command = ["rust/target/release/acl", file, NAME.decode()]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


for title, lines in FILES.items():
    with open("file.acl", "w") as file:
        file.write("\n".join(lines) + "\n")
    print(f"{title}: {NAME.decode()} takes {libev('file.acl')} in libev 3.3.5, {rust('file.acl')} in rust 1.25.0")
PY
sees 'name in both lists: localhost takes bypass in libev 3.3.5, proxy in rust 1.25.0'
sees 'the same, lists swapped: localhost takes bypass in libev 3.3.5, proxy in rust 1.25.0'
sees 'bypass ||example.com: localhost takes bypass in libev 3.3.5, proxy in rust 1.25.0'
sees 'bypass (^|\.)example\.com$: localhost takes proxy in libev 3.3.5, proxy in rust 1.25.0'
verdict
