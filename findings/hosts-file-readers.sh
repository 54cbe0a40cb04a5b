#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# hosts(5): a line has an address, a name and aliases, with blanks between them; names are those of
# DNS, which do not differ by case (RFC 4343). A name may stand in several lines, and the first one is
# what gethostbyname() gives. RFC 4007, section 11: a link-local address has a zone behind "%".
# One would expect libraries for this file to read it as the system does. hosts-parser gives the last
# line of a name and does not find Upper.Example as upper.example. hostile takes the blanks in front of
# a line for its address, and address and names for the name. python-hosts leaves out a line whose
# address has a zone, without an error, so that writing the file back deletes it.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

python_packages python-hosts==1.1.3
npm_packages hosts-parser@0.3.2 hostile@1.4.0
cat >hosts <<'TEXT'
192.0.2.1 twice.example
192.0.2.2 twice.example
192.0.2.3 Upper.Example
fe80::1%eth0 link.example
  192.0.2.4 indented.example
TEXT
cat >read.mjs <<'JS'
import { readFileSync } from "node:fs";
import hostile from "hostile";
import { Hosts } from "hosts-parser";

const hosts = new Hosts(readFileSync("hosts", "utf8"));
for (const name of ["twice.example", "Upper.Example", "upper.example", "link.example", "indented.example"]) {
  console.log(`hosts-parser 0.3.2, ${name}: ${hosts.resolve(name)}`);
}
for (const [address, names] of hostile.getFile("hosts", false)) {
  console.log(`hostile 1.4.0: "${address}" is "${names}"`);
}
JS
observe node read.mjs
observe python - <<'PY'
from python_hosts import Hosts

for entry in Hosts(path="hosts").entries:
    print(f"python-hosts 1.1.3: {entry.address} is {' '.join(entry.names)}")
PY
sees 'hosts-parser 0.3.2, twice.example: 192.0.2.2'
sees 'hosts-parser 0.3.2, Upper.Example: 192.0.2.3'
sees 'hosts-parser 0.3.2, upper.example: undefined'
sees 'hosts-parser 0.3.2, link.example: fe80::1%eth0'
sees 'hosts-parser 0.3.2, indented.example: 192.0.2.4'
sees 'hostile 1.4.0: "192.0.2.1" is "twice.example"'
grep -qE '^hostile 1.4.0: " +" is "192.0.2.4 indented.example"$' seen || sees 'hostile 1.4.0 with blanks as the address'
sees 'hostile 1.4.0: "fe80::1%eth0" is "link.example"'
sees 'python-hosts 1.1.3: 192.0.2.4 is indented.example'
if grep -q '^python-hosts.*link.example' seen; then
    echo "no longer left out: link.example"
    exit 1
fi
verdict
