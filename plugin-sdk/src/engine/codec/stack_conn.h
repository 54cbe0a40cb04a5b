/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_conn.h - one connection through the layers of a stack: its pumps, and the queues between
 * them.
 *
 * A direction is a row of positions, 0 where its bytes come in: layer 0 of WRAP, the last layer of
 * UNWRAP.  Input that waits before a position is in its pump.  A position runs while little waits
 * behind it, so that the bytes in a stack are bounded, and the rest stays unread with the engine.
 *
 *   - A layer that is clear, with an empty queue before it, is skipped.
 *   - The end of a layer is the end of input for the next one; its failure is not: its output is
 *     delivered, then the direction fails.
 *   - Replies of a layer go the other way, through the layers between it and the end.
 *   - After each call the other direction runs too, since the state of a layer may have changed.
 */
#ifndef SSP_CODEC_STACK_CONN_H
#define SSP_CODEC_STACK_CONN_H

#include "codec/pump.h"
#include "codec/stack.h"

/* Bytes of state for one connection; sets layer[i].state_at. */
size_t ssp__stack_conn_layout(ssp_stack *stack);

/* The functions of the stack's codec. */
ssp_verdict ssp__stack_conn_wrap(ssp_conn *conn, void *state, ssp_io *io);
ssp_verdict ssp__stack_conn_unwrap(ssp_conn *conn, void *state, ssp_io *io);
void ssp__stack_conn_close(ssp_conn *conn, void *state);

#endif
