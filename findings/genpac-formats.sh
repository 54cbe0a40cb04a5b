#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Lists of rules in the form of Adblock Plus say which names go through a proxy (||name) and which do
# not although the name above them does (@@||name).
# One would expect genpac, which makes a PAC file, an ACL of shadowsocks, a dnsmasq configuration and
# more from one list, to say the same in each. In the PAC file and for Surge the exception stands; in
# the ACL, whose format has a list for it, and for dnsmasq it is left out, so that the name goes
# through the proxy there. A name that ends in no public suffix, as hosts of a company's own network
# do, is left out of all of them. Nothing is said in either case.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

python_packages genpac==3.0.1
cat >rules <<'RULES'
||example.org
@@||direct.example.org
||wiki.corp
RULES
for format in "pac --pac-proxy PROXY" surge ssacl dnsmasq; do
    # shellcheck disable=SC2086 # a format and its options
    genpac --format $format --gfwlist-disabled --user-rule-from rules >made 2>/dev/null
    for name in example.org direct.example.org wiki.corp; do
        pattern=${name//./[\\\\]*[.]}
        state=no
        grep -qE "(^|[^a-z.])$pattern" made && state=yes
        echo "genpac 3.0.1, ${format%% *}: $name $state"
    done
done | observe cat
sees 'genpac 3.0.1, pac: direct.example.org yes'
sees 'genpac 3.0.1, surge: direct.example.org yes'
for format in ssacl dnsmasq; do
    sees "genpac 3.0.1, $format: example.org yes"
    sees "genpac 3.0.1, $format: direct.example.org no"
done
for format in pac surge ssacl dnsmasq; do
    sees "genpac 3.0.1, $format: wiki.corp no"
done
verdict
