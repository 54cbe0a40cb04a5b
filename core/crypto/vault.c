/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/vault.h"

#include <sodium.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>

enum { ROOM = 4096 - 64, SLOTS_MAX = 64 }; /* with the canary of libsodium, a page */

/* Guarded memory, and what is known of it. */
struct ss_vault_page {
    struct ss_vault *vault; /* NULL: it has one object, and is in no list */
    struct ss_vault_page *prev, *next;
    uint8_t *memory; /* owned, guarded */
    size_t slot;     /* bytes of each, header included */
    unsigned slots, used;
    uint64_t taken; /* a bit for each */
};

/* In front of an object. */
struct header {
    alignas(max_align_t) struct ss_vault_page *page;
    unsigned number;
};

static void link_page(struct ss_vault_page *p)
{
    p->prev = NULL;
    p->next = p->vault->open;
    if (p->next != NULL)
        p->next->prev = p;
    p->vault->open = p;
}

static void unlink_page(struct ss_vault_page *p)
{
    *(p->prev != NULL ? &p->prev->next : &p->vault->open) = p->next;
    if (p->next != NULL)
        p->next->prev = p->prev;
}

/* A fork, such as the guardian of a plugin, gets zeros instead; before Linux 4.14, nothing. */
static void keep_from_forks(void *memory, size_t size)
{
    uintptr_t page = getauxval(AT_PAGESZ), begin = (uintptr_t)memory & ~(page - 1);
    size_t len = (uintptr_t)memory + size - begin;
    if (madvise((void *)begin, len, MADV_WIPEONFORK) == -1)
        (void)madvise((void *)begin, len, MADV_DONTFORK);
}

static struct ss_vault_page *page_new(struct ss_vault *vault, size_t slot)
{
    struct ss_vault_page *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    size_t fit = vault != NULL ? ROOM / slot : 1;
    p->vault = vault;
    p->slot = slot;
    p->slots = fit == 0 ? 1 : fit > SLOTS_MAX ? SLOTS_MAX : (unsigned)fit;
    p->memory = sodium_malloc(p->slots * slot);
    if (p->memory == NULL) {
        free(p);
        return NULL;
    }
    keep_from_forks(p->memory, p->slots * slot);
    if (vault != NULL)
        link_page(p);
    return p;
}

static struct ss_vault_page *page_for(struct ss_vault *vault, size_t slot)
{
    struct ss_vault_page *p = vault != NULL ? vault->open : NULL;
    while (p != NULL && p->slot != slot)
        p = p->next;
    return p != NULL ? p : page_new(vault, slot);
}

static struct header *header_of(const struct ss_vault_page *p, unsigned number)
{
    return (struct header *)(void *)(p->memory + number * p->slot);
}

void *ss_vault_take(struct ss_vault *vault, size_t size)
{
    const size_t unit = sizeof(struct header);
    size_t slot = unit + (size + unit - 1) / unit * unit;
    struct ss_vault_page *p = page_for(vault, slot);
    unsigned number = 0;
    if (p == NULL)
        return NULL;
    while ((p->taken >> number & 1U) != 0)
        number++;
    p->taken |= UINT64_C(1) << number;
    if (++p->used == p->slots && vault != NULL)
        unlink_page(p);
    (void)sodium_mprotect_readwrite(p->memory);
    struct header *h = header_of(p, number);
    sodium_memzero(h, slot);
    h->page = p;
    h->number = number;
    return h + 1;
}

void ss_vault_seal(void *object)
{
    const struct header *h = (const struct header *)object - 1;
    (void)sodium_mprotect_readonly(h->page->memory);
}

void ss_vault_give(void *object)
{
    if (object == NULL)
        return;
    struct header *h = (struct header *)object - 1;
    struct ss_vault_page *p = h->page;
    (void)sodium_mprotect_readwrite(p->memory);
    p->taken &= ~(UINT64_C(1) << h->number);
    sodium_memzero(h, p->slot);
    if (p->used-- == p->slots && p->vault != NULL)
        link_page(p);
    if (p->used > 0) {
        (void)sodium_mprotect_readonly(p->memory);
        return;
    }
    if (p->vault != NULL)
        unlink_page(p);
    sodium_free(p->memory);
    free(p);
}
