#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SIP002 puts a tag behind the #, and such a URL is passed on as a QR code. A tag that is not percent-
# encoded is UTF-8 in byte mode, as nearly all generators write it, without the ECI that would say so.
# One would expect a reader that guesses the charset to see that the bytes are valid UTF-8. jsQR and
# ZXing do. ZBar, under pyzbar and zbarimg, guesses Big5 for single letters with an accent and Shift
# JIS for Chinese: the server "Zürich" comes out with a Chinese character in it, and 节点 as katakana.
# Cyrillic passes. There is no warning, and the rest of the URL is right, so that it works under a
# broken name; the same ZBar as WebAssembly, built without iconv, reads all of them.
# A program that writes codes is safe with percent-encoding; one that reads them by ZBar has to set
# its binary option (zbarimg -Sbinary, version 0.23) and decode itself.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

debian libzbar0=0.23.92-7+deb12u1 libdbus-1-3 libv4l-0 libv4lconvert0 libx11-6 libxcb1 libxau6 libxdmcp6 libbsd0 \
    libmd0 libjpeg62-turbo
python_packages segno==1.6.6 zxing-cpp==3.1.1 pyzbar==0.1.9 numpy==2.3.5
npm_packages @undecaf/zbar-wasm@0.11.0 jsqr@1.4.0
cat >read.mjs <<'JS'
import { readFileSync } from "fs";
import jsqr from "jsqr";
import { scanRGBABuffer } from "@undecaf/zbar-wasm";
const { side, pixels } = JSON.parse(readFileSync(0));
const image = new Uint8ClampedArray(side * side * 4);
pixels.forEach((shade, at) => image.set([shade, shade, shade, 255], at * 4));
console.log((jsqr.default ?? jsqr)(image, side, side).data);
console.log((await scanRGBABuffer(image.buffer, side, side))[0].decode());
JS
observe python - <<'PY'
import ctypes.util
import json
import subprocess

import numpy
import segno
import zxingcpp

ctypes.util.find_library = lambda name: f"lib{name}.so.0"  # it looks for installed ones only
from pyzbar import pyzbar

for tag in ("plain", "Zürich", "São Paulo", "节点", "日本", "Москва"):
    code = segno.make(f"ss://YWVz@192.0.2.1:8388#{tag}", mode="byte", encoding="utf-8", micro=False)
    pixels = numpy.array([[0 if dark else 255 for dark in row] for row in code.matrix_iter(scale=4)], dtype=numpy.uint8)
    given = json.dumps({"side": len(pixels), "pixels": pixels.flatten().tolist()})
    by_node = subprocess.run(["node", "read.mjs"], input=given, capture_output=True, text=True).stdout.splitlines()
    by_zbar = pyzbar.decode((pixels.tobytes(), *pixels.shape))[0].data.decode()
    readers = ("ZXing 3.1.1", "pyzbar 0.1.9", "jsQR 1.4.0", "zbar-wasm 0.11.0")
    for reader, text in zip(readers, [zxingcpp.read_barcodes(pixels)[0].text, by_zbar, *by_node]):
        print(f"{tag}, {reader}: {text.split('#')[1]}", flush=True)
PY
for tag in plain Zürich 'São Paulo' 节点 日本 Москва; do
    sees "$tag, ZXing 3.1.1: $tag"
    sees "$tag, jsQR 1.4.0: $tag"
    sees "$tag, zbar-wasm 0.11.0: $tag"
done
sees 'plain, pyzbar 0.1.9: plain'
sees 'Zürich, pyzbar 0.1.9: Z羹rich'
sees 'São Paulo, pyzbar 0.1.9: S瓊o Paulo'
sees '节点, pyzbar 0.1.9: 闃らせ'
sees 'Москва, pyzbar 0.1.9: Москва'
verdict
