/* SPDX-License-Identifier: Apache-2.0 */
#include "obfs/config.h"

#include "obfs/json_file.h"

#include <ssplugin/log.h>
#include <ssplugin/options.h>

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOSTS_MAX = 32, KEYS_MAX = 20, WORDS_MAX = 2 * (HOSTS_MAX + KEYS_MAX), PATH_SIZE = 4096 };

/* A key of the file, and what it is here: an option of the plugin, or a letter. */
static const struct key {
    const char *name, *option;
    char letter;
    bool flag;
    ssp_role role; /* SSP_ROLE_UNKNOWN: both */
} keys[] = {
    {.name = "server", .letter = 's'},
    {.name = "server_port", .letter = 'p'},
    {.name = "local_address", .letter = 'b', .role = SSP_CLIENT},
    {.name = "local_port", .letter = 'l', .role = SSP_CLIENT},
    {.name = "dst_addr", .letter = 'r', .role = SSP_SERVER},
    {.name = "nofile", .letter = 'n'},
    {.name = "nameserver", .letter = 'd'},
    {.name = "timeout", .option = "t"},
    {.name = "user", .option = "a"},
    {.name = "obfs", .option = "obfs"},
    {.name = "obfs_host", .option = "obfs-host"},
    {.name = "obfs_uri", .option = "obfs-uri"},
    {.name = "http_method", .option = "http-method"},
    {.name = "failover", .option = "failover"},
    {.name = "fast_open", .option = "fast-open", .flag = true},
    {.name = "mptcp", .option = "mptcp", .flag = true},
    {.name = "ipv6_first", .option = "6", .flag = true},
    {.name = "reverse_proxy", .option = "reverse_proxy", .flag = true},
};

/* The settings of the command line. */
struct given {
    char path[PATH_SIZE]; /* of the file; empty: none */
    bool server, port;    /* an address of the server, and its port */
};

struct reading {
    struct obfs_config *config;
    const struct given *given;
    const char *path;
    ssp_role role;
    bool hosted; /* all addresses are in the environment */
    FILE *options;
    char *why;
};

/* ---- where the file is named ---- */

static void find_in_options(struct given *given, const char *options)
{
    size_t cap = options != NULL ? strlen(options) + 2 : 0;
    char *text = cap > 0 ? malloc(cap) : NULL;
    ssp_item item;
    while (text != NULL && ssp_options_next(&options, text, cap, &item) == 1) {
        if (strcmp(item.key, "c") == 0 && item.value != NULL)
            (void)snprintf(given->path, sizeof given->path, "%s", item.value);
    }
    free(text);
}

/* ssp_main() handles words that are unknown here. */
static void find_in_words(struct given *given, ssp_role role, int argc, char **argv)
{
    static const char letters[] = "s:p:l:b:r:t:i:a:n:f:d:c:v6Vh";
    static const struct option names[] = {
        {"c", required_argument, NULL, 'c'}, {"opts", required_argument, NULL, 'o'}, {0}};
    int letter;
    optind = 0;
    opterr = 0;
    while ((letter = getopt_long(argc, argv, letters, names, NULL)) != -1) {
        bool pair = role == SSP_CLIENT ? letter == 'r' : letter == 'l' && strchr(optarg, ':');
        given->server = given->server || letter == 's' || pair;
        given->port = given->port || letter == 'p' || pair;
        if (letter == 'c')
            (void)snprintf(given->path, sizeof given->path, "%s", optarg);
        else if (letter == 'o')
            find_in_options(given, optarg);
    }
    optind = 1;
    opterr = 1;
}

/* ---- what the file says ---- */

static int refuse(const struct reading *r, const char *key, const char *expected)
{
    (void)snprintf(r->why, OBFS_WHY_MAX, "%.300s: %s: expected %s", r->path, key, expected);
    return -1;
}

/* text is NULL where there is no memory for a number's. */
static int add_word(struct reading *r, const char *text)
{
    struct obfs_config *c = r->config;
    if (c->words == WORDS_MAX)
        return refuse(r, "server", "fewer addresses");
    c->word[c->words] = text != NULL ? strdup(text) : NULL;
    return c->word[c->words++] != NULL ? 0 : -1;
}

static int put_letter(struct reading *r, char letter, json_object *value)
{
    const char dashed[] = {'-', letter, '\0'};
    bool address = letter != 'n' && letter != 'd';
    bool known = (letter == 's' && r->given->server) || (letter == 'p' && r->given->port);
    if ((address && r->hosted) || known)
        return 0;
    return add_word(r, dashed) == 0 && add_word(r, json_object_get_string(value)) == 0 ? 0 : -1;
}

static int put_option(struct reading *r, const char *option, json_object *value)
{
    const char *text = json_object_get_string(value);
    if (text == NULL)
        return -1;
    size_t cap = ssp_options_escape(NULL, 0, text) + 1;
    char *escaped = malloc(cap);
    if (escaped == NULL)
        return -1;
    (void)ssp_options_escape(escaped, cap, text);
    int n = fprintf(r->options, "%s=%s;", option, escaped);
    free(escaped);
    return n > 0 ? 0 : -1;
}

static bool is_word(json_object *value)
{
    return json_object_is_type(value, json_type_string) ||
           json_object_is_type(value, json_type_int);
}

static int put_servers(struct reading *r, json_object *list)
{
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        json_object *host = json_object_array_get_idx(list, i);
        if (!is_word(host))
            return refuse(r, "server", "a host or a list of hosts");
        if (put_letter(r, 's', host) == -1)
            return -1;
    }
    return 0;
}

static int put(struct reading *r, const struct key *key, json_object *value)
{
    if (key->role != SSP_ROLE_UNKNOWN && key->role != r->role)
        return 0;
    if (key->letter == 's' && json_object_is_type(value, json_type_array))
        return put_servers(r, value);
    if (key->flag && !json_object_is_type(value, json_type_boolean))
        return refuse(r, key->name, "true or false");
    if (!key->flag && !is_word(value))
        return refuse(r, key->name, "a text or a number");
    if (key->flag && !json_object_get_boolean(value))
        return 0;
    return key->letter != 0 ? put_letter(r, key->letter, value) : put_option(r, key->option, value);
}

enum { KEYS = sizeof keys / sizeof *keys };

static const struct key *find_key(const char *name)
{
    for (size_t i = 0; i < KEYS; i++) {
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
    }
    return NULL;
}

static void warn_of(const struct reading *r, const char *name)
{
    const char *known[KEYS];
    for (size_t i = 0; i < KEYS; i++)
        known[i] = keys[i].name;
    const char *guess = ssp_options_guess(name, known, KEYS);
    ssp_info("%s: unknown key %s, ignored%s%s%s", r->path, name,
             guess != NULL ? " (did you mean " : "", guess != NULL ? guess : "",
             guess != NULL ? "?)" : "");
}

static int put_all(struct reading *r, json_object *root)
{
    json_object_object_foreach(root, name, value)
    {
        const struct key *key = find_key(name);
        if (key == NULL)
            warn_of(r, name);
        else if (!json_object_is_type(value, json_type_null) && put(r, key, value) == -1)
            return -1;
    }
    return 0;
}

/* ---- where it goes ---- */

/* text ends with a semicolon or is empty. */
static int set_options(const char *text)
{
    const char *own = getenv("SS_PLUGIN_OPTIONS");
    char *joined;
    if (*text == '\0')
        return 0;
    if (asprintf(&joined, "%s%s", text, own != NULL ? own : "") == -1)
        return -1;
    int rc = setenv("SS_PLUGIN_OPTIONS", joined, 1);
    free(joined);
    return rc;
}

static int set_words(struct obfs_config *c)
{
    if (c->words == 0)
        return 0;
    char **argv = calloc((size_t)(c->argc + c->words) + 1, sizeof *argv);
    if (argv == NULL)
        return -1;
    argv[0] = c->argv[0];
    memcpy(argv + 1, c->word, (size_t)c->words * sizeof *argv);
    memcpy(argv + 1 + c->words, c->argv + 1, (size_t)(c->argc - 1) * sizeof *argv);
    c->owned = argv;
    c->argv = argv;
    c->argc += c->words;
    return 0;
}

static int read_file(struct reading *r)
{
    char *text = NULL;
    size_t size = 0;
    json_object *root = obfs_json_read(r->path, r->why);
    if (root == NULL)
        return -1;
    (void)snprintf(r->why, OBFS_WHY_MAX, "out of memory");
    r->options = open_memstream(&text, &size);
    int rc = r->options != NULL ? put_all(r, root) : -1;
    bool written = r->options != NULL && fflush(r->options) == 0 && ferror(r->options) == 0;
    if (r->options != NULL && fclose(r->options) != 0)
        rc = -1;
    json_object_put(root);
    if (!written || text == NULL)
        rc = -1;
    if (rc == 0)
        rc = set_options(text) == 0 && set_words(r->config) == 0 ? 0 : -1;
    free(text);
    return rc;
}

int obfs_config_read(struct obfs_config *c, ssp_role role, int argc, char **argv,
                     char why[OBFS_WHY_MAX])
{
    struct given given = {.path = ""};
    *c = (struct obfs_config){.argc = argc, .argv = argv};
    if (argc < 1)
        return 0;
    find_in_options(&given, getenv("SS_PLUGIN_OPTIONS"));
    /* getopt_long moves what it is given. */
    char **copy = calloc((size_t)argc + 1, sizeof *copy);
    c->word = calloc(WORDS_MAX, sizeof *c->word);
    (void)snprintf(why, OBFS_WHY_MAX, "out of memory");
    if (copy == NULL || c->word == NULL) {
        free(copy);
        return -1;
    }
    memcpy(copy, argv, (size_t)argc * sizeof *copy);
    find_in_words(&given, role, argc, copy);
    free(copy);
    struct reading r = {.config = c,
                        .given = &given,
                        .path = given.path,
                        .role = role,
                        .hosted = getenv("SS_REMOTE_HOST") != NULL,
                        .why = why};
    return given.path[0] != '\0' ? read_file(&r) : 0;
}

void obfs_config_release(struct obfs_config *c)
{
    free(c->owned);
    for (int i = 0; i < c->words; i++)
        free(c->word[i]);
    free(c->word);
    *c = (struct obfs_config){.argc = 0};
}
