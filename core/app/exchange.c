/* SPDX-License-Identifier: Apache-2.0 */
#include "app/exchange.h"

#include "app/store_link.h"
#include "store/user.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    REMEMBERED_S = 90, /* salts so old are read at first */
    STREAM_S = 120,    /* and older ones are dropped */
    MESSAGES = 256,    /* that are read at once */
    READS = 64,        /* in one exchange, at most */
    USERS_MAX = 1000000
};

bool ss_exchange_possible(void)
{
    return true;
}

static long long now_ms(void)
{
    return (long long)time(NULL) * 1000;
}

static void key(struct ss_command *c, const struct ss_exchange *x, const char *name)
{
    ss_command_format(c, "%s:%s", x->place.prefix, name);
}

static void port_key(struct ss_command *c, const struct ss_exchange *x, const char *name,
                     unsigned port)
{
    ss_command_format(c, "%s:%s:%u", x->place.prefix, name, port);
}

/* ---- salts ---- */

static void send_salts(struct ss_exchange *x)
{
    struct ss_command c = {.n = 0};
    if (x->salts_len == 0)
        return;
    ss_command_text(&c, "XADD");
    key(&c, x, "salts");
    ss_command_text(&c, "MINID");
    ss_command_text(&c, "~");
    ss_command_format(&c, "%lld", now_ms() - STREAM_S * 1000LL);
    ss_command_text(&c, "*");
    ss_command_text(&c, "n");
    ss_command_text(&c, x->node);
    ss_command_text(&c, "r");
    ss_command_add(&c, (const char *)x->salts, x->salts_len);
    redisReply *answer = ss_link_ask(x, &c, REDIS_REPLY_STRING);
    if (answer != NULL) {
        free(x->salts);
        x->salts = NULL;
        x->salts_len = 0;
    }
    freeReplyObject(answer);
}

static bool is_text(const redisReply *r)
{
    return r->type == REDIS_REPLY_STRING && memchr(r->str, '\0', (size_t)r->len) == NULL;
}

/* The value of a field, or NULL. */
static const redisReply *field_of(const redisReply *fields, const char *name)
{
    for (size_t i = 0; i + 1 < fields->elements; i += 2) {
        const redisReply *field = fields->element[i];
        if (is_text(field) && strcmp(field->str, name) == 0 &&
            fields->element[i + 1]->type == REDIS_REPLY_STRING)
            return fields->element[i + 1];
    }
    return NULL;
}

static void learn(struct ss_exchange *x, const redisReply *fields)
{
    const redisReply *node = field_of(fields, "n"), *salts = field_of(fields, "r");
    if (node == NULL || salts == NULL || (size_t)salts->len % SS_STORE_SALT != 0) {
        ss_link_note(x, "XREAD", "a message of another form is left out");
        return;
    }
    size_t n = (size_t)salts->len / SS_STORE_SALT;
    if (strcmp(node->str, x->node) == 0 || n == 0)
        return;
    struct ss_recent_kept *grown = reallocarray(x->learned, x->learneds + n, sizeof *grown);
    if (grown == NULL)
        return;
    x->learned = grown;
    for (size_t i = 0; i < n; i++)
        ss_store_salt_read(&grown[x->learneds++], (const uint8_t *)salts->str + i * SS_STORE_SALT);
}

/* Returns the number of messages. */
static size_t take_messages(struct ss_exchange *x, const redisReply *messages)
{
    size_t n = messages->type == REDIS_REPLY_ARRAY ? messages->elements : 0;
    for (size_t i = 0; i < n; i++) {
        const redisReply *m = messages->element[i];
        bool whole = m->type == REDIS_REPLY_ARRAY && m->elements == 2 && is_text(m->element[0]) &&
                     m->element[0]->len < SS_EXCHANGE_ID &&
                     m->element[1]->type == REDIS_REPLY_ARRAY;
        if (!whole) {
            ss_link_note(x, "XREAD", "an answer of another form");
            return 0;
        }
        (void)snprintf(x->seen, sizeof x->seen, "%s", m->element[0]->str);
        learn(x, m->element[1]);
    }
    return n;
}

static size_t read_salts(struct ss_exchange *x)
{
    struct ss_command c = {.n = 0};
    ss_command_text(&c, "XREAD");
    ss_command_text(&c, "COUNT");
    ss_command_format(&c, "%d", MESSAGES);
    ss_command_text(&c, "STREAMS");
    key(&c, x, "salts");
    if (x->seen[0] == '\0')
        (void)snprintf(x->seen, sizeof x->seen, "%lld-0", now_ms() - REMEMBERED_S * 1000LL);
    ss_command_text(&c, x->seen);
    size_t n = 0;
    redisReply *answer = ss_link_ask(x, &c, REDIS_REPLY_ARRAY);
    if (answer != NULL && answer->type == REDIS_REPLY_ARRAY && answer->elements == 1 &&
        answer->element[0]->type == REDIS_REPLY_ARRAY && answer->element[0]->elements == 2)
        n = take_messages(x, answer->element[0]->element[1]);
    freeReplyObject(answer);
    return n;
}

/* ---- traffic ---- */

/* The ports of a batch, each once: their keys. */
static size_t list_ports(unsigned *port, const struct ss_batch *b)
{
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++) {
        size_t k = 0;
        while (k < n && port[k] != b->at[i].port)
            k++;
        if (k == n)
            port[n++] = b->at[i].port;
    }
    return n;
}

static void put_entry(struct ss_command *c, const struct ss_batch_entry *e, const unsigned *port)
{
    size_t k = 0;
    while (port[k] != e->port)
        k++;
    ss_command_format(c, "%zu", k + 2); /* counted from 1, behind that of the node */
    ss_command_text(c, e->name != NULL ? e->name : "");
    ss_command_format(c, "%llu", (unsigned long long)e->up);
    ss_command_format(c, "%llu", (unsigned long long)e->down);
}

static void compose(struct ss_command *c, const struct ss_exchange *x, const unsigned *port,
                    size_t ports)
{
    ss_command_text(c, "EVAL");
    ss_command_text(c, ss_batch_script);
    ss_command_format(c, "%zu", ports + 1);
    ss_command_format(c, "%s:node:%s", x->place.prefix, x->node);
    for (size_t i = 0; i < ports; i++)
        port_key(c, x, "traffic", port[i]);
    ss_command_format(c, "%llu", (unsigned long long)x->sequence);
    for (size_t i = 0; i < x->batch.n; i++)
        put_entry(c, &x->batch.at[i], port);
}

/* The numbers of an answer, to be freed; NULL for one of another form. */
static long long *numbers_of(const redisReply *answer)
{
    long long *number = calloc(answer->elements + 1, sizeof *number);
    for (size_t i = 0; number != NULL && i < answer->elements; i++) {
        if (answer->element[i]->type != REDIS_REPLY_INTEGER) {
            free(number);
            return NULL;
        }
        number[i] = answer->element[i]->integer;
    }
    return number;
}

static void take_totals(struct ss_exchange *x, const redisReply *answer)
{
    long long *number = answer->type == REDIS_REPLY_ARRAY ? numbers_of(answer) : NULL;
    if (number == NULL || !ss_batch_answer(&x->batch, number, answer->elements, &x->rest)) {
        ss_link_note(x, "EVAL", "an answer of another form");
    } else {
        x->added = x->batch;
        x->batch = (struct ss_batch){.n = 0};
        if (x->rest.n > 0)
            ss_link_note(x, "traffic", "a counter of the store is no number that can grow");
    }
    free(number);
}

static void send_batch(struct ss_exchange *x)
{
    struct ss_command c = {.n = 0};
    unsigned *port = x->batch.n > 0 ? calloc(x->batch.n, sizeof *port) : NULL;
    if (port == NULL)
        return;
    compose(&c, x, port, list_ports(port, &x->batch));
    free(port);
    redisReply *answer = ss_link_ask(x, &c, REDIS_REPLY_ARRAY);
    if (answer != NULL)
        take_totals(x, answer);
    freeReplyObject(answer);
}

/* ---- users ---- */

static void remark(struct ss_exchange_port *p, const char *name, const char *why)
{
    if (p->remark[0] == '\0')
        (void)snprintf(p->remark, sizeof p->remark, "user %.64s of port %u: %s", name, p->port,
                       why);
}

/* One that cannot be read stays as it was. */
static void add_user(struct ss_exchange_port *p, struct ss_users *next, const redisReply *name,
                     const redisReply *value)
{
    if (!is_text(name) || value->type != REDIS_REPLY_STRING) {
        remark(p, "?", "the name or the value is no text");
        return;
    }
    const char *why = ss_store_user_add(next, p->cipher, name->str, value->str, (size_t)value->len);
    if (why == NULL)
        return;
    remark(p, name->str, why);
    ss_store_user_keep(next, p->users, name->str);
}

struct asking {
    struct ss_command *command;
    struct ss_batch *totals;
    unsigned port;
};

static void ask_total(void *arg, const char *name, uint64_t bytes)
{
    const struct asking *a = arg;
    (void)bytes;
    if (!ss_batch_add(a->totals, a->port, name, 0, 0))
        return;
    ss_command_format(a->command, "up:%s", name);
    ss_command_format(a->command, "down:%s", name);
}

static bool read_total(const redisReply *r, uint64_t *sum)
{
    char *end = NULL;
    if (r->type == REDIS_REPLY_NIL)
        return true;
    long long n = r->type == REDIS_REPLY_STRING && is_text(r) ? strtoll(r->str, &end, 10) : -1;
    if (n < 0 || end == NULL || *end != '\0')
        return false;
    *sum += (uint64_t)n;
    return true;
}

/* The users with a limit have used so much. */
static void read_totals(struct ss_exchange *x, struct ss_exchange_port *p, struct ss_users *next)
{
    struct ss_command c = {.n = 0};
    struct asking asking = {&c, &p->totals, p->port};
    ss_command_text(&c, "HMGET");
    port_key(&c, x, "traffic", p->port);
    ss_users_each_used(next, ask_total, &asking);
    if (p->totals.n == 0)
        ss_command_text(&c, "up");
    redisReply *answer = ss_link_ask(x, &c, REDIS_REPLY_ARRAY);
    for (size_t i = 0; i < p->totals.n && answer != NULL; i++) {
        struct ss_batch_entry *e = &p->totals.at[i];
        e->totalled = 2 * i + 1 < answer->elements &&
                      read_total(answer->element[2 * i], &e->total) &&
                      read_total(answer->element[2 * i + 1], &e->total);
    }
    freeReplyObject(answer);
}

/* A hash without users is taken for a store that has lost them. */
static void take_users(struct ss_exchange *x, struct ss_exchange_port *p, const redisReply *answer)
{
    if (answer->elements == 0 || answer->elements % 2 != 0) {
        (void)snprintf(p->remark, sizeof p->remark, "the store has no users of port %u", p->port);
        return;
    }
    struct ss_users *next = ss_users_new(ss_users_key_len(p->users));
    if (next == NULL)
        return;
    for (size_t i = 0; i < answer->elements; i += 2)
        add_user(p, next, answer->element[i], answer->element[i + 1]);
    read_totals(x, p, next);
    bool any = ss_users_count(next) > 0;
    p->read = any && x->connection != NULL && ss_users_compare(&p->change, p->users, next) == 0;
    ss_users_free(next);
}

static void read_users(struct ss_exchange *x, struct ss_exchange_port *p)
{
    struct ss_command c = {.n = 0};
    ss_command_text(&c, "HLEN");
    port_key(&c, x, "users", p->port);
    redisReply *count = ss_link_ask(x, &c, REDIS_REPLY_INTEGER);
    bool bounded = count != NULL && count->type == REDIS_REPLY_INTEGER && count->integer >= 0 &&
                   count->integer <= USERS_MAX;
    if (count != NULL && !bounded)
        ss_link_note(x, "HLEN", "more than a million users of a port");
    freeReplyObject(count);
    if (!bounded)
        return;
    ss_command_text(&c, "HGETALL");
    port_key(&c, x, "users", p->port);
    redisReply *answer = ss_link_ask(x, &c, REDIS_REPLY_ARRAY);
    if (answer != NULL && answer->type == REDIS_REPLY_ARRAY)
        take_users(x, p, answer);
    freeReplyObject(answer);
}

/* The version is read before the users: a change in between is read again. */
static void look_at_users(struct ss_exchange *x)
{
    struct ss_command c = {.n = 0};
    char version[SS_EXCHANGE_ID] = "";
    ss_command_text(&c, "GET");
    key(&c, x, "version");
    redisReply *answer = ss_link_ask(x, &c, REDIS_REPLY_STRING);
    bool told = answer != NULL;
    if (told && answer->type == REDIS_REPLY_STRING)
        (void)snprintf(version, sizeof version, "%s", answer->str);
    freeReplyObject(answer);
    if (!told || (!x->whole && strcmp(version, x->version) == 0))
        return;
    for (size_t i = 0; i < x->ports && x->connection != NULL && !atomic_load(x->stop); i++)
        read_users(x, &x->port[i]);
    if (x->connection != NULL)
        memcpy(x->version, version, sizeof version);
}

/* ---- the exchange ---- */

void ss_exchange_run(struct ss_exchange *x, const atomic_bool *stop, unsigned limit_ms)
{
    x->stop = stop;
    x->hurries = false;
    x->deadline_ms = ss_link_now_ms() + limit_ms;
    if (!ss_link_open(x))
        return;
    send_salts(x);
    for (int i = 0; i < READS && read_salts(x) == MESSAGES; i++)
        continue;
    send_batch(x);
    look_at_users(x);
}

void ss_exchange_clear(struct ss_exchange *x)
{
    for (size_t i = 0; i < x->ports; i++) {
        struct ss_exchange_port *p = &x->port[i];
        ss_users_change_release(&p->change);
        ss_batch_release(&p->totals);
        ss_users_free(p->users);
    }
    free(x->port);
    x->port = NULL;
    x->ports = 0;
    free(x->learned);
    x->learned = NULL;
    x->learneds = 0;
    ss_batch_release(&x->added);
    ss_batch_release(&x->rest);
    x->why[0] = '\0';
}

void ss_exchange_close(struct ss_exchange *x)
{
    ss_exchange_clear(x);
    ss_link_close(x);
    ss_batch_release(&x->batch);
    free(x->salts);
    ss_store_place_release(&x->place);
    *x = (struct ss_exchange){.ports = 0};
}
