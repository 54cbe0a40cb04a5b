/* SPDX-License-Identifier: Apache-2.0 */
#include "check/report.h"

#include "base/json.h"

#include <ssplugin/version.h>

#include <string.h>

const char *const report_levels[] = {[MUST] = "MUST", [SHOULD] = "SHOULD", [MAY] = "MAY"};
static const char *const lower_levels[] = {[MUST] = "must", [SHOULD] = "should", [MAY] = "may"};
const char *const report_verdicts[] = {[PASS] = "pass", [FAIL] = "fail", [NOT_APPLICABLE] = "n/a"};
const char *const report_whoms[] = {
    [OF_CLIENT] = "client", [OF_SERVER] = "server", [OF_EACH] = "each",
    [OF_PAIR] = "pair",     [OF_HOST] = "host",     [OF_CLIENT_HOST] = "client"};

bool report_shows(const struct report *r, const struct job *j)
{
    return !r->failed_only || j->result->outcome == FAIL;
}

const char *report_examined(ssp_role role)
{
    return role == SSP_CLIENT ? "client" : role == SSP_SERVER ? "server" : "pair";
}

struct level_count report_count(const struct report *r, enum level level)
{
    struct level_count t = {0, 0};
    for (unsigned i = 0; i < r->jobs; i++) {
        const struct job *j = r->job[i];
        if (j->check->level != level || j->result->outcome == NOT_APPLICABLE)
            continue;
        t.all++;
        t.passed += j->result->outcome == PASS ? 1 : 0;
    }
    return t;
}

void report_summary(const struct report *r, FILE *out)
{
    for (int level = MUST; level <= MAY; level++) {
        struct level_count t = report_count(r, (enum level)level);
        fprintf(out, "%s%s %u/%u", level == MUST ? "" : ", ", report_levels[level], t.passed,
                t.all);
    }
    fprintf(out, " passed in %.1f s\n", (double)r->took_us / 1000000);
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
    unsigned n = 0, shown = 0;
    for (unsigned i = 0; i < r->jobs; i++)
        shown += report_shows(r, r->job[i]);
    fprintf(out, "TAP version 13\n1..%u\n", shown);
    for (unsigned i = 0; i < r->jobs; i++) {
        const struct job *j = r->job[i];
        enum outcome outcome = j->result->outcome;
        if (!report_shows(r, j))
            continue;
        fprintf(out, "%s %u - %u %s %s: ", outcome == FAIL ? "not ok" : "ok", ++n, j->check->number,
                report_levels[j->check->level], report_examined(j->role));
        describe(j->check->title, out);
        if (outcome == NOT_APPLICABLE)
            fprintf(out, " # SKIP %s", j->result->evidence.text);
        else if (outcome == FAIL && j->check->level != MUST)
            fprintf(out, " # TODO %s", report_levels[j->check->level]);
        fprintf(out, "\n  ---\n  evidence: ");
        quote(j->result->evidence.text, out);
        fprintf(out, "\n  ms: %.1f\n  ...\n", (double)j->result->took_us / 1000);
    }
    (void)fputs("# ", out);
    report_summary(r, out);
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

static void put_host(struct ssp__json *json, const struct host *host)
{
    ssp__json_object(json, "host");
    ssp__json_text(json, "path", host->path);
    ssp__json_text(json, "role", report_examined(host->role));
    ssp__json_array(json, "arguments");
    for (const char *const *word = host->words; *word != NULL; word++)
        ssp__json_text(json, NULL, *word);
    ssp__json_close(json, ']');
    ssp__json_close(json, '}');
}

static void put_job(struct ssp__json *json, const struct job *j)
{
    ssp__json_object(json, NULL);
    ssp__json_number(json, "number", j->check->number);
    ssp__json_text(json, "level", report_levels[j->check->level]);
    ssp__json_text(json, "of", report_examined(j->role));
    ssp__json_text(json, "title", j->check->title);
    ssp__json_text(json, "verdict", report_verdicts[j->result->outcome]);
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
            ssp__json_text(&json, "level", report_levels[c->level]);
            ssp__json_text(&json, "of", report_whoms[c->of]);
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
    if (r->fixture->host.path != NULL) {
        put_host(&json, &r->fixture->host);
    } else {
        put_subject(&json, "client", &r->fixture->client);
        put_subject(&json, "server", &r->fixture->server);
    }
    ssp__json_array(&json, "checks");
    for (unsigned i = 0; i < r->jobs; i++) {
        if (report_shows(r, r->job[i]))
            put_job(&json, r->job[i]);
    }
    ssp__json_close(&json, ']');
    ssp__json_object(&json, "summary");
    for (int level = MUST; level <= MAY; level++) {
        struct level_count t = report_count(r, (enum level)level);
        ssp__json_object(&json, lower_levels[level]);
        ssp__json_number(&json, "passed", t.passed);
        ssp__json_number(&json, "applicable", t.all);
        ssp__json_close(&json, '}');
    }
    ssp__json_close(&json, '}');
    ssp__json_real(&json, "seconds", (double)r->took_us / 1000000);
    ssp__json_close(&json, '}');
}
