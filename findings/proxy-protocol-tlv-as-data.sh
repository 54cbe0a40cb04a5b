#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# In PROXY protocol v2 (section 2.2) the length covers the addresses and the TLVs behind them, and a
# receiver skips what it does not know. In v1 (section 2.1) "PROXY UNKNOWN" tells that the sender
# knows no addresses; a receiver must accept it and ignore the rest of the line.
# One would expect the "data" that the npm package proxy-protocol-js parses out of a packet to be
# what the client sent. It is everything behind the addresses: the length is only compared with the
# least one, TLVs stand in front of the client's first bytes, and as neither the length nor the TLVs
# are told there is no way to take them off. HAProxy with proxy-v2-options and network load
# balancers of clouds send TLVs with each connection. The UNKNOWN line, which HAProxy sends for
# connections over a UNIX socket, is an error.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

npm_packages proxy-protocol-js@4.0.6
observe node --input-type=module - <<'JS'
import library from "proxy-protocol-js";

const addresses = Buffer.from([192, 0, 2, 1, 192, 0, 2, 2, 0x9c, 0x40, 0x01, 0xbb]);
const uniqueId = Buffer.from([0x05, 0x00, 0x04, ...Buffer.from("id-7")]); // PP2_TYPE_UNIQUE_ID
const packet = (command, family, ...parts) => {
  const body = Buffer.concat(parts);
  const head = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x20 | command, family];
  return Buffer.concat([Buffer.from([...head, body.length >> 8, body.length & 255]), body, Buffer.from("GET /")]);
};
const v2 = {
  "addresses only": packet(1, 0x11, addresses),
  "addresses and a TLV": packet(1, 0x11, addresses, uniqueId),
  "LOCAL, without a family, and a TLV": packet(0, 0x00, uniqueId),
};
for (const [name, bytes] of Object.entries(v2)) {
  const parsed = library.V2ProxyProtocol.parse(new Uint8Array(bytes));
  console.log(`v2, ${name}: data ${JSON.stringify(Buffer.from(parsed.data).toString("latin1"))}`);
}
for (const line of ["PROXY TCP4 192.0.2.1 192.0.2.2 40000 443", "PROXY UNKNOWN"])
  try {
    console.log(`v1, ${line}: data ${JSON.stringify(library.V1ProxyProtocol.parse(`${line}\r\nGET /`).data)}`);
  } catch (error) {
    console.log(`v1, ${line}: ${error.name}`);
  }
JS
sees 'v2, addresses only: data "GET /"'
sees 'v2, addresses and a TLV: data "\u0005\u0000\u0004id-7GET /"'
sees 'v2, LOCAL, without a family, and a TLV: data "\u0005\u0000\u0004id-7GET /"'
sees 'v1, PROXY TCP4 192.0.2.1 192.0.2.2 40000 443: data "GET /"'
sees 'v1, PROXY UNKNOWN: V1ProxyProtocolParseError'
verdict
