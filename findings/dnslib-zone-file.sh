#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# In a zone file \DDD is the octet of that decimal number (RFC 1035, section 5.1), and an IPv6 address
# may end in the dotted form of an IPv4 address (RFC 4291, section 2.2). The parameters of an HTTPS
# record are written in any order, and sent in the order of their numbers; a receiver takes a record
# in another order for malformed (RFC 9460, section 2.2).
# One would expect dnslib's reader of zone files, which many small DNS servers are made of, to do the
# same. It takes \DDD for octal in a TXT record (not in a name), so that \065 is the digit 5 and
# \098 an error. It sends HTTPS parameters as they were written, and dnspython refuses the answer. It
# fails at ::ffff:192.0.2.1 and at a HINFO record.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

python_packages dnslib==0.9.26 dnspython==2.9.2
observe python - <<'PY'
import dns.message
import dns.rdata
import dnslib


def by_dnslib(kind, text):
    buffer = dnslib.DNSBuffer()
    dnslib.RR.fromZone(f"a. 60 IN {kind} {text}")[0].rdata.pack(buffer)
    return bytes(buffer.data)


def by_dnspython(kind, text):
    return dns.rdata.from_text("IN", kind, text).to_wire()


for kind, text in (
    ("TXT", '"A"'),
    ("TXT", r'"\065"'),
    ("TXT", r'"\098"'),
    ("AAAA", "2001:db8::1"),
    ("AAAA", "::ffff:192.0.2.1"),
    ("HINFO", '"PC" "Debian"'),
    ("HTTPS", "1 . alpn=h2 port=8443"),
    ("HTTPS", "1 . port=8443 alpn=h2"),
):
    for name, read in (("dnslib 0.9.26", by_dnslib), ("dnspython 2.9.2", by_dnspython)):
        try:
            wire = read(kind, text).hex()
        except Exception as error:
            wire = type(error).__name__
        print(f"{kind} {text}, {name}: {wire}")
for text in ("alpn=h2 port=8443", "port=8443 alpn=h2"):
    answer = bytes(dnslib.DNSRecord(rr=dnslib.RR.fromZone(f"a. 60 IN HTTPS 1 . {text}")).pack())
    try:
        dns.message.from_wire(answer)
        print(f"an answer with {text}, dnspython 2.9.2: taken")
    except Exception as error:
        print(f"an answer with {text}, dnspython 2.9.2: {type(error).__name__}")
PY
sees 'TXT "A", dnslib 0.9.26: 0141'
sees 'TXT "\065", dnslib 0.9.26: 0135'
sees 'TXT "\065", dnspython 2.9.2: 0141'
sees 'TXT "\098", dnslib 0.9.26: ValueError'
sees 'AAAA ::ffff:192.0.2.1, dnslib 0.9.26: ValueError'
sees 'AAAA ::ffff:192.0.2.1, dnspython 2.9.2: 00000000000000000000ffffc0000201'
sees 'HINFO "PC" "Debian", dnslib 0.9.26: Error'
sees 'HTTPS 1 . port=8443 alpn=h2, dnslib 0.9.26: 0001000003000220fb00010003026832'
sees 'HTTPS 1 . port=8443 alpn=h2, dnspython 2.9.2: 000100000100030268320003000220fb'
sees 'an answer with alpn=h2 port=8443, dnspython 2.9.2: taken'
sees 'an answer with port=8443 alpn=h2, dnspython 2.9.2: FormError'
verdict
