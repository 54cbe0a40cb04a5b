/* SPDX-License-Identifier: Apache-2.0 */
/* sdk_toys.h - the smallest codecs of each kind; they keep every law. */
#ifndef SSP_TESTS_SDK_TOYS_H
#define SSP_TESTS_SDK_TOYS_H

#include <ssplugin/codec.h>

/* The wire form of a toy_frame record is this header and its payload. */
enum { TOY_HEADER = 5, TOY_RECORD_MAX = 16384 };

extern const ssp_codec toy_xor;     /* flips every bit */
extern const ssp_codec toy_frame;   /* records behind a header, payload by reference */
extern const ssp_codec toy_closing; /* the same, with a record that says the end */
extern const ssp_codec toy_upgrade; /* one HTTP exchange, then CLEAR */
extern const ssp_codec toy_knock;   /* the client waits for the server's reply to its hello */
extern const ssp_codec toy_swallow; /* takes all input at once, gives output as there is room */

/* The parts that broken variants share. */
ssp_verdict toy_identity(ssp_conn *conn, void *state, ssp_io *io); /* CLEAR */
ssp_verdict toy_spin(ssp_conn *conn, void *state, ssp_io *io);     /* OK, and nothing else */
ssp_verdict toy_flip(ssp_conn *conn, void *state, ssp_io *io);
ssp_verdict toy_frame_wrap(ssp_conn *conn, void *state, ssp_io *io);
ssp_verdict toy_frame_unwrap(ssp_conn *conn, void *state, ssp_io *io);
ssp_verdict toy_closing_wrap(ssp_conn *conn, void *state, ssp_io *io);
ssp_verdict toy_upgrade_wrap(ssp_conn *conn, void *state, ssp_io *io);
ssp_verdict toy_upgrade_unwrap(ssp_conn *conn, void *state, ssp_io *io);

#endif
