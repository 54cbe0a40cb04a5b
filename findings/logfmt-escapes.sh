#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# logfmt, the "key=value" lines of many daemons' logs, writes a value with blanks in quotation marks,
# and in there a quotation mark, a backslash and a line break with a backslash, as in JSON. The
# formatter logfmter does so.
# One would expect readers of the format to give the values back. The PyPI package logfmt knows no
# escape but \": with any other the value becomes True, and all keys behind it on the line are gone.
# The npm package logfmt makes the letter n of a line break, and itself writes a value with a line
# break as two lines without quotation marks. Quoted values without a backslash come back from both.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

python_packages logfmter==0.0.12 logfmt==0.4
npm_packages logfmt@1.4.0
cat >read.mjs <<'JS'
import logfmt from "logfmt";
import { readFileSync } from "node:fs";

for (const [name, line] of Object.entries(JSON.parse(readFileSync("lines.json"))))
  console.log(`npm logfmt 1.4.0, ${name}: ${JSON.stringify(logfmt.parse(line))}`);
console.log(`npm logfmt 1.4.0 writes: ${JSON.stringify(logfmt.stringify({ error: "first\nsecond", port: 8388 }))}`);
JS
observe python - <<'PY'
import io
import json
import logging

import logfmt
from logfmter import Logfmter

VALUES = {
    "blank": "connection refused",
    "quotation marks": 'plugin "obfs" died',
    "backslash": "bad option host\\;path",
    "line break": "first line\nsecond line",
}
lines = {}
for name, value in VALUES.items():
    record = logging.LogRecord("n", logging.INFO, "p", 1, {"error": value, "port": 8388}, (), None)
    lines[name] = Logfmter(keys=[]).format(record)
    print(f"logfmter 0.0.12 writes, {name}: {lines[name]}")
for name, line in lines.items():
    read = list(logfmt.parse(io.StringIO(line)))[0]
    print(f"PyPI logfmt 0.4, {name}: {json.dumps(read)}")
with open("lines.json", "w") as f:
    json.dump(lines, f)
PY
observe node read.mjs
sees 'logfmter 0.0.12 writes, backslash: error="bad option host\\;path" port=8388'
sees 'PyPI logfmt 0.4, blank: {"error": "connection refused", "port": "8388"}'
sees 'PyPI logfmt 0.4, quotation marks: {"error": "plugin \"obfs\" died", "port": "8388"}'
sees 'PyPI logfmt 0.4, backslash: {"error": true}'
sees 'PyPI logfmt 0.4, line break: {"error": true}'
sees 'npm logfmt 1.4.0, backslash: {"error":"bad option host\\;path","port":"8388"}'
sees 'npm logfmt 1.4.0, line break: {"error":"first linensecond line","port":"8388"}'
sees 'npm logfmt 1.4.0 writes: "error=first\nsecond port=8388"'
verdict
