/* SPDX-License-Identifier: Apache-2.0 */
#include "acl/expressions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef SS_HAS_PCRE2
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <pthread.h>

/* A name has at most 255 bytes: more steps are those of an expression that multiplies its tries. */
enum { STEPS_MAX = 100000 };

struct expression {
    pcre2_code *code;
    unsigned line;
};

struct ss_expressions {
    struct expression *at;
    size_t n, cap;
    pcre2_match_context *limits;
    pthread_mutex_t lock;    /* one thread matches at a time */
    pcre2_match_data *match; /* guarded by it */
};

struct ss_expressions *ss_expressions_new(void)
{
    struct ss_expressions *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    (void)pthread_mutex_init(&s->lock, NULL); /* which cannot fail here */
    s->limits = pcre2_match_context_create(NULL);
    s->match = pcre2_match_data_create(1, NULL);
    if (s->limits == NULL || s->match == NULL) {
        ss_expressions_free(s);
        return NULL;
    }
    (void)pcre2_set_match_limit(s->limits, STEPS_MAX);
    return s;
}

void ss_expressions_free(struct ss_expressions *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n; i++)
        pcre2_code_free(s->at[i].code);
    pcre2_match_data_free(s->match);
    pcre2_match_context_free(s->limits);
    (void)pthread_mutex_destroy(&s->lock);
    free(s->at);
    free(s);
}

static int append(struct ss_expressions *s, pcre2_code *code, unsigned line)
{
    if (s->n == s->cap) {
        size_t cap = s->cap == 0 ? 16 : s->cap * 2;
        struct expression *at = realloc(s->at, cap * sizeof *at);
        if (at == NULL)
            return -1;
        s->at = at;
        s->cap = cap;
    }
    s->at[s->n++] = (struct expression){.code = code, .line = line};
    return 0;
}

/* Where the system refuses memory that is both written and executed, the expression is interpreted.
 */
int ss_expressions_add(struct ss_expressions *s, const char *text, unsigned line,
                       char why[SS_EXPRESSION_WHY_MAX])
{
    int error;
    PCRE2_SIZE at;
    PCRE2_UCHAR reason[SS_EXPRESSION_WHY_MAX / 2];
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)text, strlen(text),
                                     PCRE2_CASELESS | PCRE2_NO_AUTO_CAPTURE, &error, &at, NULL);
    if (code == NULL) {
        (void)pcre2_get_error_message(error, reason, sizeof reason);
        (void)snprintf(why, SS_EXPRESSION_WHY_MAX, "%s, at character %zu", (const char *)reason,
                       at + 1);
        return -1;
    }
    (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    if (append(s, code, line) == 0)
        return 0;
    pcre2_code_free(code);
    (void)snprintf(why, SS_EXPRESSION_WHY_MAX, "out of memory");
    return -1;
}

static unsigned find(const struct ss_expressions *s, const char *name, bool unsure)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < s->n; i++) {
        int rc = pcre2_match(s->at[i].code, (PCRE2_SPTR)name, len, 0, 0, s->match, s->limits);
        if (rc >= 0 || (rc != PCRE2_ERROR_NOMATCH && unsure))
            return s->at[i].line;
    }
    return 0;
}

unsigned ss_expressions_find(struct ss_expressions *s, const char *name, bool unsure)
{
    (void)pthread_mutex_lock(&s->lock);
    unsigned line = find(s, name, unsure);
    (void)pthread_mutex_unlock(&s->lock);
    return line;
}

#else

struct ss_expressions {
    char none;
};

struct ss_expressions *ss_expressions_new(void)
{
    return calloc(1, sizeof(struct ss_expressions));
}

void ss_expressions_free(struct ss_expressions *s)
{
    free(s);
}

int ss_expressions_add(struct ss_expressions *s, const char *text, unsigned line,
                       char why[SS_EXPRESSION_WHY_MAX])
{
    (void)s;
    (void)text;
    (void)line;
    (void)snprintf(why, SS_EXPRESSION_WHY_MAX, "this build has no regular expressions (libpcre2)");
    return -1;
}

unsigned ss_expressions_find(struct ss_expressions *s, const char *name, bool unsure)
{
    (void)s;
    (void)name;
    (void)unsure;
    return 0;
}
#endif
