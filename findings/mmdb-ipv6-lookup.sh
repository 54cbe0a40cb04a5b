#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A MaxMind DB has an ip_version; one of version 4 holds no IPv6 address, and its tree is 32 bits
# deep.
# One would expect such a file to know nothing of an IPv6 address. Three npm readers walk down the
# tree with its first 32 bits: 2001:db8::1 gets the record of 32.1.13.184, in a country of its own.
# The Python reader raises an error. Of ::ffff:192.0.2.1, as a socket of both families writes an IPv4
# address, one reader finds the address, one raises an error, and one gives the record of 0.0.0.0, as
# all three do for the form ::ffff:c000:201.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

python_packages mmdb-writer==0.2.7 maxminddb==3.2.0 netaddr==1.3.0
npm_packages mmdb-lib@3.0.3 mmdb-reader@1.2.0 maxmind-db-reader@0.2.1
cat >read.mjs <<'JS'
import { readFileSync } from "node:fs";
import { Reader } from "mmdb-lib";
import mmdbReader from "mmdb-reader";
import maxmindDbReader from "maxmind-db-reader";

const file = "four.mmdb";
const first = new Reader(readFileSync(file));
const second = new mmdbReader(readFileSync(file));
const third = maxmindDbReader.openSync(file);
const readers = {
  "mmdb-lib 3.0.3": (ip) => first.get(ip),
  "mmdb-reader 1.2.0": (ip) => second.lookup(ip),
  "maxmind-db-reader 0.2.1": (ip) => third.getGeoDataSync(ip),
};
for (const [name, lookup] of Object.entries(readers))
  for (const ip of ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "::ffff:c000:201"]) {
    let found;
    try {
      found = lookup(ip)?.of ?? "nothing";
    } catch {
      found = "an error";
    }
    console.log(`${name}, ${ip}: ${found}`);
  }
JS
observe python - <<'PY'
import maxminddb
from mmdb_writer import MMDBWriter
from netaddr import IPSet

writer = MMDBWriter(ip_version=4)
for network in ("0.0.0.0/8", "32.1.0.0/16", "192.0.2.0/24"):
    writer.insert_network(IPSet([network]), {"of": network})
writer.to_db_file("four.mmdb")
reader = maxminddb.open_database("four.mmdb")
for address in ("192.0.2.1", "2001:db8::1"):
    try:
        found = reader.get(address)["of"]
    except ValueError:
        found = "an error"
    print(f"maxminddb 3.2.0, {address}: {found}")
PY
observe node read.mjs
sees 'maxminddb 3.2.0, 192.0.2.1: 192.0.2.0/24'
sees 'maxminddb 3.2.0, 2001:db8::1: an error'
for reader in "mmdb-lib 3.0.3" "mmdb-reader 1.2.0" "maxmind-db-reader 0.2.1"; do
    sees "$reader, 192.0.2.1: 192.0.2.0/24"
    sees "$reader, 2001:db8::1: 32.1.0.0/16"
    sees "$reader, ::ffff:c000:201: 0.0.0.0/8"
done
sees 'mmdb-lib 3.0.3, ::ffff:192.0.2.1: 0.0.0.0/8'
sees 'mmdb-reader 1.2.0, ::ffff:192.0.2.1: 192.0.2.0/24'
sees 'maxmind-db-reader 0.2.1, ::ffff:192.0.2.1: an error'
verdict
