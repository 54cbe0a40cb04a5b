/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layers.h - the options of v2ray-plugin as those of several codecs: the websocket, what
 * multiplexes inside of it, and TLS around it.
 */
#ifndef WS_WRAP_LAYERS_H
#define WS_WRAP_LAYERS_H

#include <stdbool.h>

/* Zero is valid and empty. */
struct ws_layers {
    bool mux, tls;
    char *options; /* owned: those of TLS, each for the codec tls-wrap; NULL without tls */
};

/* Reads the options of the environment (NULL: none), then those of the command line; home (or NULL)
 * is where acme.sh keeps its certificates.  A malformed string counts as far as it is read: the
 * program itself reports it.  Returns 0, or -1 when memory is out. */
int ws_layers_read(struct ws_layers *layers, const char *options, char *const *argv,
                   const char *home);

void ws_layers_release(struct ws_layers *layers);

#endif
