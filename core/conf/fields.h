/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields.h - the settings: one row per value, for both the file and the command line.
 */
#ifndef SS_CONF_FIELDS_H
#define SS_CONF_FIELDS_H

#include "conf/complain.h"

#include <stddef.h>

/* How a value is read. */
enum ss_kind {
    SS_KIND_TEXT,
    SS_KIND_PATH,    /* text, absolute */
    SS_KIND_SOCKET,  /* the same, of a socket */
    SS_KIND_OPTIONS, /* text; in a file also an object of options */
    SS_KIND_PORT,
    SS_KIND_NUMBER,
    SS_KIND_SECONDS, /* with a fraction; the field has milliseconds */
    SS_KIND_AMOUNT,  /* of bytes */
    SS_KIND_SWITCH,
    SS_KIND_SERVERS,
    SS_KIND_TARGET, /* text, a host and a port */
    SS_KIND_HERE,   /* text, a port of loopback or the path of a socket */
    SS_KIND_MODE,
    SS_KIND_PLUGIN_MODE,
    SS_KIND_RESTART,
    SS_KIND_OUTBOUND,
    SS_KIND_UDP,
    SS_KIND_METHOD,
    SS_KIND_IPV4,
    SS_KIND_IPV6,
    SS_KIND_NAMESERVERS,
    SS_KIND_NETWORKS, /* text, addresses and networks joined by ',' */
    SS_KIND_USERS,
    SS_KIND_ACCOUNTS,
    SS_KIND_ENTRIES, /* servers with settings of their own */
    SS_KIND_LOCALS,
    SS_KIND_ONLINE,    /* a list of servers that is elsewhere */
    SS_KIND_OUTGOING,  /* the field of its family is set */
    SS_KIND_PORTS,     /* of ss-manager: a server for each port, with its password */
    SS_KIND_OTA,       /* a removed feature */
    SS_KIND_ELSEWHERE, /* of another program of this family: ignored without a warning */
    SS_KIND_FOREIGN    /* of another implementation: a warning */
};

/* The lowest bits say which programs have the row, one bit each. */
enum {
    SS_FOR_LOCAL = 1 << SS_LOCAL,
    SS_FOR_ONE_SERVER = 1 << SS_SERVER,
    SS_FOR_MANAGER = 1 << SS_MANAGER,
    SS_FOR_SERVER = SS_FOR_ONE_SERVER | SS_FOR_MANAGER, /* which hands it on to each server */
    SS_FOR_TUNNEL = 1 << SS_TUNNEL,
    SS_FOR_REDIR = 1 << SS_REDIR,
    SS_FOR_CLIENTS = SS_FOR_LOCAL | SS_FOR_TUNNEL | SS_FOR_REDIR,
    SS_FOR_ALL = (1 << SS_PROGRAMS) - 1,
    SS_FOR_SERVICES = SS_FOR_ALL & ~SS_FOR_MANAGER,
    SS_SECRET = 1 << 8,    /* never shown, wiped */
    SS_ARGV_ONLY = 1 << 9, /* not a key of the file */
    SS_ZERO = 1 << 10,     /* zero is a value: ss_conf::given distinguishes it from none */
    SS_EMPTY = 1 << 11,    /* the empty text is a value */

    /* A value belongs to it while the program runs.  Without one of these, it is a setting that a
     * reload replaces. */
    SS_AT_START = 1 << 12,  /* of the process */
    SS_OF_SOCKET = 1 << 13, /* of what listens */
    SS_OF_PLUGIN = 1 << 14, /* of the plugin that runs */
    SS_OF_DIAL = 1 << 15,   /* of sockets toward servers and targets */
    SS_OF_KEY = 1 << 16,    /* of the keys */
    SS_OF_PLACE = 1 << 17,  /* of the address at which it is found */
    SS_OF_LIMIT = 1 << 18,  /* of traffic: it holds at once, and for all */
    SS_GROUPS = SS_AT_START | SS_OF_SOCKET | SS_OF_PLUGIN | SS_OF_DIAL | SS_OF_KEY | SS_OF_PLACE |
                SS_OF_LIMIT,
    SS_OF_SETTINGS = 1 << 19 /* for all without any of these */
};

_Static_assert(SS_FOR_ALL < SS_SECRET, "a bit for each program, below the flags");

struct ss_field {
    const char *name; /* the key of the file */
    enum ss_kind kind;
    unsigned flags;
    size_t offset; /* in struct ss_conf */
    unsigned max;  /* of a number; for seconds, in milliseconds */
};

/* The last row is all zero. */
extern const struct ss_field ss_fields[];

/* The field of that name, or NULL. */
const struct ss_field *ss_field_find(const char *name);

/* The key of the file that is closest to name, or NULL. */
const struct ss_field *ss_field_suggest(const char *name);

/* Its value in a conf, and for a field that holds a text, that text. */
void *ss_field_member(struct ss_conf *conf, const struct ss_field *field);
char *const *ss_field_text(const struct ss_conf *conf, const struct ss_field *field);
bool ss_field_holds_text(const struct ss_field *field);

/* True for the source address of outgoing connections. */
bool ss_field_outgoing(const struct ss_field *field);

/* Its bit in ss_conf::given; 0 for a field for which zero means not given. */
uint64_t ss_field_bit(const struct ss_field *field);

/* Stores text in the form of the field; appends to a list.  Returns 0, or -1 after an error
 * message. */
int ss_field_set(struct ss_conf *conf, const struct ss_field *field, const struct ss_origin *origin,
                 const char *text);

/* Reports that the field does not take the value; found is the value as the message shows it.
 * Returns -1. */
int ss_field_refuse(const struct ss_field *field, const struct ss_origin *origin,
                    const char *found);

/* True when the field of that name, which has SS_ZERO, was set. */
bool ss_field_given(const struct ss_conf *conf, const char *name);

/* A value of the field was refused, with a message: nothing else is to be said of it. */
void ss_field_note_refused(struct ss_conf *conf, const struct ss_field *field);
bool ss_field_refused(const struct ss_conf *conf, const char *name);

/* Reads the value of SS_KIND_HERE that is no path: a port, or host:port of loopback.  Returns 0, or
 * -1. */
int ss_local_address_read(struct ssp__endpoint *e, const char *text);

/* As configurations write a mode. */
const char *ss_mode_name(ssp_mode mode);

#endif
