#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# RFC 9110, section 11.6.1: WWW-Authenticate, and with it Proxy-Authenticate, is a list of challenges;
# the RFC prints an example with two. A scheme has either parameters or one token68 (section 11.2), a
# quoted string may be empty or hold escaped quotation marks (5.6.4), and the elements of a list may
# have spaces around their commas and may be empty (5.6.1).
# One would expect parsers made for this one field to read the RFC's example. None of four does.
# Each also gets something wrong without an error: auth-header makes one challenge of two and puts
# their realms together, npm www-authenticate takes the token of Negotiate for a parameter, http-
# auth-utils reads a realm on into the next parameter when there is a space before the comma, and
# the www-authenticate of PyPI keeps the backslashes, and takes a comma for a scheme. It refuses
# realm="". A client behind a proxy that offers two schemes asks its user for the wrong password, or
# not at all.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

python_packages www-authenticate==0.9.2
npm_packages www-authenticate@0.6.3 auth-header@1.0.0 http-auth-utils@6.0.1
cat >fields.json <<'JSON'
{
  "one": "Basic realm=\"simple\"",
  "example": "Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\", Basic realm=\"simple\"",
  "token68": "Negotiate YIIabc==",
  "space": "Basic realm=\"x\" , charset=\"UTF-8\"",
  "empty element": ", Basic realm=\"x\"",
  "empty string": "Basic realm=\"\""
}
JSON
cat >parse.mjs <<'JS'
import { readFileSync } from "node:fs";
import { parse } from "auth-header";
import { parseWWWAuthenticateHeader } from "http-auth-utils";
import wwwAuthenticate from "www-authenticate";

const parsers = {
  "npm www-authenticate 0.6.3": (field) => {
    const { scheme, parms, err } = new wwwAuthenticate.parsers.WWW_Authenticate(field);
    return err ? "error" : `${scheme} ${JSON.stringify(parms)}`;
  },
  "auth-header 1.0.0": (field) => {
    const { scheme, token, params } = parse(field);
    return `${scheme} ${token} ${JSON.stringify(params)}`;
  },
  "http-auth-utils 6.0.1": (field) => {
    const { type, data } = parseWWWAuthenticateHeader(field);
    return `${type} ${JSON.stringify(data)}`;
  },
};
for (const [name, field] of Object.entries(JSON.parse(readFileSync("fields.json")))) {
  for (const [parser, read] of Object.entries(parsers)) {
    let result = "error";
    try { result = read(field); } catch {}
    console.log(`${parser}, ${name}: ${result}`);
  }
}
JS
observe node parse.mjs
observe python - <<'PY'
import json

import www_authenticate

for name, field in json.load(open("fields.json")).items():
    try:
        challenges = {scheme: rest and (rest if isinstance(rest, str) else dict(rest))
                      for scheme, rest in www_authenticate.parse(field).items()}
    except ValueError:
        challenges = "error"
    print(f"PyPI www-authenticate 0.9.2, {name}: {challenges}")
PY
sees 'npm www-authenticate 0.6.3, one: Basic {"realm":"simple"}'
sees 'npm www-authenticate 0.6.3, example: error'
sees 'npm www-authenticate 0.6.3, token68: Negotiate {"YIIabc":"="}'
sees 'auth-header 1.0.0, one: Basic null {"realm":"simple"}'
sees 'auth-header 1.0.0, example: Newauth Basic {"realm":["apps","simple"],"type":"1","title":"Login to \"apps\""}'
sees 'auth-header 1.0.0, token68: Negotiate YIIabc== {}'
sees 'http-auth-utils 6.0.1, one: Basic {"realm":"simple"}'
sees 'http-auth-utils 6.0.1, example: error'
sees 'http-auth-utils 6.0.1, space: Basic {"realm":"x\" , charset=\"UTF-8"}'
sees "PyPI www-authenticate 0.9.2, one: {'basic': {'realm': 'simple'}}"
sees "PyPI www-authenticate 0.9.2, example: {'newauth': {'realm': 'apps', 'type': '1', 'title': 'Login to \\\\\"apps\\\\\"'}, 'basic': {'realm': 'simple'}}"
sees "PyPI www-authenticate 0.9.2, empty element: {',': 'Basic'}"
sees 'PyPI www-authenticate 0.9.2, empty string: error'
verdict
