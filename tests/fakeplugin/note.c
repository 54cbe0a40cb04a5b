/* SPDX-License-Identifier: Apache-2.0 */
/* note.c - the ELF note of a program that takes its listening socket: docs/sip003.md, section 6. */
#include <stdint.h>

__attribute__((used, section(".note.sip003"), aligned(4))) static const struct {
    uint32_t owner_size, text_size, type;
    char owner[8], text[12];
} note = {7, 11, 1, "SIP003", "LISTEN_FDS"};
