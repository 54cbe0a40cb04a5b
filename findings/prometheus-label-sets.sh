#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prometheus' text format gives a histogram or summary one line for each bucket or quantile and each
# set of labels, such as one for every port.
# One would expect the npm package parse-prometheus-text-format to return one entry for each set. Of
# a histogram or summary it returns a single entry without labels: buckets of all sets lie in one
# table where the last set overwrites the others, and sums and counts that have labels are dropped,
# all without an error; counters and gauges keep every set. A scraper that reads latencies per port
# with it sees those of one port, and cannot tell which. The Python client
# reads all sets.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

npm_packages parse-prometheus-text-format@1.1.1
python_packages prometheus-client==0.23.1
cat >metrics.txt <<'TEXT'
# TYPE seconds histogram
seconds_bucket{port="8388",le="1"} 3
seconds_bucket{port="8388",le="+Inf"} 4
seconds_sum{port="8388"} 5
seconds_count{port="8388"} 4
seconds_bucket{port="8389",le="1"} 30
seconds_bucket{port="8389",le="+Inf"} 40
seconds_sum{port="8389"} 50
seconds_count{port="8389"} 40
# TYPE size summary
size{port="8388",quantile="0.5"} 7
size_sum{port="8388"} 8
size_count{port="8388"} 2
size{port="8389",quantile="0.5"} 70
size_sum{port="8389"} 80
size_count{port="8389"} 20
# TYPE bytes counter
bytes{port="8388"} 1
bytes{port="8389"} 2
TEXT
observe node --input-type=module - <<'JS'
import { readFileSync } from "node:fs";
import parse from "parse-prometheus-text-format";

console.log("parse-prometheus-text-format 1.1.1");
for (const family of parse(readFileSync("metrics.txt", "utf8")))
  console.log(`${family.name}: ${JSON.stringify(family.metrics)}`);
JS
observe python - <<'PY'
from prometheus_client.parser import text_string_to_metric_families

print("prometheus-client 0.23.1")
for family in text_string_to_metric_families(open("metrics.txt").read()):
    print(f"{family.name}: {len({sample.labels['port'] for sample in family.samples})} ports")
PY
sees 'seconds: [{"buckets":{"1":"30","+Inf":"40"}}]'
sees 'size: [{"quantiles":{"0.5":"70"}}]'
sees 'bytes: [{"value":"1","labels":{"port":"8388"}},{"value":"2","labels":{"port":"8389"}}]'
sees 'seconds: 2 ports'
sees 'size: 2 ports'
verdict
