#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# RFC 8259 has no NaN and no Infinity (section 6), no leading zero and no bare point in a number, and
# wants control characters in strings escaped (section 7). json-c's JSON_TOKENER_STRICT is the flag
# for "strict RFC conformance", and json_tokener_get_error() tells what was wrong.
# One would expect json-c to refuse them with the flag. It refuses 01 and takes -01; it takes 1.,
# NaN, -Infinity and a string with a tab or a line feed in it. An integer beyond 64 bits becomes the
# nearest one that fits, with "success", so that writing the value back changes it. A program that
# relies on the flag for a configuration accepts files that other readers of the same file refuse.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

debian libjson-c5=0.16-2
python_packages
cat >tokener.py <<'PY'
import ctypes
import json

STRICT = 1
library = ctypes.CDLL("libjson-c.so.5")
for name in "json_tokener_new_ex", "json_tokener_parse_ex":
    getattr(library, name).restype = ctypes.c_void_p
for name in "json_tokener_error_desc", "json_object_to_json_string", "json_c_version":
    getattr(library, name).restype = ctypes.c_char_p
library.json_tokener_parse_ex.argtypes = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
library.json_tokener_set_flags.argtypes = ctypes.c_void_p, ctypes.c_int
for name in "json_tokener_get_error", "json_object_to_json_string", "json_tokener_free":
    getattr(library, name).argtypes = (ctypes.c_void_p,)


def strict(text):
    """The result of json-c for a whole document with the strict flag, and its message."""
    tokener = library.json_tokener_new_ex(32)
    library.json_tokener_set_flags(tokener, STRICT)
    value = library.json_tokener_parse_ex(tokener, text.encode(), len(text) + 1)
    says = library.json_tokener_error_desc(library.json_tokener_get_error(tokener)).decode()
    written = library.json_object_to_json_string(value).decode() if value else "nothing"
    library.json_tokener_free(tokener)
    return written, says


print("json-c", library.json_c_version().decode())
for text in "01", "[1,]", "-01", "1.", "NaN", "-Infinity", '"a\tb"', '"a\nb"', "18446744073709551616", "-99999999999999999999":
    written, says = strict(text)
    print(f"{json.dumps(text)}: {written}, {says}")
PY
observe python tokener.py
sees 'json-c 0.16'
sees '"01": nothing, unexpected end of data'
sees '"[1,]": nothing, unexpected character'
sees '"-01": -1, success'
sees '"1.": 1., success'
sees '"NaN": NaN, success'
sees '"-Infinity": -Infinity, success'
sees '"\"a\tb\"": "a\tb", success'
sees '"\"a\nb\"": "a\nb", success'
sees '"18446744073709551616": 18446744073709551615, success'
sees '"-99999999999999999999": -9223372036854775808, success'
verdict
