/* SPDX-License-Identifier: Apache-2.0 */
/* table.c - the outcome for people: wrapped to their terminal, and what failed once more at the
 * end.
 */
#include "check/report.h"

#include <string.h>

enum { TITLE_AT = 26, EVIDENCE_AT = 4, NARROWEST = 20 };

/* Prints text whose first line begins at a column; others begin at the same one.  Words that are
 * longer than a line are cut. */
static void print_wrapped(const char *text, size_t column, unsigned width, FILE *out)
{
    size_t room = width > column + NARROWEST ? width - column : NARROWEST;
    for (size_t left = strlen(text); left > 0;) {
        size_t n = left;
        if (width > 0 && left > room) {
            for (n = room; n > 0 && text[n] != ' ';)
                n--;
            n = n > 0 ? n : room;
        }
        fprintf(out, "%.*s\n", (int)n, text);
        text += n;
        text += strspn(text, " ");
        left = strlen(text);
        if (left > 0)
            fprintf(out, "%*s", (int)column, "");
    }
}

static const char *colour_of(const struct report *r, const struct job *j)
{
    if (!r->colour)
        return "";
    if (j->result->outcome == FAIL)
        return j->check->level == MUST ? "\033[31m" : "\033[33m";
    return j->result->outcome == PASS ? "\033[32m" : "\033[2m";
}

static void print_job(const struct report *r, const struct job *j, FILE *out)
{
    fprintf(out, "%2u  %-6s  %-6s  %s%-4s%s  ", j->check->number, report_levels[j->check->level],
            report_examined(j->role), colour_of(r, j), report_verdicts[j->result->outcome],
            r->colour ? "\033[0m" : "");
    print_wrapped(j->check->title, TITLE_AT, r->width, out);
    fprintf(out, "%*s", EVIDENCE_AT, "");
    print_wrapped(j->result->evidence.text, EVIDENCE_AT, r->width, out);
}

static unsigned count_failed(const struct report *r)
{
    unsigned n = 0;
    for (unsigned i = 0; i < r->jobs; i++)
        n += r->job[i]->result->outcome == FAIL;
    return n;
}

/* Among many that passed they would not be found. */
static void print_failed_again(const struct report *r, FILE *out)
{
    if (r->failed_only || count_failed(r) == 0 || count_failed(r) == r->jobs)
        return;
    fprintf(out, "failed:\n");
    for (unsigned i = 0; i < r->jobs; i++) {
        if (r->job[i]->result->outcome == FAIL)
            print_job(r, r->job[i], out);
    }
    (void)fputc('\n', out);
}

void report_table(const struct report *r, FILE *out)
{
    for (unsigned i = 0; i < r->jobs; i++) {
        if (report_shows(r, r->job[i]))
            print_job(r, r->job[i], out);
    }
    if (!r->failed_only || count_failed(r) > 0)
        (void)fputc('\n', out);
    print_failed_again(r, out);
    report_summary(r, out);
}

void report_list(const struct check *const *tables, FILE *out)
{
    for (; *tables != NULL; tables++) {
        for (const struct check *c = *tables; c->title != NULL; c++)
            fprintf(out, "%2u  %-6s  %-6s  %s\n", c->number, report_levels[c->level],
                    report_whoms[c->of], c->title);
    }
}
