#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A pcap file is in the byte order of the machine that wrote it, often a router with a big-endian
# processor, and its magic number says the order and whether times are in micro- or nanoseconds.
# One would expect pypcapfile, which knows all four magic numbers, to read all four. It returns no
# packet at all for both big-endian files, without an error, though it has read their header; in the
# nanosecond file the field timestamp_us holds nanoseconds. The npm package pcap-parser and
# pure-pcapy3 read both orders, and refuse nanoseconds.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

python_packages pypcapfile==0.12.0 pure-pcapy3==1.0.1
npm_packages pcap-parser@0.2.1
cat >read.mjs <<'JS'
import parser from "pcap-parser";

const seen = [];
parser.parse(process.argv[2])
  .on("packet", ({ header }) => seen.push(`${header.timestampSeconds} ${header.timestampMicroseconds}`))
  .on("error", () => seen.push("refused"))
  .on("end", () => console.log(seen.join(", ") || "no packet"));
JS
observe python - <<'PY'
import struct
import subprocess

import pure_pcapy
from pcapfile import savefile


def by_pypcapfile(file):
    read = savefile.load_savefile(open(file, "rb"))
    packets = [f"{packet.timestamp} {packet.timestamp_us}" for packet in read.packets]
    return ", ".join(packets) or f"no packet, but a header with a limit of {read.header.snaplen}"


def by_pure_pcapy(file):
    try:
        header, _ = pure_pcapy.open_offline(file).next()
    except pure_pcapy.PcapError:
        return "refused"
    return "%d %d" % header.getts()


def by_pcap_parser(file):
    out = subprocess.run(["node", "read.mjs", file], capture_output=True, text=True)
    return out.stdout.strip() or "refused"


READERS = {
    "pypcapfile 0.12.0": by_pypcapfile,
    "pure-pcapy3 1.0.1": by_pure_pcapy,
    "pcap-parser 0.2.1": by_pcap_parser,
}
for unit, magic, fraction in (("micro", 0xA1B2C3D4, 123456), ("nano", 0xA1B23C4D, 123456789)):
    for order, sign in (("little", "<"), ("big", ">")):
        with open("file.pcap", "wb") as f:
            f.write(struct.pack(sign + "IHHiIII", magic, 2, 4, 0, 0, 65535, 1))
            f.write(struct.pack(sign + "IIII", 1700000000, fraction, 60, 60) + bytes(60))
        for name, read in READERS.items():
            print(f"{unit}seconds, {order}-endian, {name}: {read('file.pcap')}")
PY
sees 'microseconds, little-endian, pypcapfile 0.12.0: 1700000000 123456'
sees 'microseconds, big-endian, pypcapfile 0.12.0: no packet, but a header with a limit of 65535'
sees 'nanoseconds, big-endian, pypcapfile 0.12.0: no packet, but a header with a limit of 65535'
sees 'nanoseconds, little-endian, pypcapfile 0.12.0: 1700000000 123456789'
sees 'microseconds, big-endian, pure-pcapy3 1.0.1: 1700000000 123456'
sees 'microseconds, big-endian, pcap-parser 0.2.1: 1700000000 123456'
sees 'nanoseconds, little-endian, pcap-parser 0.2.1: refused'
sees 'nanoseconds, little-endian, pure-pcapy3 1.0.1: refused'
verdict
