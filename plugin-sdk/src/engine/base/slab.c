/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slab.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { SLAB_SIZE = 64 * 1024 }; /* and its alignment, by which an object finds its slab */

/* A sanitizer sees every object only in its own heap. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLABS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) ||                         \
    __has_feature(thread_sanitizer)
#define SLABS 0
#endif
#endif
#ifndef SLABS
#define SLABS 1
#endif

struct ssp__slab {
    struct ssp__slab *prev, *next; /* in its list */
    void *free;                    /* linked through their first word */
    unsigned used, fresh;          /* objects; those from fresh on were never used */
};

_Static_assert(sizeof(struct ssp__slab) <= SSP_SLAB_STEP, "the header takes one step");

static size_t class_of(size_t n)
{
    return (n - 1) / SSP_SLAB_STEP;
}

static size_t capacity(size_t class)
{
    return (SLAB_SIZE - SSP_SLAB_STEP) / ((class + 1) * SSP_SLAB_STEP);
}

/* Aligned memory, cut from twice as much. */
static struct ssp__slab *slab_new(void)
{
    uint8_t *area = mmap(NULL, 2 * (size_t)SLAB_SIZE, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED)
        return NULL;
    size_t before = (SLAB_SIZE - (uintptr_t)area % SLAB_SIZE) % SLAB_SIZE;
    if (before > 0)
        (void)munmap(area, before);
    (void)munmap(area + before + SLAB_SIZE, SLAB_SIZE - before);
    return (struct ssp__slab *)(void *)(area + before);
}

static void link_slab(struct ssp__slab **list, struct ssp__slab *s)
{
    s->prev = NULL;
    s->next = *list;
    if (s->next != NULL)
        s->next->prev = s;
    *list = s;
}

static void unlink_slab(struct ssp__slab **list, struct ssp__slab *s)
{
    *(s->prev != NULL ? &s->prev->next : list) = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
}

static void *object_of(struct ssp__slab *s, size_t class)
{
    if (s->free == NULL) /* never used: the system gave zeros */
        return (uint8_t *)s + SSP_SLAB_STEP + s->fresh++ * (class + 1) * SSP_SLAB_STEP;
    void *object = s->free;
    memcpy(&s->free, object, sizeof s->free);
    memset(object, 0, (class + 1) * SSP_SLAB_STEP);
    return object;
}

void *ssp__slab_take(struct ssp__slabs *slabs, size_t n)
{
    size_t class = class_of(n);
    if (!SLABS || n > SSP_SLAB_MAX)
        return calloc(1, n);
    struct ssp__slab **list = &slabs->open[class], *s = *list;
    if (s == NULL) {
        s = slab_new();
        if (s == NULL)
            return NULL;
        link_slab(list, s);
    }
    void *object = object_of(s, class);
    if (++s->used == capacity(class))
        unlink_slab(list, s);
    return object;
}

/* The last one with room stays, so that one connection after another costs no system call. */
void ssp__slab_give(struct ssp__slabs *slabs, void *object, size_t n)
{
    if (object == NULL || !SLABS || n > SSP_SLAB_MAX) {
        free(object);
        return;
    }
    size_t class = class_of(n);
    struct ssp__slab **list = &slabs->open[class];
    struct ssp__slab *s =
        (struct ssp__slab *)(void *)((uint8_t *)object - (uintptr_t)object % SLAB_SIZE);
    memcpy(object, &s->free, sizeof s->free);
    s->free = object;
    if (s->used-- == capacity(class))
        link_slab(list, s);
    if (s->used > 0 || (s->prev == NULL && s->next == NULL))
        return;
    unlink_slab(list, s);
    (void)munmap(s, SLAB_SIZE);
}

void ssp__slabs_trim(struct ssp__slabs *slabs)
{
    for (size_t class = 0; class < SSP_SLAB_CLASSES; class ++) {
        for (struct ssp__slab *s = slabs->open[class], *next; s != NULL; s = next) {
            next = s->next;
            if (s->used > 0)
                continue;
            unlink_slab(&slabs->open[class], s);
            (void)munmap(s, SLAB_SIZE);
        }
    }
}
