/* SPDX-License-Identifier: Apache-2.0 */
#include "http/message.h"

#include <stdio.h>
#include <string.h>

enum { BAD_REQUEST = 400, NOT_IMPLEMENTED = 501, BAD_VERSION = 505 };

int ss_http_version_read(struct ss_http_text text, unsigned *minor)
{
    bool version = text.len == 8 && memcmp(text.at, "HTTP/", 5) == 0 && text.at[6] == '.';
    if (!version || text.at[5] < '0' || text.at[5] > '9' || text.at[7] < '0' || text.at[7] > '9')
        return BAD_REQUEST;
    *minor = text.at[7] == '0' ? 0 : 1;
    return text.at[5] == '1' ? 0 : BAD_VERSION;
}

/* ---- fields ---- */

typedef int read_fn(struct ss_http_message *m, struct ss_http_text value);

static int read_connection(struct ss_http_message *m, struct ss_http_text value)
{
    if (m->connections == SS_HTTP_LISTS_MAX)
        return BAD_REQUEST;
    m->connection[m->connections++] = value;
    m->close = m->close || ss_http_lists(value, SS_HTTP_TEXT("close"));
    m->keep_alive = m->keep_alive || ss_http_lists(value, SS_HTTP_TEXT("keep-alive"));
    return 0;
}

static int read_proxy_connection(struct ss_http_message *m, struct ss_http_text value)
{
    m->close = m->close || ss_http_lists(value, SS_HTTP_TEXT("close"));
    m->keep_alive = m->keep_alive || ss_http_lists(value, SS_HTTP_TEXT("keep-alive"));
    return 0;
}

/* Two readers may take different ones of two lengths: a request has one. */
static int read_length(struct ss_http_message *m, struct ss_http_text value)
{
    bool lenient = m->fields.reading == SS_HTTP_LENIENT;
    uint64_t length;
    do {
        struct ss_http_text part = lenient ? ss_http_trim(ss_http_cut(&value, ',')) : value;
        if (ss_http_number(part, &length) == -1)
            return BAD_REQUEST;
        if (m->has_length && (!lenient || length != m->length))
            return BAD_REQUEST;
        m->has_length = true;
        m->length = length;
    } while (lenient && value.len > 0);
    return 0;
}

static int read_coding(struct ss_http_message *m, struct ss_http_text value)
{
    bool lenient = m->fields.reading == SS_HTTP_LENIENT;
    if (lenient && ss_http_is(value, "identity"))
        return 0;
    if (m->chunked || (m->minor == 0 && !lenient))
        return BAD_REQUEST;
    m->chunked = true;
    return ss_http_is(value, "chunked") ? 0 : NOT_IMPLEMENTED;
}

/* The fields that end here; those without a function are not read. */
static const struct {
    const char *name;
    read_fn *read;
} rows[] = {
    {"connection", read_connection},
    {"content-length", read_length},
    {"host", NULL}, /* rewritten */
    {"keep-alive", NULL},
    {"proxy-authenticate", NULL},
    {"proxy-authorization", NULL},
    {"proxy-connection", read_proxy_connection},
    {"te", NULL},
    {"transfer-encoding", read_coding},
    {"upgrade", NULL},
};

enum { ROWS = sizeof rows / sizeof rows[0] };

static size_t row_of(struct ss_http_text name)
{
    size_t i = 0;
    while (i < ROWS && !ss_http_is(name, rows[i].name))
        i++;
    return i;
}

int ss_http_message_read(struct ss_http_message *m)
{
    struct ss_http_fields fields = m->fields;
    struct ss_http_field field;
    int more, status = 0;
    while (status == 0 && (more = ss_http_field_next(&fields, &field)) != 0) {
        if (more == -1)
            return BAD_REQUEST;
        size_t row = row_of(field.name);
        if (row < ROWS && rows[row].read != NULL)
            status = rows[row].read(m, field.value);
    }
    if (status == 0 && m->chunked && m->has_length && m->fields.reading == SS_HTTP_STRICT)
        return BAD_REQUEST;
    return status;
}

bool ss_http_message_persists(const struct ss_http_message *m)
{
    return !m->close && (m->minor > 0 || m->keep_alive);
}

bool ss_http_message_names(const struct ss_http_message *m, struct ss_http_text word)
{
    for (unsigned i = 0; i < m->connections; i++) {
        if (ss_http_lists(m->connection[i], word))
            return true;
    }
    return false;
}

/* ---- writing ---- */

void ss_http_put(struct ss_http_out *out, struct ss_http_text text)
{
    if ((size_t)(out->end - out->at) < text.len) {
        out->overflown = true;
        return;
    }
    if (text.len > 0)
        memcpy(out->at, text.at, text.len);
    out->at += text.len;
}

void ss_http_put_text(struct ss_http_out *out, const char *text)
{
    ss_http_put(out, (struct ss_http_text){text, strlen(text)});
}

/* The line breaks of a folded value become blanks. */
static void put_field(struct ss_http_out *out, const struct ss_http_field *field)
{
    ss_http_put(out, field->name);
    ss_http_put_text(out, ": ");
    char *value = out->at;
    ss_http_put(out, field->value);
    for (; value < out->at; value++) {
        if (*value == '\r' || *value == '\n')
            *value = ' ';
    }
    ss_http_put_text(out, "\r\n");
}

void ss_http_put_fields(struct ss_http_out *out, const struct ss_http_message *m,
                        const char *except)
{
    struct ss_http_fields fields = m->fields;
    struct ss_http_field field;
    while (ss_http_field_next(&fields, &field) == 1) {
        bool ends = row_of(field.name) < ROWS || ss_http_message_names(m, field.name);
        if (!ends && !ss_http_is(field.name, except))
            put_field(out, &field);
    }
}

void ss_http_put_length(struct ss_http_out *out, uint64_t length)
{
    char line[48];
    (void)snprintf(line, sizeof line, "Content-Length: %llu\r\n", (unsigned long long)length);
    ss_http_put_text(out, line);
}
