/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/lease.h"

#include <stdlib.h>

static bool says_port(const struct ssp__address *peer, const struct ssp__address *source)
{
    return ssp__address_port(source) != 0 &&
           (ssp__address_unspecified(source) || ssp__address_same_host(peer, source));
}

struct ssp__lease *ssp__lease_new(struct ssp__leases *all, const struct ssp__address *peer,
                                  const struct ssp__address *source)
{
    struct ssp__lease *l = calloc(1, sizeof *l);
    if (l == NULL)
        return NULL;
    l->all = all;
    l->client = *peer;
    l->fixed = says_port(peer, source);
    ssp__address_set_port(&l->client, l->fixed ? ssp__address_port(source) : 0);
    (void)pthread_mutex_lock(&all->lock);
    l->prev = all->last;
    *(l->prev != NULL ? &l->prev->next : &all->first) = l;
    all->last = l;
    (void)pthread_mutex_unlock(&all->lock);
    return l;
}

static void end_association(struct ssp__lease *l)
{
    if (l->assoc != NULL)
        l->all->end(l->assoc);
}

static void take_out(struct ssp__lease *l)
{
    *(l->prev != NULL ? &l->prev->next : &l->all->first) = l->next;
    *(l->next != NULL ? &l->next->prev : &l->all->last) = l->prev;
}

void ssp__lease_free(struct ssp__lease *l)
{
    if (l == NULL)
        return;
    struct ssp__leases *all = l->all;
    (void)pthread_mutex_lock(&all->lock);
    l->over = all->loop != NULL;
    bool later = l->over;
    if (!later)
        take_out(l);
    (void)pthread_mutex_unlock(&all->lock);
    if (later) {
        ssp__loop_post(all->loop, &all->sweep);
        return;
    }
    end_association(l);
    free(l);
}

/* One that is over, taken out; NULL: there is none. */
static struct ssp__lease *next_over(struct ssp__leases *all)
{
    (void)pthread_mutex_lock(&all->lock);
    struct ssp__lease *l = all->first;
    while (l != NULL && !l->over)
        l = l->next;
    if (l != NULL)
        take_out(l);
    (void)pthread_mutex_unlock(&all->lock);
    return l;
}

/* In the thread of the associations. */
static void sweep(void *arg)
{
    struct ssp__lease *l;
    while ((l = next_over(arg)) != NULL) {
        end_association(l);
        free(l);
    }
}

void ssp__leases_open(struct ssp__leases *all, ssp_loop *loop)
{
    (void)pthread_mutex_init(&all->lock, NULL); /* which cannot fail here */
    all->loop = loop;
    all->sweep = (struct ssp__post){.fire = sweep, .arg = all};
}

void ssp__leases_close(struct ssp__leases *all)
{
    if (all->loop == NULL)
        return;
    ssp__loop_unpost(all->loop, &all->sweep);
    sweep(all);
}

/* How well a lease of the client's host suits: 0 is not at all. */
static unsigned fitness(const struct ssp__lease *l, uint16_t port, bool (*quiet)(const void *assoc))
{
    uint16_t own = ssp__address_port(&l->client);
    if (own == port)
        return 4;
    if (l->fixed)
        return 0;
    if (own == 0)
        return 3;
    if (l->assoc == NULL)
        return 2;
    return quiet(l->assoc) ? 1 : 0;
}

struct ssp__lease *ssp__lease_find(struct ssp__leases *all, const struct ssp__address *client,
                                   bool (*quiet)(const void *assoc))
{
    struct ssp__lease *best = NULL;
    unsigned best_fitness = 0;
    uint16_t port = ssp__address_port(client);
    (void)pthread_mutex_lock(&all->lock);
    for (struct ssp__lease *l = all->first; l != NULL; l = l->next) {
        bool same = !l->over && ssp__address_same_host(&l->client, client);
        unsigned fits = same ? fitness(l, port, quiet) : 0;
        if (fits > best_fitness) {
            best = l;
            best_fitness = fits;
        }
    }
    (void)pthread_mutex_unlock(&all->lock);
    return best;
}

void ssp__lease_bind(struct ssp__lease *l, const struct ssp__address *client, void *assoc)
{
    end_association(l);
    ssp__address_set_port(&l->client, ssp__address_port(client));
    l->assoc = assoc;
}

void ssp__lease_unbind(struct ssp__lease *l)
{
    if (l != NULL)
        l->assoc = NULL;
}
