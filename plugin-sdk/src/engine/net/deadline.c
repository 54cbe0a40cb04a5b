/* SPDX-License-Identifier: Apache-2.0 */
/* deadline.c - deadlines of any length: a pairing heap, whose nodes are the deadlines. */
#include "net/loop_impl.h"

/* Both are roots, without siblings; NULL is the empty heap. */
static struct ssp__deadline *meld(struct ssp__deadline *a, struct ssp__deadline *b)
{
    if (a == NULL || b == NULL)
        return a != NULL ? a : b;
    struct ssp__deadline *first = b->due_ms < a->due_ms ? b : a, *later = first == a ? b : a;
    later->prev = first;
    later->next = first->child;
    if (first->child != NULL)
        first->child->prev = later;
    first->child = later;
    return first;
}

static struct ssp__deadline *alone(struct ssp__deadline *d)
{
    if (d != NULL)
        d->prev = d->next = NULL;
    return d;
}

/* Melds the children of one that goes: in pairs from the left, then all from the right. */
static struct ssp__deadline *meld_siblings(struct ssp__deadline *d)
{
    struct ssp__deadline *pairs = NULL, *root = NULL;
    while (d != NULL) {
        struct ssp__deadline *second = d->next, *rest = second != NULL ? second->next : NULL;
        struct ssp__deadline *pair = meld(alone(d), alone(second));
        pair->next = pairs;
        pairs = pair;
        d = rest;
    }
    while (pairs != NULL) {
        struct ssp__deadline *next = pairs->next;
        root = meld(root, alone(pairs));
        pairs = next;
    }
    return root;
}

void ssp__deadline_clear(struct ssp__deadline *d)
{
    ssp_loop *loop = d->loop;
    if (loop == NULL)
        return;
    if (d == loop->deadlines) {
        loop->deadlines = meld_siblings(d->child);
    } else {
        *(d->prev->child == d ? &d->prev->child : &d->prev->next) = d->next;
        if (d->next != NULL)
            d->next->prev = d->prev;
        loop->deadlines = meld(loop->deadlines, meld_siblings(d->child));
    }
    d->loop = NULL;
}

/* Late deadlines fire with the next millisecond: a turn of the loop ends, whatever is set in it. */
void ssp__deadline_set(ssp_loop *loop, struct ssp__deadline *d, uint64_t due_ms)
{
    uint64_t soon = ssp__loop_now_ms(loop) + 1;
    ssp__deadline_clear(d);
    d->loop = loop;
    d->due_ms = due_ms > soon ? due_ms : soon;
    d->child = d->prev = d->next = NULL;
    loop->deadlines = meld(loop->deadlines, d);
    ssp__loop_tick_by(loop, d->due_ms);
}

void ssp__loop_run_deadlines(const ssp_loop *loop, uint64_t now_ms)
{
    while (loop->deadlines != NULL && loop->deadlines->due_ms <= now_ms) {
        struct ssp__deadline *d = loop->deadlines;
        ssp__deadline_clear(d);
        d->fire(d->arg);
    }
}
