#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# RFC 4291, section 2.5: ::1 is the loopback address of IPv6, :: the unspecified one, and the first
# 2^32 addresses belong to IPv6 as all others do.
# One would expect a range of IPv6 addresses to give IPv6 addresses. IpRange of the Python package
# iptools keeps numbers and chooses the family by their size: what lies below 2^32 comes out in
# dotted form. IpRange("::1") is the range of 0.0.0.1, IpRange("::/126") prints as 0.0.0.0 to
# 0.0.0.3, and so a list for IPv6 that is written again names other hosts. The package's own
# ipv6.long2ip() gives ::1 for the same number, and ranges above 2^32 are right.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

python_packages iptools==0.7.0
observe python - <<'PY'
from iptools import IpRange, ipv6

for text in ("::1", "::/126", "::ffff:192.0.2.1", "2001:db8::/127"):
    print(f"IpRange({text!r}): {list(IpRange(text))}")
print(f"ipv6.long2ip(1): {ipv6.long2ip(1)}")
PY
sees "IpRange('::1'): ['0.0.0.1']"
sees "IpRange('::/126'): ['0.0.0.0', '0.0.0.1', '0.0.0.2', '0.0.0.3']"
sees "IpRange('::ffff:192.0.2.1'): ['::ffff:c000:201']"
sees "IpRange('2001:db8::/127'): ['2001:db8::', '2001:db8::1']"
sees 'ipv6.long2ip(1): ::1'
verdict
