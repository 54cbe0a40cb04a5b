/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.h - reads an executable: enough to explain why exec refuses it, and whether its program
 * takes a listening socket.
 */
#ifndef SSP_HOST_IMAGE_H
#define SSP_HOST_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SSP_IMAGE_HEAD = 4096, SSP_IMAGE_TEXT = 128 };

enum ssp__image_kind {
    SSP_IMAGE_UNREADABLE = 0, /* or not there */
    SSP_IMAGE_EMPTY,
    SSP_IMAGE_SCRIPT,
    SSP_IMAGE_ELF,
    SSP_IMAGE_FOREIGN, /* of a known kind that is not for exec here */
    SSP_IMAGE_OTHER
};

struct ssp__image {
    enum ssp__image_kind kind;
    const char *foreign; /* SSP_IMAGE_FOREIGN: "a gzip archive" */
    char
        interpreter[SSP_IMAGE_TEXT]; /* of a script, or the loader of an ELF file; "" without one */
    bool crlf;                       /* the first line of a script ends with a carriage return */
    uint16_t machine;                /* ELF: e_machine */
    uint8_t bits;                    /* ELF: 32 or 64 */
    bool big_endian;
    bool takes_listen_fds; /* ELF: has the note of SSP_PLUGIN_NOTE */
    bool shares_port;      /* ELF: has the note of SSP_PLUGIN_SHARES */
    bool needs_ports;      /* ELF: has the note of SSP_PLUGIN_NEEDS_PORTS */
};

/* Judges the first bytes of a file; n is at most SSP_IMAGE_HEAD.  Never fails: fields that are not
 * in these bytes stay empty.  Text is printable: other bytes become '?'.  Notes are read only as
 * far as they lie within these bytes, as linkers place them. */
void ssp__image_parse(struct ssp__image *image, const uint8_t *head, size_t n);

/* The same of a file. */
void ssp__image_read(struct ssp__image *image, const char *path);

/* True when the program of that file takes a listening socket (SSP_PLUGIN_NOTE). */
bool ssp__image_takes_listen_fds(const char *path);

/* True when it takes those of a server, too, and leaves them to another process when it is told
 * (SSP_PLUGIN_SHARES). */
bool ssp__image_shares_port(const char *path);

/* True when the program of that file uses ports that no option names (SSP_PLUGIN_NEEDS_PORTS). */
bool ssp__image_needs_ports(const char *path);

/* Names an ELF file's machine, as in "aarch64 (64-bit, little-endian)". */
void ssp__image_machine(const struct ssp__image *image, char *text, size_t cap);

#endif
