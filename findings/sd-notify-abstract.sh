#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# sd_notify(3): NOTIFY_SOCKET may name a socket in the file system or, with a first "@", one in the
# abstract name space; WATCHDOG_PID names the process whose pings count, the others stay silent.
# One would expect a library for this protocol of one datagram to follow both. Of three on PyPI
# sd-notify 0.1.0 takes the "@" for a file name and raises FileNotFoundError, so that a service
# under a manager with an abstract socket ends at "ready"; the other two send READY=1. async-sdnotify
# pings for WATCHDOG_USEC although WATCHDOG_PID is another process, as in a child that inherited the
# environment. sd-notify's enabled(), which its page calls the watchdog's state, is true without one.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

python_packages sd-notify==0.1.0 sdnotify==0.3.2 async-sdnotify==0.1.0.post1
observe python - <<'PY'
import asyncio
import os
import socket

import aiosdnotify
import sd_notify
import sdnotify


async def asynchronous(pings):
    notifier = aiosdnotify.SystemdNotifier(debug=True)
    await notifier.connect()
    notifier.ready()
    if pings:
        notifier.start_watchdog()
        await asyncio.sleep(0.2)
    notifier.disconnect()


def heard(manager, run):
    try:
        run()
    except OSError as error:
        return type(error).__name__
    try:
        return manager.recv(4096).decode().strip()
    except TimeoutError:
        return "nothing"


name = f"finding-{os.getpid()}"
for shown, bound, value in ("file", "notify.sock", os.path.abspath("notify.sock")), ("abstract", f"\0{name}", f"@{name}"):
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(bound)
    manager.settimeout(2)
    os.environ["NOTIFY_SOCKET"] = value
    print(f"{shown}, sdnotify 0.3.2: {heard(manager, lambda: sdnotify.SystemdNotifier(debug=True).notify('READY=1'))}")
    print(f"{shown}, async-sdnotify 0.1.0.post1: {heard(manager, lambda: asyncio.run(asynchronous(False)))}")
    print(f"{shown}, sd-notify 0.1.0: {heard(manager, lambda: sd_notify.Notifier().ready())}")
print(f"no watchdog is asked for, sd-notify's enabled(): {sd_notify.Notifier().enabled()}")
os.environ["WATCHDOG_USEC"] = "100000"
os.environ["WATCHDOG_PID"] = "1"
heard(manager, lambda: asyncio.run(asynchronous(True)))
print(f"WATCHDOG_PID=1, async-sdnotify sends {manager.recv(4096).decode()}")
PY
for library in 'sdnotify 0.3.2' 'async-sdnotify 0.1.0.post1' 'sd-notify 0.1.0'; do
    sees "file, $library: READY=1"
done
sees 'abstract, sdnotify 0.3.2: READY=1'
sees 'abstract, async-sdnotify 0.1.0.post1: READY=1'
sees 'abstract, sd-notify 0.1.0: FileNotFoundError'
sees "no watchdog is asked for, sd-notify's enabled(): True"
sees 'WATCHDOG_PID=1, async-sdnotify sends WATCHDOG=1'
verdict
