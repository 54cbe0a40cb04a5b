/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server.h - one Shadowsocks server as users hand it on: in a URL, in a list, in the file of
 * another program.
 */
#ifndef SS_FORMATS_SERVER_H
#define SS_FORMATS_SERVER_H

#include "base/address.h"
#include "base/counters.h"

#include <ssplugin/env.h>

#include <stddef.h>

/* Outline's prefix takes the place of the beginning of a salt. */
enum { SS_PREFIX_MAX = 32 };

struct ss_server_user {
    char *name, *key;
    struct ssp__allowance allowance;
};

/* Texts are owned; NULL when not given.  Nothing of it has been compared with what this program
 * supports.  Zero is a valid empty one. */
struct ss_server {
    struct ssp__endpoint endpoint; /* with a port */
    char *method, *password;       /* never NULL once read; the password of AEAD-2022 is a key */
    char *plugin, *plugin_opts;
    char *name, *id; /* as users see it, and as a provider numbers it */
    bool disabled;
    bool fetched; /* it is of a list that is read again while the program runs */
    bool open;    /* a plugin that it lacks may stand beside it, as with a URL */
    bool has_mode, has_plugin_mode;
    ssp_mode mode, plugin_mode;
    struct ss_server_user *user; /* owned; those of one port, as SIP023 has them */
    size_t users;
    struct ssp__allowance allowance;
    bool has_users;                /* they are named, if only none */
    uint8_t prefix[SS_PREFIX_MAX]; /* of the salt of each stream, as Outline asks for */
    size_t prefix_len;
};

/* Servers in order of preference.  Zero is an empty list. */
struct ss_server_list {
    struct ss_server *at; /* owned */
    size_t n;
};

/* Moves *server to the end of the list.  Returns 0, or -1 when memory is out. */
int ss_server_list_add(struct ss_server_list *list, struct ss_server *server);

/* Both wipe secrets. */
void ss_server_release(struct ss_server *server);
void ss_server_list_release(struct ss_server_list *list);

/* The name of a plugin whose codec runs inside of the program, "inline:NAME"; NULL for any other
 * plugin, and for none. */
const char *ss_plugin_inside(const char *plugin);

/* Frees a text after it has been wiped; accepts NULL. */
void ss_secret_free(char *text);

/* "name (host:port)", or the host and the port alone. */
enum { SS_LABEL_MAX = 2 * SSP_HOST_MAX };
const char *ss_server_label(const struct ss_server *server, char out[SS_LABEL_MAX]);

#endif
