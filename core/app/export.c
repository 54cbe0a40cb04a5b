/* SPDX-License-Identifier: Apache-2.0 */
#include "app/export.h"

#include "conf/complain.h"
#include "formats/qr.h"
#include "formats/url.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A server among those that are exported: how many there are, and its number. */
struct export
{
    const struct ss_origin *origin;
    size_t all, number;
};

/* A client of a server that listens everywhere needs its public name. */
static const char *unreachable(const struct ssp__endpoint *e)
{
    struct ssp__address a;
    if (!ssp__endpoint_address(e, &a))
        return NULL;
    bool any = a.u.any.sa_family == AF_INET
                   ? a.u.v4.sin_addr.s_addr == INADDR_ANY
                   : memcmp(&a.u.v6.sin6_addr, &in6addr_any, sizeof in6addr_any) == 0;
    return any ? "is no address for clients (expected -s <host> with the public one)" : NULL;
}

/* The plugin that belongs to that of a server, and its options without those of the server's side.
 */
static void turn_plugin(const struct ss_origin *origin, struct ss_server *s)
{
    static const char obfs[] = "obfs-server", leading[] = "server;";
    if (s->plugin == NULL)
        return;
    const char *inside = ss_plugin_inside(s->plugin);
    if (inside != NULL) /* the client decides itself */
        s->plugin += inside - s->plugin;
    size_t n = strlen(s->plugin);
    bool simple = n >= sizeof obfs - 1 && strcmp(s->plugin + n - (sizeof obfs - 1), obfs) == 0;
    if (simple)
        s->plugin = "obfs-local";
    if (s->plugin_opts != NULL && strncmp(s->plugin_opts, leading, sizeof leading - 1) == 0)
        s->plugin_opts += sizeof leading - 1;
    else if (s->plugin_opts != NULL && strcmp(s->plugin_opts, "server") == 0)
        s->plugin_opts = NULL;
    ss_complain(origin, "the plugin and its options in the URL are made from those of the server: "
                        "compare them with what a client needs");
}

static int write_file(const char *path, const char *text, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);
    size_t done = 0;
    while (fd != -1 && done < len) {
        ssize_t n = write(fd, text + done, len - done);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            break;
        done += (size_t)n;
    }
    int error = errno;
    bool closed = fd != -1 && close(fd) == 0;
    if (closed && done < len)
        errno = error;
    return closed && done == len ? 0 : -1;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static int draw_terminal(const struct ss_origin *origin, const char *url)
{
    char *text;
    size_t len;
    const char *why = ss_qr_draw(url, SS_QR_TERMINAL, &text, &len);
    if (why != NULL)
        ss_complain(origin, "no QR code: %s", why);
    else
        (void)fwrite(text, 1, len, stdout);
    ss_secret_free(text);
    return why == NULL ? 0 : -1;
}

/* Each of several pictures has a number: name-2.png.  NULL when memory is out. */
static char *picture_name(const char *path, const struct export *e)
{
    size_t suffix = sizeof ".png" - 1, stem = strlen(path) - suffix;
    char *name = NULL;
    int n = e->all > 1 ? asprintf(&name, "%.*s-%zu%s", (int)stem, path, e->number, path + stem)
                       : asprintf(&name, "%s", path);
    return n != -1 ? name : NULL;
}

static const char *draw_into(const char *url, enum ss_qr_form form, const char *path)
{
    char *text;
    size_t len;
    const char *why = ss_qr_draw(url, form, &text, &len);
    if (why == NULL && write_file(path, text, len) == -1)
        why = strerror(errno);
    if (text != NULL)
        explicit_bzero(text, len);
    free(text);
    return why;
}

static int draw_file(const struct export *e, const char *url, const char *path)
{
    bool png = ends_with(path, ".png");
    if (!png && !ends_with(path, ".svg")) {
        ss_complain(e->origin, "%s is no picture (expected a name in .png or .svg, or -)", path);
        return -1;
    }
    char *name = picture_name(path, e);
    const char *why =
        name != NULL ? draw_into(url, png ? SS_QR_PNG : SS_QR_SVG, name) : "memory is out";
    if (why != NULL)
        ss_complain(e->origin, "cannot write %s: %s", name != NULL ? name : path, why);
    free(name);
    return why == NULL ? 0 : -1;
}

static char *password_of(const struct ss_conf *c)
{
    return c->key == NULL ? c->password : NULL;
}

static int export_one(struct export *e, const struct ss_conf *c, const struct ss_server *server)
{
    const struct ss_origin *origin = e->origin;
    char label[SS_LABEL_MAX];
    const char *why = unreachable(&server->endpoint);
    if (why == NULL && server->password == NULL)
        why = "has no password (a URL holds none but \"password\", and no key)";
    if (why != NULL) {
        ss_complain(origin, "%s %s", ss_server_label(server, label), why);
        return -1;
    }
    char *url = ss_url_write(server);
    e->number++;
    if (url == NULL) {
        ss_complain(origin, "memory is out");
        return -1;
    }
    if (c->has_users && ss_programs[origin->program].role == SSP_SERVER)
        ss_complain(origin, "the URL has the key of the server alone: a client needs that of its "
                            "user as well (server key:user key)");
    int rc = 0;
    (void)puts(url);
    bool file = c->export_qr != NULL && strcmp(c->export_qr, "-") != 0;
    if (file)
        rc |= draw_file(e, url, c->export_qr);
    else if (c->export_qr != NULL || isatty(STDOUT_FILENO) == 1)
        rc |= draw_terminal(origin, url);
    ss_secret_free(url);
    return rc == 0 && ss_answered(origin->program) == SS_EXIT_OK ? 0 : -1;
}

/* Servers with settings of their own keep their names.  Each has the method and the password beside
 * the list already; those of the command line belong to the only one. */
static int export_list(struct export *e, const struct ss_conf *c)
{
    int rc = 0;
    bool only = c->list.n == 1 && c->from_list;
    for (size_t i = 0; i < c->list.n; i++) {
        struct ss_server server = c->list.at[i];
        if (server.method == NULL)
            server.method = c->method;
        if (server.password == NULL && only)
            server.password = password_of(c);
        if (ss_programs[e->origin->program].role == SSP_SERVER)
            turn_plugin(e->origin, &server);
        rc |= export_one(e, c, &server);
    }
    return rc;
}

/* The servers of a conf without those of its list. */
static int export_own(struct export *e, const struct ss_conf *c, char *name)
{
    struct ss_server server = {.method = c->method,
                               .password = password_of(c),
                               .plugin = c->plugin,
                               .plugin_opts = c->plugin_opts,
                               .name = name};
    if (ss_programs[e->origin->program].role == SSP_SERVER)
        turn_plugin(e->origin, &server);
    int rc = 0;
    for (unsigned i = 0; i < c->servers; i++) {
        server.endpoint = c->server[i];
        rc |= export_one(e, c, &server);
    }
    return rc;
}

/* Each server of a list is an instance, behind that which stands beside the list. */
static int export_instances(struct export *e, const struct ss_conf *c)
{
    int rc = 0;
    size_t own = c->instances - c->list.n;
    for (size_t i = 0; i < c->instances; i++)
        rc |= export_own(e, &c->instance[i], i < own ? NULL : c->list.at[i - own].name);
    return rc;
}

static size_t count(const struct ss_conf *c)
{
    size_t n = c->apart ? 0 : c->list.n + (c->from_list ? 0 : c->servers);
    for (size_t i = 0; c->apart && i < c->instances; i++)
        n += c->instance[i].servers;
    return n;
}

int ss_export_urls(enum ss_program program, const struct ss_conf *c)
{
    const struct ss_origin origin = {.program = program, .name = "--export-url"};
    struct export e = {.origin = &origin, .all = count(c)};
    int rc = 0;
    if (c->apart)
        rc = export_instances(&e, c);
    else if (!c->from_list)
        rc = export_own(&e, c, NULL);
    if (!c->apart)
        rc |= export_list(&e, c);
    return rc == 0 ? SS_EXIT_OK : SS_EXIT_USAGE;
}
