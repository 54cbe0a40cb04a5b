/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access_record.h - what became of a connection, or of an association of UDP, told once it is over.
 */
#ifndef SSP_BASE_ACCESS_RECORD_H
#define SSP_BASE_ACCESS_RECORD_H

#include "base/address.h"

#include <ssplugin/codec.h>

#include <stdbool.h>
#include <stdint.h>

struct ssp__access_record;

/* Hears of each.  The record is borrowed for the call. */
struct ssp__access_log {
    void (*note)(void *arg, const struct ssp__access_record *record);
    void *arg;
};

struct ssp__access_record {
    const struct ssp__access_log *log;
    struct ssp__address client;  /* len 0: unknown */
    struct ssp__endpoint target; /* of several, the last of a connection, the first of UDP */
    bool targeted;               /* there is one */
    bool packets;                /* an association of UDP */
    const char *user;            /* NULL: none is known */
    const char *reason;          /* one word, static; NULL: it is not over */
    uint64_t began_ms, ended_ms; /* of the loop's clock */
    uint64_t up, down;           /* bytes of the plain side */
};

/* From a codec: the user of this connection, a name that stays as long as the codec's state. */
void ssp__conn_user(ssp_conn *conn, const char *name);

#endif
