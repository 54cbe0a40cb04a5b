/* SPDX-License-Identifier: Apache-2.0 */
#include "app/store_link.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WAIT_S = 1, HURRY_MS = 1000, FIRST = 8, TEXT_MAX = 200 };

/* ---- commands ---- */

static bool make_room(struct ss_command *c)
{
    if (c->n < c->cap)
        return true;
    size_t cap = c->cap == 0 ? FIRST : 2 * c->cap;
    const char **word = reallocarray(c->word, cap, sizeof *word);
    c->word = word != NULL ? word : c->word;
    size_t *len = reallocarray(c->len, cap, sizeof *len);
    c->len = len != NULL ? len : c->len;
    char **own = reallocarray(c->own, cap, sizeof *own);
    c->own = own != NULL ? own : c->own;
    c->failed = c->failed || word == NULL || len == NULL || own == NULL;
    c->cap = c->failed ? c->cap : cap;
    return !c->failed;
}

void ss_command_add(struct ss_command *c, const char *text, size_t len)
{
    if (!make_room(c))
        return;
    c->word[c->n] = text;
    c->len[c->n++] = len;
}

void ss_command_text(struct ss_command *c, const char *text)
{
    ss_command_add(c, text, strlen(text));
}

void ss_command_format(struct ss_command *c, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int len = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (len == -1 || !make_room(c)) {
        c->failed = true;
        if (len != -1)
            free(text);
        return;
    }
    c->own[c->owned++] = text;
    ss_command_add(c, text, (size_t)len);
}

static void release(struct ss_command *c)
{
    for (size_t i = 0; i < c->owned; i++)
        free(c->own[i]);
    free(c->own);
    free(c->word);
    free(c->len);
    *c = (struct ss_command){.n = 0};
}

/* ---- the connection ---- */

int64_t ss_link_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void ss_link_note(struct ss_exchange *x, const char *what, const char *why)
{
    if (x->why[0] == '\0')
        (void)snprintf(x->why, sizeof x->why, "%.*s: %.*s", 32, what, TEXT_MAX, why);
}

void ss_link_close(struct ss_exchange *x)
{
    if (x->connection != NULL)
        redisFree(x->connection);
    x->connection = NULL;
}

static redisContext *dial(const struct ss_store_place *p)
{
    const struct timeval wait = {.tv_sec = WAIT_S};
    char host[SSP_HOST_MAX];
    if (p->path != NULL)
        return redisConnectUnixWithTimeout(p->path, wait);
    return redisConnectWithTimeout(ssp__endpoint_host(&p->server, host), p->server.port, wait);
}

static bool says_yes(struct ss_exchange *x, struct ss_command *c)
{
    redisReply *answer = ss_link_ask(x, c, REDIS_REPLY_STATUS);
    bool yes = answer != NULL;
    freeReplyObject(answer);
    return yes;
}

static bool enter(struct ss_exchange *x)
{
    const struct ss_store_place *p = &x->place;
    struct ss_command c = {.n = 0};
    if (p->password != NULL) {
        ss_command_text(&c, "AUTH");
        if (p->user != NULL)
            ss_command_text(&c, p->user);
        ss_command_text(&c, p->password);
        if (!says_yes(x, &c))
            return false;
    }
    if (p->db == 0)
        return true;
    ss_command_text(&c, "SELECT");
    ss_command_format(&c, "%u", p->db);
    return says_yes(x, &c);
}

bool ss_link_open(struct ss_exchange *x)
{
    if (x->connection != NULL)
        return true;
    redisContext *c = x->connection = dial(&x->place);
    if (c == NULL) {
        ss_link_note(x, "connect", "out of memory");
        return false;
    }
    if (c->err != 0)
        ss_link_note(x, "connect", c->errstr);
    else if (redisSetTimeout(c, (struct timeval){.tv_sec = WAIT_S}) == REDIS_OK && enter(x))
        return true;
    ss_link_close(x);
    return false;
}

/* ---- answers ---- */

/* The time of a read is limited by the library, and that of all of them here: a store may send a
 * byte a second. */
static bool is_late(struct ss_exchange *x)
{
    int64_t now = ss_link_now_ms();
    if (atomic_load(x->stop) && !x->hurries) {
        x->hurries = true;
        x->deadline_ms = now + HURRY_MS < x->deadline_ms ? now + HURRY_MS : x->deadline_ms;
    }
    return now >= x->deadline_ms;
}

/* As redisCommandArgv(), which has no limit.  NULL where the connection is of no use any more. */
static redisReply *trade(struct ss_exchange *x, const struct ss_command *c, const char *what)
{
    redisContext *connection = x->connection;
    void *answer = NULL;
    int sent = 0;
    bool fine = redisAppendCommandArgv(connection, (int)c->n, c->word, c->len) == REDIS_OK;
    while (fine && answer == NULL) {
        if (is_late(x)) {
            ss_link_note(x, what, "the store answers too slowly");
            return NULL;
        }
        if (sent == 0)
            fine = redisBufferWrite(connection, &sent) == REDIS_OK;
        else
            fine = redisBufferRead(connection) == REDIS_OK &&
                   redisGetReplyFromReader(connection, &answer) == REDIS_OK;
    }
    return fine ? answer : NULL;
}

/* Until the whole answer is there.  One that ends in its midst is none. */
redisReply *ss_link_ask(struct ss_exchange *x, struct ss_command *c, int type)
{
    char what[16];
    redisReply *answer = NULL;
    redisContext *connection = x->connection;
    (void)snprintf(what, sizeof what, "%s", c->n > 0 ? c->word[0] : "");
    if (connection != NULL && !c->failed) {
        x->commands++;
        answer = trade(x, c, what);
    }
    if (c->failed)
        ss_link_note(x, what, "out of memory");
    release(c);
    if (connection != NULL && answer == NULL) {
        if (connection->err != 0)
            ss_link_note(x, what, connection->errstr);
        ss_link_close(x);
    }
    if (answer == NULL || answer->type == type || answer->type == REDIS_REPLY_NIL)
        return answer;
    ss_link_note(x, what,
                 answer->type == REDIS_REPLY_ERROR ? answer->str : "an answer of another type");
    freeReplyObject(answer);
    return NULL;
}
