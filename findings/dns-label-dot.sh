#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A DNS name is a sequence of labels of any octets, and a dot inside of one is written "\." (RFC 1035,
# sections 3.1 and 5.1). DNS-SD makes such names daily: a service instance is one label, "Printer
# 2.1" (RFC 6763, section 4.1.1). A record of an unknown type is opaque data (RFC 3597, section 3).
# One would expect a message that was read and written again to ask for the same name. Of five
# libraries only dnslib keeps the label, and in text it escapes the space but not the dot. dns2,
# native-dns-packet, dns-js and dnsd make two labels of it, so that a relay built on them asks for
# another name, and its user gets "no such name". dnsd also drops the eighth bit of each octet of a
# TXT string, and raises an error for each message about the type HTTPS, which browsers ask for with
# every address.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

python_packages dnslib==0.9.26
npm_packages dns2@3.0.0 native-dns-packet@0.1.1 dns-js@0.3.1 dnsd@0.9.6
cat >again.cjs <<'JS'
const { Packet } = require("dns2");
const native = require("native-dns-packet");
const { DNSPacket } = require("dns-js");
const Message = require("dnsd/message");

const libraries = {
  "dns2 3.0.0": (bytes) => Packet.parse(bytes).toBuffer(),
  "native-dns-packet 0.1.1": (bytes) => {
    const buffer = Buffer.alloc(512);
    return buffer.subarray(0, native.write(buffer, native.parse(bytes)));
  },
  "dns-js 0.3.1": (bytes) => DNSPacket.toBuffer(DNSPacket.parse(bytes)),
  "dnsd 0.9.6": (bytes) => new Message(bytes).toBinary(),
};
const [query, text, https] = process.argv.slice(2).map((hex) => Buffer.from(hex, "hex"));
for (const [name, again] of Object.entries(libraries))
  console.log(`${name}: ${again(query).subarray(12).toString("latin1").replace(/[^ -~]/g, "|")}`);
console.log(`dnsd 0.9.6, a TXT string of c3 a9: ${Buffer.from(new Message(text).answer[0].data, "latin1").toString("hex")}`);
try {
  console.log(`dnsd 0.9.6, an answer of type HTTPS: ${new Message(https).answer.length} record`);
} catch (error) {
  console.log(`dnsd 0.9.6, an answer of type HTTPS: ${error.message}`);
}
JS
observe python - <<'PY'
import struct
import subprocess

from dnslib import DNSRecord


def message(answers, question, record=b""):
    return struct.pack(">HHHHHH", 7, 0x8180 if answers else 0x0100, 1, answers, 0, 0) + question + record


def name(*labels):
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def record(kind, data):
    return b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data


query = message(0, name(b"Printer 2.1", b"_ipp", b"_tcp", b"example") + b"\0\x21\0\1")
text = message(1, name(b"a", b"example") + b"\0\x10\0\1", record(16, b"\2\xc3\xa9"))
https = message(1, name(b"a", b"example") + b"\0\x41\0\1", record(65, b"\0\1\0"))
read = DNSRecord.parse(query)
print(f"dnslib 0.9.26: {''.join(chr(c) if 32 <= c < 127 else '|' for c in read.pack()[12:])}, shown as {read.q.qname}", flush=True)
subprocess.run(["node", "again.cjs", query.hex(), text.hex(), https.hex()], check=True)
PY
sees 'dnslib 0.9.26: |Printer 2.1|_ipp|_tcp|example||!||, shown as Printer\0322.1._ipp._tcp.example.'
for library in 'dns2 3.0.0' 'native-dns-packet 0.1.1' 'dns-js 0.3.1' 'dnsd 0.9.6'; do
    sees "$library: |Printer 2|1|_ipp|_tcp|example||!||"
done
sees 'dnsd 0.9.6, a TXT string of c3 a9: 4329'
sees 'dnsd 0.9.6, an answer of type HTTPS: Record 0 in section "question" has unknown type: 65'
verdict
