#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A MaxMind DB has types: a boolean, an integer and a double are different data, and so are an empty
# array and an empty map.
# One would expect a writer to keep the type of each value. mmdb-writer writes a value once and points
# to it wherever an equal one comes again, and Python says that 1, True and 1.0 are equal: whichever
# comes first in the whole file decides for all of them, in records of other networks too. An empty
# list becomes the empty map when there was one. Nothing is said, and the file is valid.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

python_packages mmdb-writer==0.2.7 maxminddb==3.2.0 netaddr==1.3.0
observe python - <<'PY'
import json

import maxminddb
from mmdb_writer import MMDBWriter
from netaddr import IPSet


def written(*records):
    writer = MMDBWriter(ip_version=4)
    for i, record in enumerate(records):
        writer.insert_network(IPSet([f"192.0.{i}.0/24"]), record)
    writer.to_db_file("file.mmdb")
    reader = maxminddb.open_database("file.mmdb")
    return "; ".join(json.dumps(reader.get(f"192.0.{i}.1")) for i in range(len(records)))


print("mmdb-writer 0.2.7, a boolean alone:", written({"anycast": True}))
print("mmdb-writer 0.2.7, behind a number:", written({"hops": 1}, {"anycast": True, "share": 1.0}))
print("mmdb-writer 0.2.7, in front of one:", written({"anycast": True}, {"hops": [1, 2]}))
print("mmdb-writer 0.2.7, empty ones:", written({"names": {}}, {"ports": []}))
PY
sees 'mmdb-writer 0.2.7, a boolean alone: {"anycast": true}'
sees 'mmdb-writer 0.2.7, behind a number: {"hops": 1}; {"anycast": 1, "share": 1}'
sees 'mmdb-writer 0.2.7, in front of one: {"anycast": true}; {"hops": [true, 2]}'
sees 'mmdb-writer 0.2.7, empty ones: {"names": {}}; {"ports": {}}'
verdict
