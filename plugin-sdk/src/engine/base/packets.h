/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packets.h - machines without I/O that single packets go through: their codec, and their front.
 *
 * A step replaces the packet and returns 0, or -1 with p->why: then it is dropped.
 */
#ifndef SSP_BASE_PACKETS_H
#define SSP_BASE_PACKETS_H

#include "base/front.h"

#include <ssplugin/codec.h>

enum { SSP_PACKET_KEY_WORDS = 4, SSP_PACKET_HEADROOM = 512 };

/* The key of an association. */
struct ssp__packet_key {
    uint64_t word[SSP_PACKET_KEY_WORDS];
};

/* A packet under way. */
struct ssp__packet_io {
    const ssp_conn *conn;   /* role, configuration, randomness and time of the codec */
    void *state;            /* of the association */
    void *scratch;          /* of the program */
    const void *front_conf; /* the front's */

    /* Plain bytes are a front's to overwrite, with SSP_PACKET_HEADROOM bytes in front of them. */
    uint8_t *bytes;
    size_t len;
    uint8_t *room; /* output of the codec; overlaps nothing */
    size_t cap;

    struct ssp__target target;          /* written by the front of a client's packet */
    size_t header_len;                  /* of its header, as it stands in the packet */
    bool bare;                          /* bytes are payload, without a header */
    const struct ssp__address *from;    /* source of an answer */
    const struct ssp__address *reached; /* where a client sent it to; len 0: unknown */
    struct ssp__address source; /* written by the front of an answer: sent from there; len 0: from
                                   where the client sent to */
    const char *why;            /* static */
    const char *rule;           /* broken by the codec; why is then not set */
};

typedef int ssp__packet_step(struct ssp__packet_io *p);

/* A codec of packets. */
struct ssp__packets {
    const char *name;
    /* Bytes of an association, zero before its first packet.  They may be moved by memcpy(). */
    size_t state_size;
    /* Bytes of the program, zero before the first packet: memory that is worth keeping. */
    size_t scratch_size;
    bool authentic; /* an opened packet proves its sender, whatever address it comes from */

    /* Finds the association of a client's packet; open comes next, with the same room.  NULL: the
     * client's address is the key. */
    int (*identify)(struct ssp__packet_io *p, struct ssp__packet_key *key);
    ssp__packet_step *open, *seal;
    /* The tokens that the payload of an association takes; may be NULL, and return NULL. */
    struct ssp__bucket *(*bucket)(void *state);
    /* The name of its user; may be NULL, and return NULL. */
    const char *(*user)(const void *state);
    void (*close)(void *state);     /* wipes and releases; may be NULL */
    void (*release)(void *scratch); /* the same */
};

/* A front for packets: adds and removes the headers in front of their payload. */
struct ssp__packet_front {
    const char *name;
    /* From a client: names the target.  Its header, of header_len, is what bytes begin with or,
     * where the front sets bare, what stands in front of them. */
    ssp__packet_step *asked;
    /* To a client: bytes begin with the header of the source unless bare is set. */
    ssp__packet_step *answered;
};

#endif
