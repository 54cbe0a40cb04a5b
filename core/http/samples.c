/* SPDX-License-Identifier: Apache-2.0 */
#include "http/samples.h"

#include <stdlib.h>
#include <string.h>

/* Undoes the escapes of a value up to its quote.  Returns what is behind the quote, or NULL. */
static char *unescape(char *text)
{
    char *out = text;
    for (; *text != '"'; text++) {
        if (*text == '\\' && text[1] != '\0') {
            text++;
            *out++ = (char)(*text == 'n' ? '\n' : *text);
        } else if (*text == '\0') {
            return NULL;
        } else {
            *out++ = *text;
        }
    }
    *out = '\0';
    return text + 1;
}

/* at is behind a '{' or a ','.  Returns what is behind the '}', or NULL. */
static char *read_labels(struct ss_sample *s, char *at)
{
    for (;;) {
        char *name = at;
        char *equals = strstr(at, "=\"");
        if (equals == NULL || s->labels == SS_SAMPLE_LABELS)
            return NULL;
        *equals = '\0';
        s->label[s->labels].name = name;
        s->label[s->labels++].value = equals + 2;
        at = unescape(equals + 2);
        if (at == NULL || (*at != ',' && *at != '}'))
            return NULL;
        if (*at++ == '}')
            return at;
    }
}

int ss_sample_read(struct ss_sample *s, char *line)
{
    *s = (struct ss_sample){.name = line};
    if (line[0] == '\0' || line[0] == '#')
        return 0;
    char *at = line + strcspn(line, "{ "), *end;
    char stop = *at;
    if (stop == '\0' || at == line)
        return -1;
    *at++ = '\0';
    if (stop == '{')
        at = read_labels(s, at);
    if (at == NULL)
        return -1;
    s->value = strtod(at, &end);
    return end != at && *end == '\0' ? 1 : -1;
}

const char *ss_sample_label(const struct ss_sample *s, const char *name)
{
    for (size_t i = 0; i < s->labels; i++) {
        if (strcmp(s->label[i].name, name) == 0)
            return s->label[i].value;
    }
    return "";
}
