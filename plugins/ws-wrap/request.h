/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.h - the request of an upgrade: composed by the client, judged by the server.
 */
#ifndef WS_WRAP_REQUEST_H
#define WS_WRAP_REQUEST_H

#include "ws-wrap/head.h"
#include "ws-wrap/key.h"
#include "ws-wrap/ws_wrap.h"

/* The longest request of ours. */
enum { WS_REQUEST_MAX = WS_PATH_MAX + WS_HOST_MAX + WS_AGENT_MAX + WS_EARLY_TEXT + 512 };

/* Composes it.  key is not used by an upgrade without frames; early is text, "" for none.  Returns
 * its length. */
size_t ws_request_write(const struct ws_conf *conf, const char *key, const char *early,
                        char text[WS_REQUEST_MAX]);

enum ws_judgement { WS_UNDECIDED, WS_OURS, WS_FOREIGN };

/* Judges a request of which n bytes are here, the first `seen` of them in an earlier call.  A
 * foreign peer is recognised early by what is no request for an upgrade; path and host, which are
 * the secret, count at the end of the head only, so that no time tells that one of them is right.
 */
enum ws_judgement ws_request_judge(const struct ws_conf *conf, const uint8_t *head, size_t n,
                                   size_t seen);

#endif
