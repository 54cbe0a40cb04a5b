/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.h - what a datagram asks of ss-manager: a word, an optional colon, and a JSON object, as
 * shadowsocks-libev reads them.
 *
 *   add: {"server_port": 8388, "password": "secret", "method": "aes-256-gcm"}
 *   remove: {"server_port": 8388}
 *   list
 *   ping
 *   stat: {"8388": 11370}
 */
#ifndef SS_MANAGER_REQUEST_H
#define SS_MANAGER_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longer ones are not read, and of the keys that add does not take so many are noted. */
enum { SS_REQUEST_MAX = 32767, SS_UNKNOWN_MAX = 4, SS_UNKNOWN_NAME_MAX = 40 };

enum ss_verb {
    SS_VERB_NONE,
    SS_VERB_ADD,
    SS_VERB_REMOVE,
    SS_VERB_LIST,
    SS_VERB_PING,
    SS_VERB_STAT
};

struct ss_request {
    enum ss_verb verb; /* NONE: not a request, and without an answer */
    bool malformed;    /* the answer is "err" */
    uint16_t port;     /* of add, remove and stat */
    uint64_t bytes;    /* of stat */
    char *settings;    /* of add: a JSON object of known keys, in one order; owned, a secret */
    char *plugin, *plugin_opts, *acl;                      /* that add names; owned, NULL: none */
    char unknown[SS_UNKNOWN_MAX][SS_UNKNOWN_NAME_MAX + 1]; /* keys; empty ones are last */
};

/* Reads len bytes.  *request is to be released. */
void ss_request_read(struct ss_request *request, const char *bytes, size_t len);
void ss_request_release(struct ss_request *request);

/* True for a key that add takes. */
bool ss_request_takes(const char *key);

/* Reads the object of an add alone. */
void ss_request_settings_read(struct ss_request *request, const char *bytes, size_t len);

/* The settings of a port that has but a password.  NULL when memory is out; owned, a secret. */
char *ss_request_settings(uint16_t port, const char *password);

#endif
