/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/stages.h"

#include "chain/codecs.h"

#include "wrap/options.h"

#include <ssplugin/drive.h>
#include <ssplugin/host.h>
#include <ssplugin/log.h>

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { START_S = 10, START_MAX_S = 3600, WRONG_MAX = 512 };

struct reader {
    struct stages *stages;
    char *why;
    size_t cap;
};

__attribute__((format(printf, 2, 3))) static int fail(const struct reader *r, const char *format,
                                                      ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(r->why, r->cap, format, args);
    va_end(args);
    return -1;
}

/* ---- items ---- */

/* The number that a key begins with; 0: none that a stage may have. */
static unsigned number(const char *key, const char **rest)
{
    char *end;
    unsigned long n = key[0] >= '1' && key[0] <= '9' ? strtoul(key, &end, 10) : 0;
    if (n == 0 || n > STAGES_MAX || (*end != '\0' && *end != '.') || strcmp(end, ".") == 0)
        return 0;
    *rest = end;
    return (unsigned)n;
}

static int take_stage(struct reader *r, const char *key, const char *value)
{
    const char *rest;
    unsigned n = number(key, &rest);
    if (n == 0)
        return fail(r,
                    "option %.60s: expected NUMBER=program or NUMBER.option=value, numbers 1 to %d",
                    key, STAGES_MAX);
    struct stage *stage = &r->stages->stage[n - 1];
    if (*rest == '.') {
        items_add(&stage->options, rest + 1, value);
        return stage->options.failed ? fail(r, "out of memory") : 0;
    }
    if (value == NULL || *value == '\0')
        return fail(r, "stage %u has no program", n);
    free(stage->name);
    stage->name = strdup(value);
    return stage->name != NULL ? 0 : fail(r, "out of memory");
}

static int take_start(struct reader *r, const char *value)
{
    unsigned seconds = wrap_seconds(value, START_MAX_S);
    r->stages->start_ms = seconds * 1000;
    return seconds > 0 ? 0
                       : fail(r, "start is \"%.40s\", expected seconds from 1 to %d",
                              value != NULL ? value : "", START_MAX_S);
}

static int take(void *arg, const char *key, const char *value)
{
    struct reader *r = arg;
    if (key[0] >= '0' && key[0] <= '9')
        return take_stage(r, key, value);
    if (strcmp(key, "start") == 0)
        return take_start(r, value);
    if (!wrap_role(&r->stages->role, key, value))
        ssp_info("option %.60s is unknown: ignored", key);
    return 0;
}

/* ---- what they name ---- */

static int check_inner_chain(struct reader *r, const struct stage *stage, unsigned n,
                             const struct stages_self *self)
{
    struct stages_self inner = {self->path, self->directory, self->depth + 1};
    char why[256];
    struct stages *stages = calloc(1, sizeof *stages);
    if (stages == NULL)
        return fail(r, "out of memory");
    const char *options = stage->options.text != NULL ? stage->options.text : "";
    int rc = stages_read(stages, options, &inner, why, sizeof why);
    stages_release(stages);
    free(stages);
    return rc == 0 ? 0 : fail(r, "stage %u, a chain: %s", n, why);
}

static int not_found(struct reader *r, const struct stage *stage, unsigned n)
{
    bool guessed = stage->path[0] != '\0';
    return fail(r, "stage %u: %.200s: %s%s%s%s%s", n, stage->name, strerror(errno),
                strchr(stage->name, '/') == NULL ? " in PATH" : "",
                guessed ? " (did you mean " : "", guessed ? stage->path : "", guessed ? "?)" : "");
}

static int find_program(struct reader *r, struct stage *stage, unsigned n,
                        const struct stages_self *self)
{
    char *real;
    if (ssp_host_find(stage->name, self->directory, stage->path, sizeof stage->path) == -1)
        return not_found(r, stage, n);
    real = realpath(stage->path, NULL);
    int is_chain = real != NULL && strcmp(real, self->path) == 0;
    free(real);
    return is_chain ? check_inner_chain(r, stage, n, self) : 0;
}

/* A name without a '/' means the built-in plugin of that name, if there is one. */
static int resolve(struct reader *r, const struct stages_self *self)
{
    struct stages *s = r->stages;
    for (s->n = 0; s->n < STAGES_MAX && s->stage[s->n].name != NULL; s->n++) {
        struct stage *stage = &s->stage[s->n];
        stage->codec = codecs_find(stage->name);
        if (stage->codec == NULL && find_program(r, stage, s->n + 1, self) == -1)
            return -1;
    }
    for (unsigned i = s->n; i < STAGES_MAX; i++) {
        if (s->stage[i].name != NULL || s->stage[i].options.text != NULL)
            return fail(r, "stage %u is missing: there is a stage %u", s->n + 1, i + 1);
    }
    return s->n > 0 ? 0 : fail(r, "there is no stage: expected 1=program, 2=program, ...");
}

int stages_read(struct stages *stages, const char *options, const struct stages_self *self,
                char *why, size_t why_cap)
{
    struct reader r = {stages, why, why_cap};
    int at;
    *stages = (struct stages){.start_ms = START_S * 1000};
    if (self->depth >= STAGES_DEPTH_MAX)
        return fail(&r, "%u nested chains: the chain contains itself", self->depth + 1);
    why[0] = '\0';
    if (items_each(options, take, &r, &at) == 0)
        return resolve(&r, self);
    if (why[0] != '\0')
        return -1;
    return at != -1 ? fail(&r, "SS_PLUGIN_OPTIONS: malformed at byte %d", at)
                    : fail(&r, "out of memory");
}

/* SSP_ROLE_UNKNOWN: either. */
static ssp_role only_role(const struct stage *stage)
{
    unsigned flags = stage->codec != NULL ? stage->codec->flags : 0;
    bool client = (flags & SSP_CLIENT_ONLY) != 0, server = (flags & SSP_SERVER_ONLY) != 0;
    return client ? SSP_CLIENT : server ? SSP_SERVER : SSP_ROLE_UNKNOWN;
}

ssp_role stages_role(const struct stages *stages, const ssp_env *env, const char *name, char *why,
                     size_t why_cap)
{
    static const char *const word[] = {[SSP_CLIENT] = "client", [SSP_SERVER] = "server"};
    ssp_role role = stages->role;
    for (unsigned i = 0; i < stages->n && role == SSP_ROLE_UNKNOWN; i++)
        role = only_role(&stages->stage[i]);
    role = ssp_env_role(env, role, name);
    for (unsigned i = 0; i < stages->n; i++) {
        ssp_role only = only_role(&stages->stage[i]);
        if (only == SSP_ROLE_UNKNOWN || only == role)
            continue;
        (void)snprintf(why, why_cap, "stage %u, %s, is for a %s, and this is a %s", i + 1,
                       stages->stage[i].name, word[only], word[role]);
        return SSP_ROLE_UNKNOWN;
    }
    return role;
}

int stages_check(const struct stages *stages, ssp_role role, char *why, size_t why_cap)
{
    char wrong[WRONG_MAX];
    for (unsigned i = 0; i < stages->n; i++) {
        const struct stage *stage = &stages->stage[i];
        if (stage->codec == NULL)
            continue;
        ssp_conf *conf = ssp_conf_new(stage->codec, role, stage->options.text, wrong, sizeof wrong);
        if (conf == NULL) {
            (void)snprintf(why, why_cap, "stage %u, %s: %s", i + 1, stage->name, wrong);
            return -1;
        }
        ssp_conf_free(conf);
    }
    return 0;
}

void stages_release(struct stages *stages)
{
    for (unsigned i = 0; i < STAGES_MAX; i++) {
        free(stages->stage[i].name);
        items_release(&stages->stage[i].options);
    }
    *stages = (struct stages){.n = 0};
}
