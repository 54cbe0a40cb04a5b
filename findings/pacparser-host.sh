#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pacparser.find_proxy(url) says that it takes the host from the URL when none is given, and a PAC
# file decides by that host. RFC 3986, section 3.2: the authority may begin with userinfo and "@",
# and an IPv6 address stands in brackets.
# One would expect the host of the URL. The Python module takes all up to the first "/" or ":":
# "user" of http://user:word@target.example/, "user@target.example" without a password, "[2001" of
# http://[2001:db8::1]/, and the whole rest of http://target.example?a=1. The PAC file then runs
# with that, finds no rule, and answers with its default. Give the host as the second argument.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

python_packages pacparser==1.5.3
observe python - <<'PY'
import pacparser
from urllib.parse import urlsplit

pacparser.init()
pacparser.parse_pac_string("function FindProxyForURL(url, host) { return 'PROXY ' + host; }")
print("pacparser", pacparser.version())
for url in ("http://target.example:8080/", "http://user:word@target.example/", "http://user@target.example/",
            "http://[2001:db8::1]/", "http://target.example?a=1", "http://target.example#top"):
    found, right = pacparser.find_proxy(url).removeprefix("PROXY "), urlsplit(url).hostname
    print(f"{url}: {found!r}" + (f", not {right!r}" if found != right else ""))
PY
sees "http://target.example:8080/: 'target.example'"
sees "http://user:word@target.example/: 'user', not 'target.example'"
sees "http://user@target.example/: 'user@target.example', not 'target.example'"
sees "http://[2001:db8::1]/: '[2001', not '2001:db8::1'"
sees "http://target.example?a=1: 'target.example?a=1', not 'target.example'"
verdict
