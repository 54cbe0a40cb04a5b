/* SPDX-License-Identifier: Apache-2.0 */
#include "check/report.h"

#include "base/json.h"

#include <ssplugin/version.h>

#include <string.h>

static const char *const levels[] = {[MUST] = "MUST", [SHOULD] = "SHOULD", [MAY] = "MAY"};
static const char *const lower_levels[] = {[MUST] = "must", [SHOULD] = "should", [MAY] = "may"};
static const char *const verdicts[] = {[PASS] = "pass", [FAIL] = "fail", [NOT_APPLICABLE] = "n/a"};
static const char *const whoms[] = {
    [OF_CLIENT] = "client", [OF_SERVER] = "server", [OF_EACH] = "each", [OF_PAIR] = "pair"};

const char *report_whom(ssp_role role)
{
    return role == SSP_CLIENT ? "client" : role == SSP_SERVER ? "server" : "pair";
}

struct tally report_tally(const struct report *r, enum level level)
{
    struct tally t = {0, 0};
    for (unsigned i = 0; i < r->jobs; i++) {
        const struct job *j = r->job[i];
        if (j->check->level != level || j->result->outcome == NOT_APPLICABLE)
            continue;
        t.all++;
        t.passed += j->result->outcome == PASS ? 1 : 0;
    }
    return t;
}

/* ---- the table ---- */

static const char *colour_of(const struct report *r, const struct job *j)
{
    if (!r->colour)
        return "";
    if (j->result->outcome == FAIL)
        return j->check->level == MUST ? "\033[31m" : "\033[33m";
    return j->result->outcome == PASS ? "\033[32m" : "\033[2m";
}

static void print_summary(const struct report *r, FILE *out)
{
    for (int level = MUST; level <= MAY; level++) {
        struct tally t = report_tally(r, (enum level)level);
        fprintf(out, "%s%s %u/%u", level == MUST ? "" : ", ", levels[level], t.passed, t.all);
    }
    fprintf(out, " passed in %.1f s\n", (double)r->took_us / 1000000);
}

void report_table(const struct report *r, FILE *out)
{
    const char *plain = r->colour ? "\033[0m" : "";
    for (unsigned i = 0; i < r->jobs; i++) {
        const struct job *j = r->job[i];
        fprintf(out, "%2u  %-6s  %-6s  %s%-4s%s  %s\n", j->check->number, levels[j->check->level],
                report_whom(j->role), colour_of(r, j), verdicts[j->result->outcome], plain,
                j->check->title);
        fprintf(out, "                          %s\n", j->result->evidence.text);
    }
    (void)fputc('\n', out);
    print_summary(r, out);
}

void report_list(const struct check *const *tables, FILE *out)
{
    for (; *tables != NULL; tables++) {
        for (const struct check *c = *tables; c->title != NULL; c++)
            fprintf(out, "%2u  %-6s  %-6s  %s\n", c->number, levels[c->level], whoms[c->of],
                    c->title);
    }
}

/* ---- TAP ---- */

/* A YAML scalar in double quotes (YAML 1.2, 7.3.1). */
static void quote(const char *text, FILE *out)
{
    (void)fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            (void)fputc('\\', out);
        (void)fputc(*text, out);
    }
    (void)fputc('"', out);
}

/* In a description "#" and "\" are escaped. */
static void describe(const char *text, FILE *out)
{
    for (; *text != '\0'; text++) {
        if (*text == '#' || *text == '\\')
            (void)fputc('\\', out);
        (void)fputc(*text, out);
    }
}

void report_tap(const struct report *r, FILE *out)
{
    fprintf(out, "TAP version 13\n1..%u\n", r->jobs);
    for (unsigned i = 0; i < r->jobs; i++) {
        const struct job *j = r->job[i];
        enum outcome outcome = j->result->outcome;
        fprintf(out, "%s %u - %u %s %s: ", outcome == FAIL ? "not ok" : "ok", i + 1,
                j->check->number, levels[j->check->level], report_whom(j->role));
        describe(j->check->title, out);
        if (outcome == NOT_APPLICABLE)
            fprintf(out, " # SKIP %s", j->result->evidence.text);
        else if (outcome == FAIL && j->check->level != MUST)
            fprintf(out, " # TODO %s", levels[j->check->level]);
        fprintf(out, "\n  ---\n  evidence: ");
        quote(j->result->evidence.text, out);
        fprintf(out, "\n  ms: %.1f\n  ...\n", (double)j->result->took_us / 1000);
    }
    (void)fputs("# ", out);
    print_summary(r, out);
}

/* ---- JSON ---- */

static void put_subject(struct ssp__json *json, const char *key, const struct subject *s)
{
    if (s->path == NULL) {
        ssp__json_text(json, key, NULL);
        return;
    }
    ssp__json_object(json, key);
    ssp__json_text(json, "path", s->path);
    ssp__json_text(json, "options", s->options);
    ssp__json_close(json, '}');
}

static void put_job(struct ssp__json *json, const struct job *j)
{
    ssp__json_object(json, NULL);
    ssp__json_number(json, "number", j->check->number);
    ssp__json_text(json, "level", levels[j->check->level]);
    ssp__json_text(json, "of", report_whom(j->role));
    ssp__json_text(json, "title", j->check->title);
    ssp__json_text(json, "verdict", verdicts[j->result->outcome]);
    ssp__json_text(json, "evidence", j->result->evidence.text);
    ssp__json_real(json, "ms", (double)j->result->took_us / 1000);
    ssp__json_number(json, "attempts", j->result->attempts);
    ssp__json_close(json, '}');
}

void report_list_json(const struct check *const *tables, FILE *out)
{
    struct ssp__json json = {.out = out, .pretty = true};
    ssp__json_array(&json, NULL);
    for (; *tables != NULL; tables++) {
        for (const struct check *c = *tables; c->title != NULL; c++) {
            ssp__json_object(&json, NULL);
            ssp__json_number(&json, "number", c->number);
            ssp__json_text(&json, "level", levels[c->level]);
            ssp__json_text(&json, "of", whoms[c->of]);
            ssp__json_text(&json, "title", c->title);
            ssp__json_close(&json, '}');
        }
    }
    ssp__json_close(&json, ']');
}

void report_json(const struct report *r, FILE *out)
{
    struct ssp__json json = {.out = out, .pretty = true};
    ssp__json_object(&json, NULL);
    ssp__json_text(&json, "version", ssp_version());
    put_subject(&json, "client", &r->lab->client);
    put_subject(&json, "server", &r->lab->server);
    ssp__json_array(&json, "checks");
    for (unsigned i = 0; i < r->jobs; i++)
        put_job(&json, r->job[i]);
    ssp__json_close(&json, ']');
    ssp__json_object(&json, "summary");
    for (int level = MUST; level <= MAY; level++) {
        struct tally t = report_tally(r, (enum level)level);
        ssp__json_object(&json, lower_levels[level]);
        ssp__json_number(&json, "passed", t.passed);
        ssp__json_number(&json, "applicable", t.all);
        ssp__json_close(&json, '}');
    }
    ssp__json_close(&json, '}');
    ssp__json_real(&json, "seconds", (double)r->took_us / 1000000);
    ssp__json_close(&json, '}');
}
