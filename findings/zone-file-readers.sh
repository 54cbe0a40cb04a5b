#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Zone files (RFC 1035, section 5.1): a line that begins with a blank has the name of the line before
# it, $ORIGIN holds for the lines below it, and ";" in a quoted string is no comment. RFC 2308 and
# every name server add $TTL, and BIND's times have units, such as 1h.
# One would expect three npm packages that read and write zone files to know these lines. zone-file
# and dns-zonefile keep one $ORIGIN, the last, so that everything above it moves into another domain;
# an hour is 1 second in one, and the 2h of a SOA record 2 seconds in both. A line without a name
# belongs to a host called "IN" in one and to the domain itself in the other. A TTL of 1d is lost in
# one, and the whole CNAME record with it in the other; zone-file ends a quoted string at ";". dnsz
# gives the owners right and leaves the names in the data without their origin, of which it then
# writes the last one. Nothing is said.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

python_packages dnspython==2.9.2
npm_packages zone-file@1.0.0 dns-zonefile@0.3.2 dnsz@4.5.2
cat >zone <<'ZONE'
$ORIGIN example.com.
$TTL 1h
@ IN SOA ns.example.com. host.example.com. ( 1 2h 3 4 5 )
ns IN A 192.0.2.1
   IN AAAA 2001:db8::1
www 1d IN CNAME ns
txt IN TXT "a;b"
$ORIGIN sub.example.com.
host IN A 192.0.2.2
ZONE
cat >read.mjs <<'JS'
import { readFileSync } from "node:fs";
import dnsZonefile from "dns-zonefile";
import { parseZone, stringifyZone } from "dnsz";
import zoneFile from "zone-file";

const zone = readFileSync("zone", "utf8");
for (const [name, read] of [["zone-file 1.0.0", zoneFile.parseZoneFile], ["dns-zonefile 0.3.2", dnsZonefile.parse]]) {
  const { $origin, $ttl, soa, ...others } = read(zone);
  console.log(`${name}, origin ${$origin}, TTL ${$ttl}, refresh ${soa.refresh}`);
  for (const [type, records] of Object.entries(others))
    for (const record of records) console.log(`${name}, ${type}: ${JSON.stringify(record)}`);
}
const read = parseZone(zone);
for (const { name, type, content } of read.records.filter(({ type }) => type !== "SOA"))
  console.log(`dnsz 4.5.2, ${name} ${type} ${content}`);
const written = stringifyZone(read).split("\n").filter((line) => /ORIGIN|CNAME\t/.test(line));
console.log(`dnsz 4.5.2 writes: ${written.join(" / ").replaceAll("\t", " ")}`);
JS
observe python - <<'PY'
import dns.rdatatype
import dns.zone

zone = dns.zone.from_text(open("zone").read().replace("\n$ORIGIN sub", "\n@ IN NS ns\n$ORIGIN sub"),
                          "example.com.", relativize=False)
for name, ttl, data in zone.iterate_rdatas():
    if data.rdtype not in (dns.rdatatype.SOA, dns.rdatatype.NS):
        print(f"dnspython 2.9.2, {name} {ttl} {dns.rdatatype.to_text(data.rdtype)} {data}")
PY
observe node read.mjs
sees 'dnspython 2.9.2, ns.example.com. 3600 AAAA 2001:db8::1'
sees 'dnspython 2.9.2, www.example.com. 86400 CNAME ns.example.com.'
sees 'dnspython 2.9.2, host.sub.example.com. 3600 A 192.0.2.2'
sees 'zone-file 1.0.0, origin sub.example.com., TTL 1, refresh 2'
sees 'zone-file 1.0.0, aaaa: {"name":"IN","ip":"2001:db8::1"}'
sees 'zone-file 1.0.0, cname: {"name":"www","alias":"ns"}'
sees 'zone-file 1.0.0, txt: {"name":"txt","txt":"a"}'
sees 'dns-zonefile 0.3.2, origin sub.example.com., TTL 1h, refresh 2'
sees 'dns-zonefile 0.3.2, aaaa: {"name":"@","ip":"2001:db8::1"}'
sees 'dnsz 4.5.2, www.example.com CNAME ns'
sees 'dnsz 4.5.2 writes: $ORIGIN sub.example.com. / www.example.com. 86400 IN CNAME ns'
if grep -q '^dns-zonefile.*cname' seen; then
    echo "no longer seen: dns-zonefile 0.3.2 loses the CNAME" >&2
    missed=1
fi
verdict
