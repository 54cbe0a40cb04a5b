#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# RFC 4632, section 3.1: a prefix of n bits is a block of 2^(32-n) addresses, and two halves side by
# side are the block that is one bit shorter. Routers of VPNs use 0.0.0.0/1 and 128.0.0.0/1 daily.
# One would expect summarize() of the npm package netparser to join any two halves. When the block
# ends with the last address of all, the upper half is dropped and the lower one comes back alone:
# 0.0.0.0/1 for the whole of IPv4, ::/1 for the whole of IPv6, 128.0.0.0/2 for 128.0.0.0/1. Elsewhere
# the same call is right, and cidr-tools and fast-cidr-tools are right everywhere. A list of networks
# that goes through it before it becomes routes or rules has lost addresses without an error.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

npm_packages netparser@1.9.0 cidr-tools@11.3.2 fast-cidr-tools@0.3.4
cat >summarize.mjs <<'JS'
import { mergeCidr } from "cidr-tools";
import { merge } from "fast-cidr-tools";
import netparser from "netparser";

const halves = [
  ["10.0.0.0/9", "10.128.0.0/9"],
  ["0.0.0.0/1", "128.0.0.0/1"],
  ["128.0.0.0/2", "192.0.0.0/2"],
  ["255.255.255.254/32", "255.255.255.255/32"],
  ["::/1", "8000::/1"],
];
for (const pair of halves) {
  console.log(`netparser 1.9.0, ${pair.join(" + ")}: ${netparser.summarize(pair)}`);
  console.log(`cidr-tools 11.3.2, ${pair.join(" + ")}: ${mergeCidr(pair)}`);
  console.log(`fast-cidr-tools 0.3.4, ${pair.join(" + ")}: ${merge(pair)}`);
}
JS
observe node summarize.mjs
sees 'netparser 1.9.0, 10.0.0.0/9 + 10.128.0.0/9: 10.0.0.0/8'
sees 'netparser 1.9.0, 0.0.0.0/1 + 128.0.0.0/1: 0.0.0.0/1'
sees 'netparser 1.9.0, 128.0.0.0/2 + 192.0.0.0/2: 128.0.0.0/2'
sees 'netparser 1.9.0, 255.255.255.254/32 + 255.255.255.255/32: 255.255.255.254/32'
sees 'netparser 1.9.0, ::/1 + 8000::/1: ::/1'
for library in 'cidr-tools 11.3.2' 'fast-cidr-tools 0.3.4'; do
    sees "$library, 0.0.0.0/1 + 128.0.0.0/1: 0.0.0.0/0"
    sees "$library, ::/1 + 8000::/1: ::/0"
done
verdict
