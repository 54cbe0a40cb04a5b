// SPDX-License-Identifier: Apache-2.0
//! A SIP003 plugin by docs/sip003.md and the standard library alone: every byte is combined with the
//! option `key`, and both ends send a line first.  The numbers are those of the requirements.
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, ToSocketAddrs};
use std::os::unix::io::FromRawFd;
use std::sync::Arc;
use std::{env, fs, process, thread, time};

const HELLO: &[u8] = b"contract\n";
const HANDSHAKE: time::Duration = time::Duration::from_secs(10);

extern "C" {
    fn signal(number: i32, act: extern "C" fn(i32)) -> usize;
    fn _exit(status: i32) -> !;
}

extern "C" fn stop(_: i32) {
    unsafe { _exit(0) } // P-14
}

fn fail(status: i32, why: &str) -> ! {
    let _ = writeln!(std::io::stderr(), "{why}"); // P-18: an error of the log is none
    process::exit(status)
}

/// Section 3; Err is the position of the mistake.
fn options(text: &str) -> Result<HashMap<String, String>, usize> {
    let mut found = HashMap::new();
    let (mut key, mut value) = (String::new(), None::<String>);
    let mut bytes = text.char_indices().chain([(text.len(), ';')]);
    while let Some((at, c)) = bytes.next() {
        match c {
            ';' if key.is_empty() && value.is_none() => {}
            ';' if key.is_empty() => return Err(at),
            ';' => {
                let said = value.take().unwrap_or_else(|| "true".into());
                found.insert(std::mem::take(&mut key), said);
            }
            '=' if value.is_none() => value = Some(String::new()),
            '\\' if at + 1 == text.len() => return Err(at),
            '\\' => value.as_mut().unwrap_or(&mut key).push(bytes.next().unwrap().1),
            c => value.as_mut().unwrap_or(&mut key).push(c),
        }
    }
    Ok(found)
}

/// A host variable and its port, section 2.1.
fn addresses(side: &str) -> Vec<(String, u16)> {
    let get = |what| env::var(format!("SS_{side}_{what}")).unwrap_or_default();
    let port = get("PORT").parse::<u16>().unwrap_or(0);
    let hosts = get("HOST");
    if port == 0 || hosts.split('|').any(str::is_empty) {
        fail(78, &format!("SS_{side}_HOST or SS_{side}_PORT is not as SIP003 says")); // P-2
    }
    let bare = |host: &str| host.trim_start_matches('[').trim_end_matches(']').to_string();
    hosts.split('|').map(|host| (bare(host), port)).collect()
}

fn listen(on: &[(String, u16)]) -> Vec<TcpListener> {
    let mut open: Vec<TcpListener> = Vec::new();
    for at in on {
        match TcpListener::bind((at.0.as_str(), at.1)) {
            Ok(listener) => open.push(listener),
            Err(_) if at.0 == "0.0.0.0" && !open.is_empty() => {} // "::" has it
            Err(error) => fail(69, &format!("{} port {}: {error}", at.0, at.1)),
        }
    }
    open
}

fn dial(to: &[(String, u16)]) -> Option<TcpStream> {
    let all = to.iter().filter_map(|at| (at.0.as_str(), at.1).to_socket_addrs().ok()).flatten();
    let mut limited = all.filter_map(|at| TcpStream::connect_timeout(&at, time::Duration::from_secs(2)).ok());
    limited.next()
}

/// One direction: the end is passed on as such (P-21).
fn pump(mut from: TcpStream, mut to: TcpStream, key: u8) {
    let mut bytes = [0; 16384];
    loop {
        match from.read(&mut bytes) {
            Ok(0) => break,
            Ok(n) => {
                bytes[..n].iter_mut().for_each(|byte| *byte ^= key);
                if to.write_all(&bytes[..n]).is_err() {
                    let _ = from.shutdown(Shutdown::Both);
                    return;
                }
            }
            Err(_) => {
                let _ = to.shutdown(Shutdown::Both);
                return;
            }
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// True for a peer that begins as ours do.  Another one is read until the deadline (P-23).
fn greeted(wire: &mut TcpStream, key: u8) -> bool {
    let hello: Vec<u8> = HELLO.iter().map(|byte| byte ^ key).collect();
    let (mut said, deadline) = (vec![0; hello.len()], time::Instant::now() + HANDSHAKE);
    let mut have = 0;
    while have < said.len() {
        let left = deadline.saturating_duration_since(time::Instant::now());
        if left.is_zero() || wire.set_read_timeout(Some(left)).is_err() {
            return false;
        }
        match wire.read(&mut said[have..]) {
            Ok(n) if n > 0 && said[have..have + n] == hello[have..have + n] => have += n,
            _ => return false,
        }
    }
    wire.set_read_timeout(None).is_ok()
}

fn serve(accepted: TcpStream, to: &[(String, u16)], key: u8, server: bool) -> Option<()> {
    let _ = accepted.set_nodelay(true);
    let hello: Vec<u8> = HELLO.iter().map(|byte| byte ^ key).collect();
    let (mut wire, plain) = if server {
        let mut wire = accepted;
        if !greeted(&mut wire, key) {
            return None;
        }
        (wire, dial(to)?)
    } else {
        if accepted.peek(&mut [0]).ok()? == 0 {
            return None; // P-24: nothing is dialed for nothing
        }
        (dial(to)?, accepted)
    };
    let _ = (wire.set_nodelay(true), plain.set_nodelay(true));
    wire.write_all(&hello).ok()?;
    let (to_wire, from_plain) = (wire.try_clone().ok()?, plain.try_clone().ok()?);
    let up = thread::Builder::new().stack_size(128 << 10).spawn(move || pump(from_plain, to_wire, key)).ok()?;
    if server || greeted(&mut wire, key) {
        pump(wire, plain, key);
    } else {
        let _ = (wire.shutdown(Shutdown::Both), plain.shutdown(Shutdown::Both));
    }
    up.join().ok()
}

fn main() {
    let names = ["SS_REMOTE_HOST", "SS_REMOTE_PORT", "SS_LOCAL_HOST", "SS_LOCAL_PORT"];
    if names.iter().all(|name| env::var(name).is_err()) {
        fail(64, "no host: see docs/sip003.md");
    }
    unsafe {
        signal(15, stop);
        signal(2, stop);
        for number in [1, 10, 12] {
            extern "C" fn nothing(_: i32) {}
            signal(number, nothing); // P-14
        }
    }
    let text = env::var("SS_PLUGIN_OPTIONS").unwrap_or_default();
    let found = options(&text).unwrap_or_else(|at| fail(78, &format!("SS_PLUGIN_OPTIONS: byte {at} is wrong")));
    let key = found.get("key").map_or(Ok(90), |word| word.parse::<u8>()).unwrap_or(0);
    if key == 0 {
        fail(78, "key is no number from 1 to 255"); // P-7
    }
    if env::var("SS_PLUGIN_MODE").unwrap_or("tcp_only".into()) != "tcp_only" {
        fail(78, "this plugin carries no UDP"); // P-26
    }
    let role = env::var("SS_PLUGIN_ROLE").unwrap_or_default();
    let server = role == "server" || (role.is_empty() && found.contains_key("server"));
    let (local, remote) = (addresses("LOCAL"), addresses("REMOTE"));
    let (near, far) = if server { (remote, local) } else { (local, remote) };
    let (open, far) = (listen(&near), Arc::new(far));
    if let Ok(fd) = env::var("SS_PLUGIN_NOTIFY_FD").unwrap_or_default().parse::<i32>() {
        let _ = unsafe { fs::File::from_raw_fd(fd) }.write_all(b"READY=1\n"); // P-27, P-28
    }
    let parent = std::os::unix::process::parent_id();
    thread::spawn(move || {
        while std::os::unix::process::parent_id() == parent {
            thread::sleep(time::Duration::from_millis(500));
        }
        process::exit(0) // P-15
    });
    if env::var("SS_EXIT_ON_STDIN_CLOSE").as_deref() == Ok("1") {
        thread::spawn(|| {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            process::exit(0); // 6.4
        });
    }
    let threads: Vec<_> = open.into_iter().map(|listener| {
        let far = far.clone();
        thread::spawn(move || loop {
            match listener.accept() {
                Ok((accepted, _)) => {
                    let far = far.clone();
                    let small = thread::Builder::new().stack_size(128 << 10);
                    let _ = small.spawn(move || serve(accepted, &far, key, server));
                }
                Err(_) => thread::sleep(time::Duration::from_millis(50)), // no descriptor is left
            }
        })
    }).collect();
    threads.into_iter().for_each(|thread| drop(thread.join()));
}
