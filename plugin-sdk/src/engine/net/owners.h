/* SPDX-License-Identifier: Apache-2.0 */
/*
 * owners.h - whose each descriptor of a loop is, and who is to be heard without being asked for.
 */
#ifndef SSP_NET_OWNERS_H
#define SSP_NET_OWNERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ssp__interest;

/* A table by descriptor, in pages: one that has no owner any more goes back. */
enum { SSP_OWNER_PAGE = 256 };
struct ssp__owner_page {
    struct ssp__interest *owner[SSP_OWNER_PAGE];
    unsigned n;
};
struct ssp__owners {
    struct ssp__owner_page **page;
    unsigned pages;
};

/* NULL: none.  Inline, since each event asks. */
static inline struct ssp__interest *ssp__owners_at(const struct ssp__owners *o, int fd)
{
    unsigned page = (unsigned)fd / SSP_OWNER_PAGE;
    return page < o->pages && o->page[page] != NULL
               ? o->page[page]->owner[(unsigned)fd % SSP_OWNER_PAGE]
               : NULL;
}

/* NULL takes the owner away.  Returns false when memory is out, which a place that has had an owner
 * needs no more. */
bool ssp__owners_set(struct ssp__owners *o, int fd, struct ssp__interest *owner);
void ssp__owners_free(struct ssp__owners *o);

struct ssp__due {
    struct ssp__due_one {
        int fd;
        uint32_t serial;
    } * one;
    unsigned n, room;
};

bool ssp__due_add(struct ssp__due *due, int fd, uint32_t serial); /* false: memory is out */
void ssp__due_drop(struct ssp__due *due, unsigned n);             /* the first of them */

#endif
