#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# BLAKE3 gives as many bytes as one asks for, and a longer output begins with the shorter one; the
# paper says so in section 2.6, and the official test vectors give 131 bytes for each input.
# One would expect finalize(131) of the npm package blake3-jit to agree with them. It does for
# inputs of up to one chunk (1024 bytes). From 1025 bytes on every byte is another one, in all three
# modes (hash, keyed hash, derive_key) and without an error, while finalize(64) is right, and so is
# the package's own reader, finalizeXof().read(131). hash(input, 131), documented with an output
# length, throws a RangeError from 65 bytes on. SIP022 takes 32 bytes and is safe. A plugin that
# draws a longer key stream or several keys from one call would find that no other implementation
# derives the same keys.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

npm_packages blake3-jit@1.1.0 @noble/hashes@2.4.0
echo "blake3-jit 1.1.0 against @noble/hashes 2.4.0, the first 16 bytes of each output"
observe node --input-type=module - <<'JS'
import { createHasher, createKeyed, createDeriveKey, hash } from "blake3-jit";
import { blake3 } from "@noble/hashes/blake3.js";

const text = "shadowsocks 2022 session subkey";
const context = new TextEncoder().encode(text);
const key = new Uint8Array(32).fill(7);
const modes = {
  hash: [() => createHasher(), {}],
  keyed: [() => createKeyed(key), { key }],
  derive: [() => createDeriveKey(text), { context }],
};
const hex = (bytes) => Buffer.from(bytes).toString("hex");
for (const size of [1024, 1025]) {
  const input = new Uint8Array(size).map((_, i) => i % 251);
  for (const [mode, [fresh, options]] of Object.entries(modes))
    for (const length of [64, 131]) {
      const right = hex(blake3(input, { ...options, dkLen: length }));
      const found = hex(fresh().update(input).finalize(length));
      const read = hex(fresh().update(input).finalizeXof().read(length));
      console.log(`${size} bytes, ${mode}, ${length} out: finalize ${found === right ? "right" : "wrong"},`
        + ` finalizeXof ${read === right ? "right" : "wrong"}`);
      if (found !== right) console.log(`  ${found.slice(0, 32)} instead of ${right.slice(0, 32)}`);
    }
}
for (const length of [64, 65])
  try {
    console.log(`hash(input, ${length}): ${hash(new Uint8Array(3), length).length} bytes`);
  } catch (error) {
    console.log(`hash(input, ${length}): ${error.name}`);
  }
JS
for mode in hash keyed derive; do
    sees "1024 bytes, $mode, 131 out: finalize right, finalizeXof right"
    sees "1025 bytes, $mode, 64 out: finalize right, finalizeXof right"
    sees "1025 bytes, $mode, 131 out: finalize wrong, finalizeXof right"
done
sees 'hash(input, 65): RangeError'
verdict
