/* SPDX-License-Identifier: Apache-2.0 */
#include "http/board.h"

#include "base/json.h"

#include "http/samples.h"

#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 8, CELL = 24, KEYS = 2, NAME_MAX_SHOWN = 40, TABLES = 4 };

enum unit { NUMBER, BYTES, SECONDS, RATIO, STATE };

struct column {
    const char *title, *json, *metric, *label, *value;
    enum unit unit;
};

/* The rows of a table are told apart by the port and another label. */
static const struct shape {
    const char *title, *json, *key;
    struct column column[COLUMNS];
} shapes[TABLES] = {
    {"PORT",
     "ports",
     NULL,
     {{"now", "connections", "shadowplug_connections", NULL, NULL, NUMBER},
      {"all", "connections_total", "shadowplug_connections_total", NULL, NULL, NUMBER},
      {"up", "bytes_up", "shadowplug_bytes_total", "direction", "up", BYTES},
      {"down", "bytes_down", "shadowplug_bytes_total", "direction", "down", BYTES},
      {"udp", "udp_associations", "shadowplug_udp_associations", NULL, NULL, NUMBER},
      {"not authentic", "failures_authentication", "shadowplug_failures_total", "reason",
       "authentication", NUMBER},
      {"replays", "replays", "shadowplug_replays_total", NULL, NULL, NUMBER},
      {"no target", "failures_target", "shadowplug_failures_total", "reason", "target", NUMBER}}},
    {"SERVER",
     "servers",
     "server",
     {{"state", "up", "shadowplug_server_up", NULL, NULL, STATE},
      {"latency", "latency_seconds", "shadowplug_server_latency_seconds", NULL, NULL, SECONDS},
      {"failures", "failures", "shadowplug_server_failures", NULL, NULL, NUMBER}}},
    {"PLUGIN",
     "plugins",
     "server",
     {{"state", "up", "shadowplug_plugin_up", NULL, NULL, STATE},
      {"restarts", "restarts", "shadowplug_plugin_restarts_total", NULL, NULL, NUMBER},
      {"now", "connections", "shadowplug_plugin_connections", NULL, NULL, NUMBER},
      {"all", "connections_total", "shadowplug_plugin_connections_total", NULL, NULL, NUMBER},
      {"up", "bytes_up", "shadowplug_plugin_bytes_total", "direction", "up", BYTES},
      {"down", "bytes_down", "shadowplug_plugin_bytes_total", "direction", "down", BYTES},
      {"overhead", "overhead_ratio", "shadowplug_plugin_overhead_ratio", NULL, NULL, RATIO},
      {"foreign", "foreign", "shadowplug_plugin_failures_total", "reason", "foreign", NUMBER}}},
    {"USER",
     "users",
     "user",
     {{"all", "connections_total", "shadowplug_user_connections_total", NULL, NULL, NUMBER},
      {"up", "bytes_up", "shadowplug_user_bytes_total", "direction", "up", BYTES},
      {"down", "bytes_down", "shadowplug_user_bytes_total", "direction", "down", BYTES}}},
};

struct row {
    const char *key[KEYS];
    double value[COLUMNS];
    unsigned has; /* a bit for each column */
};

struct table {
    struct row *row;
    size_t n, room, at; /* at: where the last one was found; families have the same order */
};

struct ss_board {
    const char *program, *version; /* parts of the text, as all keys */
    struct table table[TABLES];
};

/* ---- reading ---- */

static bool same_row(const struct row *row, const char *const key[KEYS])
{
    return strcmp(row->key[0], key[0]) == 0 && strcmp(row->key[1], key[1]) == 0;
}

/* NULL when memory is out. */
static struct row *row_of(struct table *t, const char *const key[KEYS])
{
    for (size_t i = 0; i < t->n; i++) {
        size_t at = (t->at + i) % t->n;
        if (same_row(&t->row[at], key)) {
            t->at = at + 1;
            return &t->row[at];
        }
    }
    if (t->n == t->room) {
        size_t room = t->room == 0 ? 16 : 2 * t->room;
        struct row *more = realloc(t->row, room * sizeof *more);
        if (more == NULL)
            return NULL;
        t->row = more;
        t->room = room;
    }
    t->row[t->n] = (struct row){.key = {key[0], key[1]}};
    t->at = t->n + 1;
    return &t->row[t->n++];
}

static bool is_of(const struct column *c, const struct ss_sample *s)
{
    return c->metric != NULL && strcmp(c->metric, s->name) == 0 &&
           (c->label == NULL || strcmp(ss_sample_label(s, c->label), c->value) == 0);
}

static bool add(struct ss_board *b, const struct ss_sample *s)
{
    for (size_t i = 0; i < TABLES; i++) {
        const struct shape *shape = &shapes[i];
        for (size_t k = 0; k < COLUMNS; k++) {
            if (!is_of(&shape->column[k], s))
                continue;
            const char *key[KEYS] = {ss_sample_label(s, "port"),
                                     shape->key != NULL ? ss_sample_label(s, shape->key) : ""};
            struct row *row = row_of(&b->table[i], key);
            if (row == NULL)
                return false;
            row->value[k] = s->value;
            row->has |= 1U << k;
        }
    }
    return true;
}

struct ss_board *ss_board_read(char *text)
{
    struct ss_board *b = calloc(1, sizeof *b);
    char *line;
    if (b == NULL)
        return NULL;
    b->program = b->version = "";
    while ((line = strsep(&text, "\n")) != NULL) {
        struct ss_sample sample;
        if (ss_sample_read(&sample, line) != 1)
            continue;
        if (strcmp(sample.name, "shadowplug_build_info") == 0) {
            b->program = ss_sample_label(&sample, "program");
            b->version = ss_sample_label(&sample, "version");
        } else if (!add(b, &sample)) {
            ss_board_free(b);
            return NULL;
        }
    }
    return b;
}

void ss_board_free(struct ss_board *b)
{
    if (b == NULL)
        return;
    for (size_t i = 0; i < TABLES; i++)
        free(b->table[i].row);
    free(b);
}

/* ---- tables ---- */

static void write_bytes(char out[CELL], double n)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    for (; n >= 1024 && unit < sizeof units / sizeof *units - 1; unit++)
        n /= 1024;
    (void)snprintf(out, CELL, unit == 0 ? "%.0f %s" : "%.1f %s", n, units[unit]);
}

static void write_cell(char out[CELL], const struct row *row, size_t k, enum unit unit)
{
    double n = row->value[k];
    if ((row->has & 1U << k) == 0)
        (void)snprintf(out, CELL, "-");
    else if (unit == BYTES)
        write_bytes(out, n);
    else if (unit == SECONDS)
        (void)snprintf(out, CELL, "%.0f ms", n * 1000);
    else if (unit == RATIO)
        (void)snprintf(out, CELL, "%.3f", n);
    else if (unit == STATE)
        (void)snprintf(out, CELL, "%s", n > 0 ? "up" : "down");
    else
        (void)snprintf(out, CELL, "%.0f", n);
}

/* A name may be any bytes: a terminal must not obey them. */
static void write_name(char out[NAME_MAX_SHOWN], const struct row *row)
{
    bool both = row->key[1][0] != '\0';
    (void)snprintf(out, NAME_MAX_SHOWN, "%s%s%s", row->key[0], both ? " " : "", row->key[1]);
    for (char *p = out; *p != '\0'; p++) {
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = '?';
    }
}

static size_t width_of(const struct shape *shape, const struct table *t, size_t k)
{
    char cell[CELL];
    size_t width = strlen(shape->column[k].title);
    for (size_t i = 0; i < t->n; i++) {
        write_cell(cell, &t->row[i], k, shape->column[k].unit);
        width = strlen(cell) > width ? strlen(cell) : width;
    }
    return width;
}

/* Lines that are cut at a number of characters, up to a number of lines. */
struct page {
    FILE *out;
    unsigned lines, columns, used;
};

static void put_line(struct page *p, const char *text)
{
    if (p->lines != 0 && ++p->used >= p->lines)
        return;
    (void)fprintf(p->out, "%.*s\n", p->columns != 0 ? (int)p->columns : 512, text);
}

static void put_table(struct page *p, const struct shape *shape, const struct table *t)
{
    char line[512], cell[CELL], name[NAME_MAX_SHOWN];
    size_t width[COLUMNS] = {0}, first = strlen(shape->title), n = 0;
    for (size_t i = 0; i < t->n; i++) {
        write_name(name, &t->row[i]);
        first = strlen(name) > first ? strlen(name) : first;
    }
    int len = snprintf(line, sizeof line, "%-*s", (int)first, shape->title);
    for (; n < COLUMNS && shape->column[n].title != NULL; n++) {
        width[n] = width_of(shape, t, n);
        len += snprintf(line + len, sizeof line - (size_t)len, "  %*s", (int)width[n],
                        shape->column[n].title);
    }
    put_line(p, "");
    put_line(p, line);
    for (size_t i = 0; i < t->n && (p->lines == 0 || p->used < p->lines); i++) {
        write_name(name, &t->row[i]);
        len = snprintf(line, sizeof line, "%-*s", (int)first, name);
        for (size_t k = 0; k < n; k++) {
            write_cell(cell, &t->row[i], k, shape->column[k].unit);
            len += snprintf(line + len, sizeof line - (size_t)len, "  %*s", (int)width[k], cell);
        }
        put_line(p, line);
    }
}

void ss_board_print(const struct ss_board *b, FILE *out, unsigned lines, unsigned columns)
{
    char title[128];
    struct page page = {.out = out, .lines = lines, .columns = columns};
    (void)snprintf(title, sizeof title, "%s %s", b->program, b->version);
    put_line(&page, title);
    for (size_t i = 0; i < TABLES; i++) {
        if (b->table[i].n > 0)
            put_table(&page, &shapes[i], &b->table[i]);
    }
}

/* ---- JSON ---- */

static void put_row(struct ssp__json *json, const struct shape *shape, const struct row *row)
{
    ssp__json_object(json, NULL);
    ssp__json_number(json, "port", strtol(row->key[0], NULL, 10));
    if (row->key[1][0] != '\0')
        ssp__json_text(json, shape->key, row->key[1]);
    for (size_t k = 0; k < COLUMNS; k++) {
        const struct column *c = &shape->column[k];
        if ((row->has & 1U << k) == 0)
            continue;
        if (c->unit == SECONDS || c->unit == RATIO)
            ssp__json_real(json, c->json, row->value[k]);
        else if (c->unit == STATE)
            ssp__json_bool(json, c->json, row->value[k] > 0);
        else
            ssp__json_number(json, c->json, (int64_t)row->value[k]);
    }
    ssp__json_close(json, '}');
}

void ss_board_json(const struct ss_board *b, FILE *out)
{
    struct ssp__json json = {.out = out};
    ssp__json_object(&json, NULL);
    ssp__json_text(&json, "program", b->program);
    ssp__json_text(&json, "version", b->version);
    for (size_t i = 0; i < TABLES; i++) {
        ssp__json_array(&json, shapes[i].json);
        for (size_t k = 0; k < b->table[i].n; k++)
            put_row(&json, &shapes[i], &b->table[i].row[k]);
        ssp__json_close(&json, ']');
    }
    ssp__json_close(&json, '}');
}
