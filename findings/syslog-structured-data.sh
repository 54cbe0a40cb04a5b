#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# RFC 5424: a message has structured data, elements such as [id name="value"], in front of an
# optional text (section 6). An element may have no parameters, a name may come twice in one element
# (section 7.2.1 has an example: an origin with two addresses), and a value writes a quotation mark
# as \" (section 6.3.3).
# One would expect a parser to give the elements and the text. nsyslog-parser knows one shape only.
# An element without parameters and one with an escape become the text, an element whose id has no
# "@" loses its own head, which makes the rest of it the text, and where there is no text at all the
# text is "-". syslog-rfc5424-parser keeps the backslashes in the value, and of two addresses the
# last one. The missing process is None there, and the missing host is the string "-". A program
# that logs for machines does well to use plain values and each name once.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

python_packages syslog-rfc5424-parser==0.3.2
npm_packages nsyslog-parser@0.10.1
cat >messages.json <<'JSON'
{
  "plain": "<34>1 - host app 7 m [id@1 k=\"v\"] text",
  "no text": "<34>1 - host app 7 m -",
  "no parameter": "<34>1 - host app 7 m [id@1] text",
  "escape": "<34>1 - host app 7 m [id@1 k=\"say \\\"a\\\"\"] text",
  "two addresses": "<34>1 - host app 7 m [origin ip=\"192.0.2.1\" ip=\"192.0.2.129\"] text",
  "nothing known": "<34>1 - - - - - - text"
}
JSON
cat >parse.mjs <<'JS'
import { readFileSync } from "node:fs";
import parse from "nsyslog-parser";

for (const [name, message] of Object.entries(JSON.parse(readFileSync("messages.json")))) {
  const { structuredData, message: text } = parse(message);
  console.log(`nsyslog-parser 0.10.1, ${name}: ${JSON.stringify(structuredData)} ${text}`);
}
JS
observe node parse.mjs
observe python - <<'PY'
import json

from syslog_rfc5424_parser import SyslogMessage

for name, message in json.load(open("messages.json")).items():
    read = SyslogMessage.parse(message).as_dict()
    print(f"syslog-rfc5424-parser 0.3.2, {name}: {json.dumps(read['sd'])} {read['msg']}")
    if name == "nothing known":
        print(f"syslog-rfc5424-parser 0.3.2, {name}: host {read['hostname']!r}, process {read['procid']!r}")
PY
sees 'nsyslog-parser 0.10.1, plain: [{"$id":"id@1","k":"v"}] text'
sees 'nsyslog-parser 0.10.1, no text: [] -'
sees 'nsyslog-parser 0.10.1, no parameter: [] [id@1] text'
sees 'nsyslog-parser 0.10.1, escape: [] [id@1 k="say \"a\""] text'
sees 'nsyslog-parser 0.10.1, two addresses: [] ip="192.0.2.1" ip="192.0.2.129"] text'
sees 'syslog-rfc5424-parser 0.3.2, plain: {"id@1": {"k": "v"}} text'
sees 'syslog-rfc5424-parser 0.3.2, no text: {} None'
sees 'syslog-rfc5424-parser 0.3.2, no parameter: {"id@1": {}} text'
sees 'syslog-rfc5424-parser 0.3.2, escape: {"id@1": {"k": "say \\\"a\\\""}} text'
sees 'syslog-rfc5424-parser 0.3.2, two addresses: {"origin": {"ip": "192.0.2.129"}} text'
sees "syslog-rfc5424-parser 0.3.2, nothing known: host '-', process None"
verdict
