/* SPDX-License-Identifier: Apache-2.0 */
#include "ws-wrap/layers.h"

#include "ws-wrap/ws_wrap.h"

#include <ssplugin/options.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TLS, HOST, CERT, KEY, ALPN, MUX, NAMES };

static const char *const names[NAMES] = {"tls", "host", "cert", "key", "alpn", "mux"};

struct reading {
    char *value[NAMES]; /* owned; NULL: not given */
    bool failed;        /* memory is out */
};

/* The last one wins.  Options of no interest here pass. */
static void take(struct reading *r, const char *name, const char *value)
{
    for (size_t i = 0; i < NAMES; i++) {
        if (strcmp(names[i], name) != 0)
            continue;
        free(r->value[i]);
        r->value[i] = strdup(value != NULL ? value : "");
        r->failed = r->failed || r->value[i] == NULL;
    }
}

static void take_all(struct reading *r, const char *options)
{
    size_t cap = strlen(options) + 2;
    char *text = malloc(cap);
    ssp_item item;
    while (text != NULL && ssp_options_next(&options, text, cap, &item) == 1)
        take(r, item.key, item.value);
    r->failed = r->failed || text == NULL;
    free(text);
}

/* --opts STRING, --NAME VALUE and --NAME=VALUE, of words that end in NULL.  A flag takes no word.
 */
static void take_words(struct reading *r, char *const *word)
{
    for (; *word != NULL; word++) {
        if (strncmp(*word, "--", 2) != 0)
            continue;
        char name[16];
        size_t len = strcspn(*word + 2, "=");
        bool joined = (*word)[2 + len] == '=';
        const char *value = joined ? *word + 2 + len + 1 : word[1];
        (void)snprintf(name, sizeof name, "%.*s", (int)(len < sizeof name ? len : 0), *word + 2);
        if (strcmp(name, "opts") == 0 && value != NULL)
            take_all(r, value);
        else
            take(r, name, !joined && strcmp(name, names[TLS]) == 0 ? NULL : value);
    }
}

/* As the options of every plugin are read. */
static bool is_on(const char *flag)
{
    static const char *const off[] = {"0", "false", "no", "off"};
    bool on = flag != NULL;
    for (size_t i = 0; on && i < sizeof off / sizeof *off; i++)
        on = strcmp(flag, off[i]) != 0;
    return on;
}

static void add(struct reading *r, FILE *out, const char *option, const char *value)
{
    size_t cap = 2 * strlen(value) + 1;
    char *text = malloc(cap);
    r->failed = r->failed || text == NULL;
    if (text == NULL)
        return;
    (void)ssp_options_escape(text, cap, value);
    (void)fprintf(out, "%stls-wrap.%s=%s", ftello(out) > 0 ? ";" : "", option, text);
    free(text);
}

/* Where acme.sh keeps a file of a host. */
static void add_acme(struct reading *r, FILE *out, const char *option, const char *directory,
                     const char *file)
{
    char *path;
    if (asprintf(&path, "%s/%s", directory, file) == -1) {
        r->failed = true;
        return;
    }
    add(r, out, option, path);
    free(path);
}

static void add_pair_of_acme(struct reading *r, FILE *out, const char *home, const char *host)
{
    char *directory, *key;
    if (asprintf(&directory, "%s/.acme.sh/%s", home, host) == -1)
        directory = NULL;
    if (asprintf(&key, "%s.key", host) == -1)
        key = NULL;
    r->failed = r->failed || directory == NULL || key == NULL;
    if (!r->failed) {
        add_acme(r, out, "cert", directory, "fullchain.cer");
        add_acme(r, out, "key", directory, key);
    }
    free(directory);
    free(key);
}

/* Both roles' options: each takes what concerns it.  A client's certificate is one to trust, and
 * it offers no HTTP/2, in which a websocket is another thing. */
static void write_options(struct reading *r, FILE *out, const char *home)
{
    const char *host = r->value[HOST] != NULL ? r->value[HOST] : WS_DEFAULT_HOST;
    add(r, out, "host", host);
    if (r->value[ALPN] == NULL)
        add(r, out, "alpn", "http/1.1");
    if (r->value[CERT] == NULL && r->value[KEY] == NULL && home != NULL)
        add_pair_of_acme(r, out, home, host);
    if (r->value[CERT] != NULL) {
        add(r, out, "cert", r->value[CERT]);
        add(r, out, "ca", r->value[CERT]);
    }
    if (r->value[KEY] != NULL)
        add(r, out, "key", r->value[KEY]);
}

int ws_layers_read(struct ws_layers *layers, const char *options, char *const *argv,
                   const char *home)
{
    struct reading r = {.failed = false};
    size_t size;
    *layers = (struct ws_layers){.tls = false};
    if (options != NULL)
        take_all(&r, options);
    take_words(&r, argv);
    layers->tls = is_on(r.value[TLS]);
    layers->mux = r.value[MUX] != NULL && strtol(r.value[MUX], NULL, 10) > 0;
    FILE *out = layers->tls ? open_memstream(&layers->options, &size) : NULL;
    if (out != NULL) {
        write_options(&r, out, home);
        r.failed = ferror(out) != 0 || r.failed;
        r.failed = fclose(out) != 0 || r.failed;
    }
    r.failed = r.failed || (layers->tls && layers->options == NULL);
    for (size_t i = 0; i < NAMES; i++)
        free(r.value[i]);
    return r.failed ? -1 : 0;
}

void ws_layers_release(struct ws_layers *layers)
{
    free(layers->options);
    layers->options = NULL;
}
