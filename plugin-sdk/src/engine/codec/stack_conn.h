/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_conn.h - one connection through the layers of a stack: its pumps, and the queues between
 * them.
 *
 * A direction is a row of positions, 0 where its bytes come in: layer 0 of WRAP, the last layer of
 * UNWRAP.  What waits before a position is in its pump.  A position runs while little waits behind
 * it, so what a chain holds is bounded, and everything else stays unread with the engine.
 *
 *   - A layer that is clear, with nothing before it, is not there any more.
 *   - The end of a layer is the end of input for the next one; its failure is not: what it emitted
 *     goes out, then the direction fails.
 *   - What a layer replies goes the other way, through the layers that lie between it and the end.
 *   - After each call the other direction moves too, for what a layer may have learnt.
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
