/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/online.h"

#include "conf/fetch.h"
#include "formats/list.h"
#include "proto/method.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PLUGIN_MAX = 256 * 1024 * 1024,
    ID_BYTES = 16,
    INTERVAL_S = 3600,
    INTERVAL_MAX_S = 30 * 24 * 3600
};

/* A list as it came. */
struct document {
    char *text;
    size_t len;
};

/* ---- reading ---- */

static const char *text_of(json_object *object, const char *key)
{
    json_object *value;
    bool text = json_object_object_get_ex(object, key, &value) &&
                json_object_is_type(value, json_type_string);
    return text ? json_object_get_string(value) : NULL;
}

/* A path or name, or an object with a path and a digest. */
static int add_allowed(struct ss_conf *conf, const struct ss_origin *origin, json_object *item)
{
    bool plain = json_object_is_type(item, json_type_string);
    const char *path = plain ? json_object_get_string(item) : text_of(item, "path");
    const char *sha256 = plain ? NULL : text_of(item, "sha256");
    bool digest = sha256 == NULL || (strlen(sha256) == (size_t)2 * crypto_hash_sha256_BYTES &&
                                     strspn(sha256, "0123456789abcdefABCDEF") == strlen(sha256));
    if (path == NULL || *path == '\0' || !digest || (sha256 != NULL && *path != '/')) {
        ss_complain(origin, "allowed_plugins has a wrong item (expected a name, or {\"path\": an "
                            "absolute path, \"sha256\": 64 digits})");
        return -1;
    }
    struct ss_allowed_plugin *at =
        reallocarray(conf->online.allowed, conf->online.alloweds + 1, sizeof *at);
    if (at == NULL)
        return -1;
    conf->online.allowed = at;
    at += conf->online.alloweds++;
    *at = (struct ss_allowed_plugin){strdup(path), sha256 != NULL ? strdup(sha256) : NULL};
    return at->path != NULL && (sha256 == NULL || at->sha256 != NULL) ? 0 : -1;
}

static int read_allowed(struct ss_conf *conf, const struct ss_origin *origin, json_object *object)
{
    json_object *list;
    int rc = 0;
    if (!json_object_object_get_ex(object, "allowed_plugins", &list) || list == NULL)
        return 0;
    if (!json_object_is_type(list, json_type_array)) {
        ss_complain(origin, "allowed_plugins is not a list");
        return -1;
    }
    for (size_t i = 0; i < json_object_array_length(list); i++)
        rc |= add_allowed(conf, origin, json_object_array_get_idx(list, i));
    return rc == 0 ? 0 : -1;
}

static int read_interval(struct ss_conf *conf, const struct ss_origin *origin, json_object *object)
{
    json_object *value;
    conf->online.interval_s = INTERVAL_S;
    if (!json_object_object_get_ex(object, "update_interval", &value))
        return 0;
    int64_t seconds = json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : -1;
    if (seconds < 0 || seconds > INTERVAL_MAX_S) {
        ss_complain(origin, "update_interval is wrong (expected seconds, up to %d; 0: never)",
                    INTERVAL_MAX_S);
        return -1;
    }
    conf->online.interval_s = (unsigned)seconds;
    return 0;
}

static void tell_unused(const struct ss_origin *origin, json_object *object)
{
    json_object_object_foreach(object, key, value)
    {
        (void)value;
        if (strcmp(key, "config_url") != 0 && strcmp(key, "allowed_plugins") != 0 &&
            strcmp(key, "update_interval") != 0)
            ss_complain(origin,
                        "unknown key %.40s, ignored (expected config_url, allowed_plugins and "
                        "update_interval)",
                        key);
    }
}

static bool is_https(const char *url)
{
    return strncasecmp(url, "https://", 8) == 0;
}

int ss_online_read(struct ss_conf *conf, const struct ss_origin *origin, json_object *object)
{
    const char *url = text_of(object, "config_url");
    if (url == NULL || (!is_https(url) && *url != '/')) {
        ss_complain(origin, "config_url is missing or wrong (expected an https URL or an absolute "
                            "path)");
        return -1;
    }
    tell_unused(origin, object);
    free(conf->online.url);
    conf->online.url = strdup(url);
    if (conf->online.url == NULL || read_interval(conf, origin, object) == -1)
        return -1;
    return read_allowed(conf, origin, object);
}

void ss_online_release(struct ss_conf *conf)
{
    struct ss_online *online = &conf->online;
    for (size_t i = 0; i < online->alloweds; i++) {
        free(online->allowed[i].path);
        free(online->allowed[i].sha256);
    }
    free(online->allowed);
    free(online->url);
    *online = (struct ss_online){.url = NULL};
}

/* ---- plugins ---- */

/* By its path, or by its name alone; one that is allowed inside of this program, by its name. */
static const struct ss_allowed_plugin *allowed(const struct ss_online *online, const char *plugin)
{
    for (size_t i = 0; i < online->alloweds; i++) {
        const char *path = online->allowed[i].path, *slash = strrchr(path, '/');
        const char *inside = ss_plugin_inside(path);
        bool name = strchr(plugin, '/') == NULL && slash != NULL;
        if (strcmp(name ? slash + 1 : path, plugin) == 0 ||
            (inside != NULL && strcmp(inside, plugin) == 0))
            return &online->allowed[i];
    }
    return NULL;
}

/* NULL, or why the file is another one. */
static const char *compare(const struct ss_allowed_plugin *plugin)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    char hex[2 * sizeof digest + 1], why[SS_FETCH_WHY_MAX];
    size_t len;
    char *content = ss_fetch_file(plugin->path, true, PLUGIN_MAX, &len, why);
    if (content == NULL)
        return "its plugin cannot be read";
    (void)crypto_hash_sha256(digest, (unsigned char *)content, len);
    free(content);
    (void)sodium_bin2hex(hex, sizeof hex, digest, sizeof digest);
    return strcasecmp(hex, plugin->sha256) == 0 ? NULL
                                                : "its plugin is not the file of that sha256";
}

/* The plugin becomes the path that is allowed.  NULL, or why the server is left out. */
static const char *enforce(const struct ss_online *online, struct ss_server *server)
{
    const struct ss_allowed_plugin *plugin =
        server->plugin != NULL ? allowed(online, server->plugin) : NULL;
    if (server->method != NULL && ss_method_find(server->method) == NULL)
        return "its method is not supported";
    if (server->plugin == NULL)
        return NULL;
    if (plugin == NULL)
        return "its plugin is not among \"allowed_plugins\"";
    const char *why = plugin->sha256 != NULL ? compare(plugin) : NULL;
    if (why != NULL)
        return why;
    free(server->plugin);
    server->plugin = strdup(plugin->path);
    return server->plugin != NULL ? NULL : "memory is out";
}

/* Moves the servers that can be used.  origin is NULL where nothing is to be told. */
static int add_servers(struct ss_server_list *to, const struct ss_online *online,
                       const struct ss_origin *origin, struct ss_server_list *list)
{
    char label[SS_LABEL_MAX];
    int rc = 0;
    for (size_t i = 0; i < list->n; i++) {
        struct ss_server *server = &list->at[i];
        const char *why = enforce(online, server);
        server->fetched = true;
        if (why == NULL)
            rc |= ss_server_list_add(to, server);
        else if (origin != NULL)
            ss_complain(origin, "server %s: %s; skipped", ss_server_label(server, label), why);
    }
    return rc;
}

/* ---- the copy ---- */

/* Below $CACHE_DIRECTORY of a service, or the user's cache.  Returns 0, or -1. */
static int copy_path(char path[PATH_MAX], const char *url)
{
    const char *service = getenv("CACHE_DIRECTORY"), *user = getenv("XDG_CACHE_HOME"),
               *home = getenv("HOME");
    unsigned char id[ID_BYTES];
    char hex[2 * ID_BYTES + 1];
    int n = -1;
    (void)crypto_generichash(id, sizeof id, (const unsigned char *)url, strlen(url), NULL, 0);
    (void)sodium_bin2hex(hex, sizeof hex, id, sizeof id);
    if (service != NULL && *service == '/')
        n = snprintf(path, PATH_MAX, "%s/%s", service, hex);
    else if (user != NULL && *user == '/')
        n = snprintf(path, PATH_MAX, "%s/shadowplug/%s", user, hex);
    else if (home != NULL && *home == '/')
        n = snprintf(path, PATH_MAX, "%s/.cache/shadowplug/%s", home, hex);
    return n > 0 && n < PATH_MAX - 8 ? 0 : -1;
}

/* Makes the directories of a file. */
static void make_directories(const char *path)
{
    char directory[PATH_MAX];
    (void)snprintf(directory, sizeof directory, "%s", path);
    for (char *slash = strchr(directory + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(directory, 0700);
        *slash = '/';
    }
}

/* Replaces the copy as a whole.  A list is as secret as its passwords. */
static void keep_copy(const struct ss_origin *origin, const char *path,
                      const struct document *document)
{
    char fresh[PATH_MAX + 8];
    make_directories(path);
    (void)snprintf(fresh, sizeof fresh, "%s.XXXXXX", path);
    int fd = mkostemp(fresh, O_CLOEXEC);
    bool kept = fd != -1 && write(fd, document->text, document->len) == (ssize_t)document->len &&
                fsync(fd) == 0;
    if (fd != -1)
        (void)close(fd);
    kept = kept && rename(fresh, path) == 0;
    if (kept)
        return;
    ss_complain(origin, "no copy of the list is kept: %s", strerror(errno));
    if (fd != -1)
        (void)unlink(fresh);
}

/* ---- loading ---- */

static void tell_skipped(void *arg, size_t number, const char *why)
{
    if (arg != NULL)
        ss_complain(arg, "server %zu of the list: %s; skipped", number, why);
}

/* Reads a list that has arrived.  Returns 0, or -1 with the reason: then nothing of it is taken,
 * and it is not kept as a good copy. */
static int take(struct ss_server_list *to, const struct ss_online *online, struct ss_origin *origin,
                const struct document *document, char why[SS_LIST_WHY_MAX])
{
    struct ss_server_list list;
    const struct ss_list_notes notes = {.skipped = tell_skipped, .arg = origin};
    size_t before = to->n;
    int rc = ss_list_read(&list, document->text, document->len, &notes, why);
    if (rc == 0 && add_servers(to, online, origin, &list) == -1) {
        rc = -1;
        (void)snprintf(why, SS_LIST_WHY_MAX, "memory is out");
    }
    if (rc == 0 && to->n == before) {
        rc = -1;
        (void)snprintf(why, SS_LIST_WHY_MAX,
                       "it has no server whose method is supported and whose "
                       "plugin is allowed");
    }
    ss_server_list_release(&list);
    return rc;
}

static void get(struct document *document, const struct ss_online *online,
                struct ss_fetch_version *version, const atomic_bool *stop,
                char why[SS_FETCH_WHY_MAX])
{
    const struct ss_fetch fetch = {
        .url = online->url, .most = SS_LIST_MAX, .version = version, .stop = stop};
    document->text = is_https(online->url)
                         ? ss_fetch_url(&fetch, &document->len, why)
                         : ss_fetch_file(online->url, true, SS_LIST_MAX, &document->len, why);
}

static void wipe(struct document *document)
{
    if (document->text != NULL)
        explicit_bzero(document->text, document->len);
    free(document->text);
    document->text = NULL;
}

static void print(uint8_t out[SS_ONLINE_PRINT], const struct document *document)
{
    (void)crypto_generichash(out, SS_ONLINE_PRINT, (const unsigned char *)document->text,
                             document->len, NULL, 0);
}

/* The list as it was when it could be used last. */
static int use_copy(struct ss_conf *conf, struct ss_origin *origin, const char *path,
                    const char *reason)
{
    char why[SS_FETCH_WHY_MAX];
    struct document copy;
    copy.text = ss_fetch_file(path, true, SS_LIST_MAX, &copy.len, why);
    int rc = copy.text != NULL ? take(&conf->list, &conf->online, origin, &copy, why) : -1;
    if (rc == 0)
        print(conf->online.print, &copy);
    wipe(&copy);
    ss_complain(origin,
                rc == 0 ? "no list: %s; the last good copy is used"
                        : "no list: %s, and there is no copy of an earlier one",
                reason);
    return rc;
}

int ss_online_load(struct ss_conf *conf, const struct ss_origin *file)
{
    struct ss_origin origin = {file->program, file->path, "online_config"};
    struct ss_online *online = &conf->online;
    struct document document;
    char path[PATH_MAX], why[SS_FETCH_WHY_MAX];
    size_t own = conf->list.n;
    if (online->url == NULL)
        return 0;
    bool copied = is_https(online->url) && copy_path(path, online->url) == 0;
    get(&document, online, &online->version, conf->stop, why);
    int rc = document.text != NULL ? take(&conf->list, online, &origin, &document, why) : -1;
    if (rc == 0)
        print(online->print, &document);
    else
        online->version = (struct ss_fetch_version){.etag = ""};
    if (rc == 0 && copied)
        keep_copy(&origin, path, &document);
    wipe(&document);
    if (rc == -1 && copied)
        rc = use_copy(conf, &origin, path, why);
    else if (rc == -1)
        ss_complain(&origin, "no list: %s", why);
    return rc == 0 || own > 0 || conf->servers > 0 ? 0 : -1;
}

/* ---- looking at it again ---- */

/* A list that can be used is the good copy from now on. */
static int judge(const struct ss_online_look *look, const struct document *document,
                 char why[SS_FETCH_WHY_MAX])
{
    struct ss_origin origin = {.program = look->program, .name = "online_config"};
    struct ss_server_list usable = {.n = 0};
    char path[PATH_MAX];
    int rc = take(&usable, look->online, NULL, document, why);
    ss_server_list_release(&usable);
    if (rc == 0 && is_https(look->online->url) && copy_path(path, look->online->url) == 0)
        keep_copy(&origin, path, document);
    return rc;
}

enum ss_online_news ss_online_look(struct ss_online_look *look, char why[SS_FETCH_WHY_MAX])
{
    struct document document;
    uint8_t now[SS_ONLINE_PRINT];
    get(&document, look->online, &look->version, look->stop, why);
    if (document.text == NULL)
        return why[0] == '\0' && !look->wrong ? SS_ONLINE_SAME : SS_ONLINE_WRONG;
    print(now, &document);
    bool fresh = memcmp(now, look->print, sizeof now) != 0;
    if (fresh)
        look->wrong = judge(look, &document, why) == -1;
    memcpy(look->print, now, sizeof now);
    wipe(&document);
    return look->wrong ? SS_ONLINE_WRONG : fresh ? SS_ONLINE_NEW : SS_ONLINE_SAME;
}
