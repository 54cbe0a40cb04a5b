/* SPDX-License-Identifier: Apache-2.0 */
#include "net/owners.h"

#include <stdlib.h>
#include <string.h>

enum { DUE_MIN = 16 };

/* The page of fd, a new one if need be; NULL when memory is out. */
static struct ssp__owner_page *page_of(struct ssp__owners *o, unsigned page)
{
    if (page >= o->pages) {
        struct ssp__owner_page **more =
            realloc(o->page, (page + 1) * sizeof(struct ssp__owner_page *));
        if (more == NULL)
            return NULL;
        memset(more + o->pages, 0, (page + 1 - o->pages) * sizeof(struct ssp__owner_page *));
        o->page = more;
        o->pages = page + 1;
    }
    if (o->page[page] == NULL)
        o->page[page] = calloc(1, sizeof(struct ssp__owner_page));
    return o->page[page];
}

/* The first page stays: most programs have descriptors there all the time. */
static void release(struct ssp__owners *o, unsigned page)
{
    if (page == 0 || o->page[page]->n > 0)
        return;
    free(o->page[page]);
    o->page[page] = NULL;
}

bool ssp__owners_set(struct ssp__owners *o, int fd, struct ssp__interest *owner)
{
    unsigned page = (unsigned)fd / SSP_OWNER_PAGE, at = (unsigned)fd % SSP_OWNER_PAGE;
    struct ssp__owner_page *p = page_of(o, page);
    if (p == NULL)
        return false;
    p->n -= p->owner[at] != NULL;
    p->n += owner != NULL;
    p->owner[at] = owner;
    release(o, page);
    return true;
}

void ssp__owners_free(struct ssp__owners *o)
{
    for (unsigned i = 0; i < o->pages; i++)
        free(o->page[i]);
    free(o->page);
    *o = (struct ssp__owners){.page = NULL};
}

bool ssp__due_add(struct ssp__due *due, int fd, uint32_t serial)
{
    if (due->n == due->room) {
        unsigned room = due->room > 0 ? 2 * due->room : DUE_MIN;
        struct ssp__due_one *more = realloc(due->one, room * sizeof *more);
        if (more == NULL)
            return false;
        due->one = more;
        due->room = room;
    }
    due->one[due->n++] = (struct ssp__due_one){fd, serial};
    return true;
}

void ssp__due_drop(struct ssp__due *due, unsigned n)
{
    if (n == 0)
        return;
    due->n -= n;
    memmove(due->one, due->one + n, due->n * sizeof *due->one);
}
