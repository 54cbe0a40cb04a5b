#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A pcapng file may hold several sections, each with its own interfaces that are counted from 0
# (sections 4.1 and 4.2 of the draft), and every interface says in which unit its packets' times are
# counted (if_tsresol) and what is to be added to them (if_tsoffset). mergecap, a capture on "any"
# and two files put one behind the other make such files.
# One would expect each packet to come with its time. dpkt takes the unit of the first interface for
# all of them, and dpkt and scapy keep the unit of the first section for the second one: packets of
# an interface that counts microseconds are then of January 1970. scapy and python-pcapng leave the
# offset out. A Simple Packet Block, which has no time, is not returned by dpkt, and scapy stamps it
# with the moment of reading. Nothing is said in any case. tcpdump gives the times that were written.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

debian tcpdump=4.99.3-1 libpcap0.8=1.10.3-1
python_packages dpkt==1.9.8 scapy==2.8.0 python-pcapng==2.1.1
observe python - <<'PY'
import struct
import subprocess
import warnings

warnings.simplefilter("ignore")
import dpkt
from pcapng import FileScanner
from pcapng.blocks import EnhancedPacket, SimplePacket
from scapy.utils import PcapNgReader

SECOND = 1700000000


def block(kind, body):
    body += bytes(-len(body) % 4)
    length = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + length + body + length


def section():
    return block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(digits, offset=0):
    options = struct.pack("<HHB3x", 9, 1, digits) + struct.pack("<HHq", 14, 8, offset) + bytes(4)
    return block(1, struct.pack("<HHI", 1, 0, 65535) + options)


def packet(number, time):
    return block(6, struct.pack("<IIIII", number, time >> 32, time & 0xFFFFFFFF, 60, 60) + bytes(60))


def simple():
    return block(3, struct.pack("<I", 60) + bytes(60))


FILES = {
    "one interface": section() + interface(6) + packet(0, SECOND * 10**6),
    "two interfaces": section() + interface(9) + interface(6) + packet(0, SECOND * 10**9)
    + packet(1, SECOND * 10**6),
    "two sections": section() + interface(9) + packet(0, SECOND * 10**9)
    + section() + interface(6) + packet(0, SECOND * 10**6),
    "an offset": section() + interface(6, SECOND - 7) + packet(0, 7 * 10**6),
    "a simple packet": section() + interface(6) + simple(),
}


def by_tcpdump(file):
    out = subprocess.run(["tcpdump", "-Z", "root", "-ttnr", file], capture_output=True, text=True)
    return [float(line.split()[0]) for line in out.stdout.splitlines() if line[:1].isdigit()]


def by_dpkt(file):
    return [float(time) for time, _ in dpkt.pcapng.Reader(open(file, "rb"))]


def by_scapy(file):
    return [float(packet.time) for packet in PcapNgReader(file)]


def by_python_pcapng(file):
    kinds = (EnhancedPacket, SimplePacket)
    blocks = [b for b in FileScanner(open(file, "rb")) if isinstance(b, kinds)]
    return [getattr(b, "timestamp", None) for b in blocks]


def shown(time):
    if time is None:
        return "no time"
    return "today" if time > SECOND + 3e7 and time < 1e10 else f"{time:.0f}"


READERS = {
    "tcpdump 4.99.3": by_tcpdump,
    "dpkt 1.9.8": by_dpkt,
    "scapy 2.8.0": by_scapy,
    "python-pcapng 2.1.1": by_python_pcapng,
}
for name, content in FILES.items():
    with open("file.pcapng", "wb") as f:
        f.write(content)
    for reader, read in READERS.items():
        print(f"{name}, {reader}:", ", ".join(map(shown, read("file.pcapng"))) or "no packet")
PY
for reader in "tcpdump 4.99.3" "dpkt 1.9.8" "scapy 2.8.0" "python-pcapng 2.1.1"; do
    sees "one interface, $reader: 1700000000"
done
sees 'two interfaces, tcpdump 4.99.3: 1700000000, 1700000000'
sees 'two interfaces, dpkt 1.9.8: 1700000000, 1700000'
sees 'two sections, tcpdump 4.99.3: 1700000000, 1700000000'
sees 'two sections, dpkt 1.9.8: 1700000000, 1700000'
sees 'two sections, scapy 2.8.0: 1700000000, 1700000'
sees 'an offset, tcpdump 4.99.3: 1700000000'
sees 'an offset, scapy 2.8.0: 7'
sees 'an offset, python-pcapng 2.1.1: 7'
sees 'a simple packet, dpkt 1.9.8: no packet'
sees 'a simple packet, scapy 2.8.0: today'
verdict
