#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A PAC file may choose a proxy by date, weekday and hour: dateRange, weekdayRange and timeRange, as
# Netscape described them with examples, which the three libraries repeat in their own pages.
# One would expect the examples to hold. Each library fails at some of them, always with a plain
# false or true: in pac-resolver (npm, below proxy-agent) dateRange is a stub that is false on every
# day; in pypac weekdayRange with one day is false on that day; in pacparser a range of months lasts
# into the next month when its last month is a short one, a range of weekdays must not pass
# Saturday, and timeRange(9, 17) ends at 18:00. A PAC file that is to do the same everywhere leaves
# the calendar out.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

debian libfaketime=0.9.10-2.1
python_packages pypac==0.19.0 pacparser==1.5.3
npm_packages pac-resolver@9.0.1 quickjs-wasi@2.2.0
observe python - <<'PY'
import os

from pac_libraries import compare

MOMENT = "2024-07-01 17:30:00"  # a Monday
library = f"root/usr/lib/{os.uname().machine}-linux-gnu/faketime/libfaketime.so.1"
print(f"on Monday {MOMENT} UTC")
compare([
    ('dateRange("JUL")', True),
    ('dateRange(2024)', True),
    ('dateRange(1, "JUN", 15, "AUG")', True),
    ('dateRange("APR", "JUN")', False),
    ('weekdayRange("MON")', True),
    ('weekdayRange("MON", "FRI")', True),
    ('weekdayRange("FRI", "MON")', True),
    ('timeRange(17)', True),
    ('timeRange(9, 17)', False),
], {**os.environ, "LD_PRELOAD": library, "FAKETIME": MOMENT, "FAKETIME_DONT_FAKE_MONOTONIC": "1", "TZ": "UTC"})
PY
sees 'dateRange("JUL"), pac-resolver 9.0.1: false, wrong'
sees 'dateRange(2024), pac-resolver 9.0.1: false, wrong'
sees 'dateRange(1, "JUN", 15, "AUG"), pac-resolver 9.0.1: false, wrong'
sees 'dateRange("APR", "JUN"), pacparser 1.5.3: true, wrong'
sees 'weekdayRange("MON"), pypac 0.19.0: false, wrong'
sees 'weekdayRange("FRI", "MON"), pacparser 1.5.3: false, wrong'
sees 'timeRange(9, 17), pacparser 1.5.3: true, wrong'
sees 'dateRange("JUL"), pypac 0.19.0: true'
sees 'weekdayRange("MON"), pacparser 1.5.3: true'
verdict
