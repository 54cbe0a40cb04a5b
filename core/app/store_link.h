/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_link.h - commands to the store and their answers, which may be anything: what is not of the
 * form that was asked for is told, and NULL.
 */
#ifndef SS_APP_STORE_LINK_H
#define SS_APP_STORE_LINK_H

#include "app/exchange.h"

#include <hiredis/hiredis.h>

/* A command as it is made.  Texts are borrowed, but for those of ss_command_format(). */
struct ss_command {
    const char **word;
    size_t *len;
    char **own;
    size_t n, cap, owned;
    bool failed; /* memory was out */
};

void ss_command_add(struct ss_command *command, const char *text, size_t len);
void ss_command_text(struct ss_command *command, const char *text);
__attribute__((format(printf, 2, 3))) void ss_command_format(struct ss_command *command,
                                                             const char *format, ...);

int64_t ss_link_now_ms(void); /* of CLOCK_MONOTONIC */

/* Connects, if there is no connection.  Returns false after a note. */
bool ss_link_open(struct ss_exchange *exchange);
void ss_link_close(struct ss_exchange *exchange);

/* Sends the command, and forgets it.  Returns the answer, of a type or of REDIS_REPLY_NIL, or NULL
 * after a note; the caller frees it. */
redisReply *ss_link_ask(struct ss_exchange *exchange, struct ss_command *command, int type);

/* Notes the first thing that went wrong. */
void ss_link_note(struct ss_exchange *exchange, const char *what, const char *why);

#endif
