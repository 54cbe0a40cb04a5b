/* SPDX-License-Identifier: Apache-2.0 */
#include "app/reading.h"

#include "conf/complain.h"
#include "conf/fields.h"
#include <ssplugin/log.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int refuse(struct ss_reading *r, const char *why)
{
    (void)snprintf(r->why, sizeof r->why, "%s", why);
    return -1;
}

/* ---- the configuration ---- */

/* The last line is the reason if the reading fails; the others are warnings. */
static void note_complaint(void *arg, const char *line)
{
    struct ss_reading *r = arg;
    if (r->why[0] != '\0')
        ssp_error("%s", r->why);
    (void)refuse(r, line);
}

static int read_conf(struct ss_reading *r, const struct ss_serving *s, const atomic_bool *stop)
{
    const struct ss_conf_source source = {.argc = s->arguments.n,
                                          .argv = s->arguments.at,
                                          .path = s->origin->conf.path,
                                          .stop = stop};
    int status;
    r->next = ss_generation_new();
    if (r->next == NULL)
        return refuse(r, "out of memory");
    ss_complaints_take(note_complaint, r);
    enum ssp__next next = ss_conf_read_again(&r->next->conf, s->program, &source, &status);
    ss_complaints_take(NULL, NULL);
    if (next == SSP_EXIT_WITH)
        return r->why[0] != '\0' ? -1 : refuse(r, "the configuration cannot be read");
    if (r->why[0] != '\0')
        ssp_error("%s", r->why);
    r->why[0] = '\0';
    const char *name = ss_conf_differs(&s->origin->conf, &r->next->conf, SS_AT_START);
    if (name == NULL)
        return 0;
    (void)snprintf(r->why, sizeof r->why,
                   "%s can be changed at the start only: restart the program", name);
    return -1;
}

static int read_accesses(struct ss_reading *r)
{
    char why[SS_ACCESS_WHY_MAX];
    for (size_t i = 0; i < r->n; i++) {
        const char *acl = ss_generation_conf(r->next, i)->acl;
        if (acl != NULL && ss_access_read(&r->accesses, acl, why) == -1)
            return refuse(r, why);
    }
    return 0;
}

/* ---- what is to be done ---- */

static int make_room(struct ss_reading *r, const struct ss_serving *s)
{
    for (const struct ss_instance *i = s->first; i != NULL; i = i->sibling)
        r->formers++;
    r->n = ss_generation_count(r->next);
    r->change = calloc(r->n, sizeof *r->change);
    r->step = calloc(r->n, sizeof *r->step);
    r->gone = calloc(r->formers, sizeof *r->gone);
    r->former = calloc(r->formers, sizeof(struct ss_instance *));
    if (r->change == NULL || r->step == NULL || r->gone == NULL || r->former == NULL) {
        r->n = r->formers = 0;
        return refuse(r, "out of memory");
    }
    struct ss_instance **at = r->former;
    for (struct ss_instance *i = s->first; i != NULL; i = i->sibling)
        *at++ = i;
    return 0;
}

static struct ss_party party_of(const struct ss_instance *i)
{
    struct ss_party p = {.conf = i->conf, .program = i->program};
    if (i->keys != NULL)
        memcpy(p.key, i->keys->print, sizeof p.key);
    return p;
}

/* A server that starts leaves out addresses that the machine does not have. */
static struct ss_party next_party(struct ss_reading *r, const struct ss_serving *s, size_t i)
{
    struct ss_conf *c = ss_generation_conf(r->next, i);
    struct ss_party p = {.conf = c, .program = ss_generation_program(r->next, i, s->program)};
    if (ss_programs[p.program].role == SSP_SERVER) {
        c->servers = ssp__lookup_drop_absent(c->server, c->servers);
        ss_conf_key_print(p.key, c, s->process.secret);
    }
    return p;
}

static int find_changes(struct ss_reading *r, const struct ss_serving *s)
{
    char why[SS_CHANGES_WHY_MAX];
    struct ss_party *next = calloc(r->n, sizeof *next), *now = calloc(r->formers, sizeof *now);
    int rc = -1;
    (void)refuse(r, "out of memory");
    if (next != NULL && now != NULL) {
        for (size_t i = 0; i < r->n; i++)
            next[i] = next_party(r, s, i);
        for (size_t i = 0; i < r->formers; i++)
            now[i] = party_of(r->former[i]);
        rc = ss_changes_find(r->change, (struct ss_parties){next, r->n}, r->gone,
                             (struct ss_parties){now, r->formers}, why);
        (void)refuse(r, rc == -1 ? why : "");
    }
    free(next);
    free(now);
    return rc;
}

/* Users of keys of another length are others. */
static int compare_users(struct ss_reading *r)
{
    for (size_t i = 0; i < r->n; i++) {
        if (r->change[i].kind == SS_ADDED)
            continue;
        struct ss_step *step = &r->step[i];
        step->former = r->former[r->change[i].former];
        struct ss_conf *conf = ss_generation_conf(r->next, i);
        struct ss_users *now = step->former->conf->users, *next = conf->users;
        if (now == NULL || next == NULL || ss_users_key_len(now) != ss_users_key_len(next))
            continue;
        bool shared = r->next->conf.store != NULL; /* then they are the store's */
        if (!shared && ss_users_compare(&step->users, now, next) == -1)
            return refuse(r, "users: out of memory");
        ss_users_free(next); /* here, where it holds up nobody */
        conf->users = NULL;
        step->counted = true;
    }
    return 0;
}

void ss_reading_make(struct ss_reading *r, const struct ss_serving *s, const atomic_bool *stop)
{
    *r = (struct ss_reading){.n = 0};
    r->failed = read_conf(r, s, stop) == -1 || make_room(r, s) == -1 || read_accesses(r) == -1 ||
                find_changes(r, s) == -1 || compare_users(r) == -1;
}

void ss_reading_release(struct ss_reading *r)
{
    for (size_t i = 0; i < r->n; i++)
        ss_users_change_release(&r->step[i].users);
    ss_access_free(r->accesses);
    free(r->change);
    free(r->step);
    free(r->gone);
    free(r->former);
    ss_generation_leave(r->next);
    *r = (struct ss_reading){.n = 0};
}
