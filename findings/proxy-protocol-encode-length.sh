#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# In PROXY protocol v2 (section 2.2) the low half of byte 13 is the command, 0 for LOCAL and 1 for
# PROXY, and bytes 15 and 16 are the length of what follows, high byte first.
# One would expect v2_encode() of the npm package @balena/proxy-protocol-parser to announce the 12
# bytes of an IPv4 header as 00 0c. It writes 0c 00, which is 3072, and the command LOCAL. A
# receiver that follows the specification ignores the addresses because of LOCAL, and takes the
# first 3060 bytes of the application's data for more of the header. The package's own decoder reads
# neither field, so that a round trip looks right. IPv6 and UDP headers have both faults too.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

python_packages proxy-protocol==0.11.3 typing-extensions==4.15.0
npm_packages @balena/proxy-protocol-parser@1.0.2
cat >encode.mjs <<'JS'
import balena from "@balena/proxy-protocol-parser";

const from = { remoteFamily: "IPv4", remoteAddress: "192.0.2.1", remotePort: 40000 };
const to = { localAddress: "192.0.2.2", localPort: 443 };
const header = balena.v2_encode({ ...from, ...to });
console.log(header.toString("hex"), balena.decode(header, true).remoteAddress);
JS
observe python - <<'PY'
import subprocess

from proxyprotocol import ProxyProtocolIncompleteError
from proxyprotocol.v2 import ProxyProtocolV2

line = subprocess.run(["node", "encode.mjs"], capture_output=True, text=True, check=True).stdout
header, address = line.split()
header = bytes.fromhex(header)
print("@balena/proxy-protocol-parser 1.0.2 to proxy-protocol 0.11.3")
print(f"{header.hex()}: {len(header) - 16} bytes follow byte 16, its own decoder says {address}")
print(f"command {header[12] & 15}, length {int.from_bytes(header[14:16], 'big')}")
for data in 0, 3059, 3060:
    try:
        result = type(ProxyProtocolV2().unpack(header + bytes(data))).__name__
    except ProxyProtocolIncompleteError:
        result = "incomplete"
    print(f"another decoder, after {data} more bytes: {result}")
PY
sees 'command 0, length 3072'
sees 'another decoder, after 3059 more bytes: incomplete'
sees 'another decoder, after 3060 more bytes: ProxyResultLocal'
verdict
