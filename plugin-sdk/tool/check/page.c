/* SPDX-License-Identifier: Apache-2.0 */
/* page.c - the outcome as one page of HTML: everything is in it, and nothing runs in it. */
#include "base/log.h"
#include "check/report.h"

#include <ssplugin/version.h>

#include <errno.h>
#include <string.h>

static const char head[] =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
    "'unsafe-inline'\">\n"
    "<title>The SIP003 contract</title>\n<style>\n"
    ":root{color-scheme:light dark;--ink:#1c2128;--dim:#667080;--line:#d9dee5;--back:#fff;"
    "--pass:#1a7f37;--fail:#cf222e;--soft:#9a6700}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#dfe5ec;--dim:#8b96a5;--line:#343b45;"
    "--back:#15191f;--pass:#3fb950;--fail:#ff7b72;--soft:#d29922}}\n"
    "body{margin:2rem auto;max-width:70rem;padding:0 1rem;font:15px/1.5 system-ui,sans-serif;"
    "color:var(--ink);background:var(--back)}\n"
    "table{width:100%;border-collapse:collapse}\n"
    "th,td{padding:.4rem .6rem;border-bottom:1px solid var(--line);text-align:left;"
    "vertical-align:top}\n"
    "th{color:var(--dim);font-weight:600}\n"
    "code,.evidence{font:13px/1.5 ui-monospace,monospace;overflow-wrap:anywhere}\n"
    "ul.evidence{margin:.3rem 0;padding-left:1.2rem}\n"
    "summary{cursor:pointer}\n.pass summary{color:var(--pass)}\n.fail summary{color:var(--fail)}\n"
    ".soft summary{color:var(--soft)}\n.none,.level{color:var(--dim)}\n"
    ":target{outline:2px solid var(--soft)}\n"
    "</style>\n</head>\n<body>\n<h1>The SIP003 contract</h1>\n";

static const char *name_of(char c)
{
    static const char *const names[] = {
        ['<'] = "&lt;", ['>'] = "&gt;", ['&'] = "&amp;", ['"'] = "&quot;", ['\''] = "&#39;"};
    unsigned char at = (unsigned char)c;
    return at < sizeof names / sizeof *names ? names[at] : NULL;
}

/* Text of others becomes text, and never an element, a control character or a stray byte. */
static void put(FILE *out, const char *text)
{
    while (*text != '\0') {
        size_t n = ssp__log_printable(text);
        if (name_of(*text) != NULL)
            (void)fputs(name_of(*text), out);
        else if (n > 0)
            (void)fwrite(text, 1, n, out);
        else
            (void)fprintf(out, "\\x%02x", (unsigned char)*text);
        text += n > 0 ? n : 1;
    }
}

/* ---- the subjects ---- */

static void put_code(FILE *out, const char *text)
{
    (void)fputs(" <code>", out);
    put(out, text);
    (void)fputs("</code>", out);
}

static void put_subject(FILE *out, const char *role, const struct subject *s)
{
    if (s->path == NULL)
        return;
    (void)fprintf(out, "<p>%s:", role);
    put_code(out, s->path);
    if (s->options != NULL) {
        (void)fputs(" with", out);
        put_code(out, s->options);
    }
    (void)fputs("</p>\n", out);
}

static void put_subjects(FILE *out, const struct fixture *fixture)
{
    const struct host *host = &fixture->host;
    put_subject(out, "Client", &fixture->client);
    put_subject(out, "Server", &fixture->server);
    if (host->path == NULL)
        return;
    (void)fprintf(out, "<p>Host, %s:", report_examined(host->role));
    put_code(out, host->path);
    for (const char *const *word = host->words; *word != NULL; word++)
        put_code(out, *word);
    (void)fputs("</p>\n", out);
}

/* ---- the checks ---- */

static const char *class_of(const struct job *j)
{
    if (j->result->outcome == NOT_APPLICABLE)
        return "none";
    if (j->result->outcome == PASS)
        return "pass";
    return j->check->level == MUST ? "fail" : "soft";
}

/* Its clauses, which "; " joins, one an item. */
static void put_evidence(FILE *out, const char *text)
{
    char clause[EVIDENCE_MAX];
    (void)fputs("<ul class=\"evidence\">", out);
    while (*text != '\0') {
        const char *end = strstr(text, "; ");
        size_t n = end != NULL ? (size_t)(end - text) : strlen(text);
        (void)snprintf(clause, sizeof clause, "%.*s", (int)n, text);
        (void)fputs("<li>", out);
        put(out, clause);
        (void)fputs("</li>", out);
        text += n + (end != NULL ? 2 : 0);
    }
    (void)fputs("</ul>", out);
}

static void put_job(FILE *out, const struct job *j)
{
    bool failed = j->result->outcome == FAIL;
    (void)fprintf(out, "<details class=\"%s\"%s><summary>%s, %.0f ms</summary>", class_of(j),
                  failed ? " open" : "", report_verdicts[j->result->outcome],
                  (double)j->result->took_us / 1000);
    put_evidence(out, j->result->evidence.text);
    (void)fputs("</details>", out);
}

/* The job of a check for one column: a role, or the pair in the first of both. */
static const struct job *job_of(const struct report *r, const struct check *check, ssp_role role)
{
    for (unsigned i = 0; i < r->jobs; i++) {
        if (r->job[i]->check == check && r->job[i]->role == role)
            return r->job[i];
    }
    return NULL;
}

static bool shows(const struct report *r, const struct job *j)
{
    return j != NULL && report_shows(r, j);
}

static void put_row(FILE *out, const struct report *r, const struct check *check)
{
    const struct job *pair = job_of(r, check, SSP_ROLE_UNKNOWN);
    const struct job *ends[] = {job_of(r, check, SSP_CLIENT), job_of(r, check, SSP_SERVER)};
    if (!shows(r, pair) && !shows(r, ends[0]) && !shows(r, ends[1]))
        return;
    (void)fprintf(out,
                  "<tr id=\"check-%u\"><td><a href=\"#check-%u\">%u</a></td>"
                  "<td class=\"level\">%s</td><td>",
                  check->number, check->number, check->number, report_levels[check->level]);
    put(out, check->title);
    (void)fputs("</td>", out);
    if (pair != NULL) {
        (void)fputs("<td colspan=\"2\">", out);
        put_job(out, pair);
    }
    for (size_t i = 0; pair == NULL && i < 2; i++) {
        (void)fputs(i == 0 ? "<td>" : "</td><td>", out);
        if (shows(r, ends[i]))
            put_job(out, ends[i]);
    }
    (void)fputs("</td></tr>\n", out);
}

int report_page(const struct report *r, const char *path)
{
    FILE *out = fopen(path, "we");
    if (out == NULL)
        return -1;
    (void)fputs(head, out);
    put_subjects(out, r->fixture);
    (void)fprintf(out, "<p class=\"level\">ss-plugin %s: ", ssp_version());
    report_summary(r, out);
    (void)fputs("</p>\n<table>\n<thead><tr><th>#</th><th>level</th><th>requirement</th>"
                "<th>client</th><th>server</th></tr></thead>\n<tbody>\n",
                out);
    for (unsigned i = 0; i < r->jobs; i++) {
        if (i == 0 || r->job[i]->check != r->job[i - 1]->check)
            put_row(out, r, r->job[i]->check);
    }
    (void)fputs("</tbody>\n</table>\n</body>\n</html>\n", out);
    bool written = ferror(out) == 0;
    int error = errno;
    if (fclose(out) == 0 && written)
        return 0;
    errno = written ? errno : error;
    return -1;
}
