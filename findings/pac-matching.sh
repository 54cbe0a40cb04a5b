#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The matching functions of PAC as Netscape described them: in the mask of isInNet 255 compares an
# octet and 0 ignores it, whichever octet that is; shExpMatch takes a shell expression, in which + (
# ) and | are themselves; localHostOrDomainIs compares the whole name, or the host part when the
# name has no domain.
# One would expect libraries to agree on functions that old. pac-resolver is false for each mask
# with a 0 before a 255, pacparser and pac-resolver read + and ( in a URL as a regular expression,
# and pypac takes each name that the other one begins with: example.co for example.com. The same
# file sends a request to the proxy with one library and past it with another, without an error.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

python_packages pypac==0.19.0 pacparser==1.5.3
npm_packages pac-resolver@9.0.1 quickjs-wasi@2.2.0
observe python - <<'PY'
from pac_libraries import compare

compare([
    ('isInNet("10.9.8.7", "10.0.0.0", "255.0.0.0")', True),
    ('isInNet("10.9.8.7", "10.0.8.0", "255.0.255.0")', True),
    ('isInNet("10.9.8.7", "0.0.8.0", "0.0.255.0")', True),
    ('shExpMatch("http://a.example/a+b", "*/a+b")', True),
    ('shExpMatch("http://a.example/x(1)", "*/x(1)")', True),
    ('shExpMatch("http://a.example/xyz", "*/x?z")', True),
    ('localHostOrDomainIs("www", "www.example.com")', True),
    ('localHostOrDomainIs("www.example.co", "www.example.com")', False),
    ('localHostOrDomainIs("ww", "www.example.com")', False),
])
PY
sees 'isInNet("10.9.8.7", "10.0.8.0", "255.0.255.0"), pac-resolver 9.0.1: false, wrong'
sees 'isInNet("10.9.8.7", "10.0.8.0", "255.0.255.0"), pacparser 1.5.3: true'
for library in 'pacparser 1.5.3' 'pac-resolver 9.0.1'; do
    sees "shExpMatch(\"http://a.example/a+b\", \"*/a+b\"), $library: false, wrong"
    sees "shExpMatch(\"http://a.example/x(1)\", \"*/x(1)\"), $library: false, wrong"
done
sees 'shExpMatch("http://a.example/a+b", "*/a+b"), pypac 0.19.0: true'
sees 'localHostOrDomainIs("www.example.co", "www.example.com"), pypac 0.19.0: true, wrong'
sees 'localHostOrDomainIs("ww", "www.example.com"), pypac 0.19.0: true, wrong'
verdict
