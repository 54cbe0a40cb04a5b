# SPDX-License-Identifier: Apache-2.0
"""host.py - host.c in Python, by cffi:  host.py INCLUDE-DIRECTORY PLUGIN HOST PORT [OPTIONS]

cffi reads the declarations of the installed headers, which a C preprocessor has made plain.
"""

import re
import select
import signal
import subprocess
import sys

import cffi


def declarations(include):
    """host.h without what cffi does not read: attributes, and the headers of the system."""
    command = ["cc", "-E", f"-I{include}", "-DSSP_API=", "-xc", "-"]
    lines = subprocess.run(command, input="#include <ssplugin/host.h>\n", capture_output=True, text=True, check=True)
    ours, kept = False, []
    for line in lines.stdout.splitlines():
        if marker := re.match(r'# \d+ "([^"]*)"', line):
            ours = "/ssplugin/" in marker[1]
        elif ours:
            kept.append(line)
    text = re.sub(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)", "", "\n".join(kept))
    return re.sub(r"\b_Bool\b", "bool", text)


def main():
    include, plugin, host, port, *options = sys.argv[1:]
    ffi = cffi.FFI()
    ffi.cdef(declarations(include))
    lib = ffi.dlopen("libssplugin.so.1")
    loop, why = lib.ssp_loop_new(), ffi.new("char[]", 1024)
    running = [True]

    # What C borrows has to live here until the call has ended.
    texts = [ffi.new("char[]", text.encode()) for text in (plugin, host, "127.0.0.1", *options)]
    conf = ffi.new("ssp_host_conf *")
    conf.size = ffi.sizeof("ssp_host_conf")
    conf.plugin, conf.remote_host, conf.local_host = texts[:3]
    conf.options = texts[3] if options else ffi.NULL
    conf.remote_port = int(port)
    conf.role = lib.SSP_CLIENT
    conf.ready_ms, conf.grace_ms = 10000, 2000

    def on_death(_, why):
        print("dead:", ffi.string(why).decode(), flush=True)
        running[0] = False

    ready = ffi.callback("void(void *)", lambda _: print("ready on port", lib.ssp_host_port(hosted), flush=True))
    death = ffi.callback("void(void *, const char *)", on_death)
    conf.on_ready, conf.on_down, conf.on_death = ready, death, death

    signal.signal(signal.SIGTERM, lambda *_: running.__setitem__(0, False))
    hosted = lib.ssp_host_start(loop, conf, why, len(why))
    if hosted == ffi.NULL:
        sys.exit(ffi.string(why).decode())
    waiting = select.poll()
    waiting.register(lib.ssp_loop_fd(loop), select.POLLIN)
    while running[0]:
        waiting.poll(200)  # a signal handler of Python runs between two turns
        lib.ssp_loop_turn(loop, 0)
    lib.ssp_host_stop(hosted)
    lib.ssp_loop_free(loop)


main()
