/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/fetch.h"

#include "conf/complain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int ss_open_file(const char *path, bool runs)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (runs ? O_NONBLOCK : 0));
    if (fd == -1 || !runs || fstat(fd, &status) == -1 || !S_ISFIFO(status.st_mode))
        return fd;
    (void)close(fd);
    errno = ESPIPE;
    return -1;
}

char *ss_fetch_file(const char *path, bool runs, size_t most, size_t *len,
                    char why[SS_FETCH_WHY_MAX])
{
    char reason[SS_UNREADABLE_MAX];
    int fd = ss_open_file(path, runs);
    FILE *file = fd != -1 ? fdopen(fd, "r") : NULL;
    char *text = file != NULL ? malloc(most + 1) : NULL;
    *len = text != NULL ? fread(text, 1, most + 1, file) : 0;
    bool whole = text != NULL && ferror(file) == 0 && *len <= most;
    if (!whole)
        (void)snprintf(why, SS_FETCH_WHY_MAX, "%s",
                       *len > most ? "too long" : ss_unreadable(reason, errno));
    if (file != NULL)
        (void)fclose(file);
    else if (fd != -1)
        (void)close(fd);
    if (whole)
        return text;
    free(text);
    return NULL;
}

#ifdef SS_HAS_CURL

#include <curl/curl.h>

enum {
    CONNECT_S = 10,
    TOTAL_S = 30,
    REDIRECTS_MAX = 5,
    LOOK_MS = 200, /* how often the reason to give up is looked at */
    OK = 200,
    NOT_MODIFIED = 304
};

struct body {
    char *text;
    size_t len, most;
};

static size_t take(char *data, size_t size, size_t n, void *arg)
{
    struct body *body = arg;
    size_t more = size * n;
    if (more > body->most - body->len)
        return 0;
    memcpy(body->text + body->len, data, more);
    body->len += more;
    return more;
}

/* Redirects stay on https.  The authorities are those of the system, or of SSL_CERT_FILE. */
static void set_up(CURL *curl, const struct ss_fetch *fetch, struct body *body)
{
    const char *authorities = getenv("SSL_CERT_FILE");
    (void)curl_easy_setopt(curl, CURLOPT_URL, fetch->url);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    (void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "https");
    (void)curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TOTAL_S);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "shadowplug");
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    if (authorities != NULL)
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, authorities);
}

/* Adds a field of the request; an empty value is none. */
static struct curl_slist *add_field(struct curl_slist *fields, const char *name, const char *value)
{
    char line[SS_FETCH_TAG_MAX + 32];
    (void)snprintf(line, sizeof line, "%s: %s", name, value);
    struct curl_slist *more = *value != '\0' ? curl_slist_append(fields, line) : NULL;
    return more != NULL ? more : fields;
}

/* A value that does not fit is not known. */
static void note_field(CURL *curl, const char *name, char *out, size_t size)
{
    struct curl_header *field;
    bool there = curl_easy_header(curl, name, 0, CURLH_HEADER, -1, &field) == CURLHE_OK &&
                 strlen(field->value) < size;
    (void)snprintf(out, size, "%s", there ? field->value : "");
}

static CURLcode result_of(CURLM *multi)
{
    int left;
    const CURLMsg *message = curl_multi_info_read(multi, &left);
    return message != NULL ? message->data.result : CURLE_ABORTED_BY_CALLBACK;
}

/* Not curl_easy_perform(): how often it calls back differs, and newer ones do not while they
 * connect.
 */
static CURLcode perform(CURL *curl, const atomic_bool *stop)
{
    CURLM *multi = curl_multi_init();
    if (multi == NULL)
        return CURLE_OUT_OF_MEMORY;
    int running = 1;
    CURLMcode code = curl_multi_add_handle(multi, curl);
    while (code == CURLM_OK && running > 0 && (stop == NULL || !atomic_load(stop))) {
        code = curl_multi_perform(multi, &running);
        if (code == CURLM_OK && running > 0)
            code = curl_multi_poll(multi, NULL, 0, LOOK_MS, NULL);
    }
    CURLcode result = code == CURLM_OK ? result_of(multi) : CURLE_OUT_OF_MEMORY;
    (void)curl_multi_remove_handle(multi, curl);
    (void)curl_multi_cleanup(multi);
    return result;
}

static CURLcode ask(CURL *curl, const struct ss_fetch *fetch, struct body *body, long *status)
{
    struct ss_fetch_version *version = fetch->version;
    struct curl_slist *fields = add_field(NULL, "If-None-Match", version->etag);
    fields = add_field(fields, "If-Modified-Since", version->modified);
    set_up(curl, fetch, body);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fields);
    CURLcode code = perform(curl, fetch->stop);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
    if (code == CURLE_OK && *status == OK) {
        note_field(curl, "ETag", version->etag, sizeof version->etag);
        note_field(curl, "Last-Modified", version->modified, sizeof version->modified);
    }
    curl_slist_free_all(fields);
    return code;
}

/* asked: for another version than that which one has. */
static void explain(CURLcode code, long status, bool asked, char why[SS_FETCH_WHY_MAX])
{
    if (code == CURLE_OK && status == NOT_MODIFIED && asked)
        why[0] = '\0';
    else if (code == CURLE_OK)
        (void)snprintf(why, SS_FETCH_WHY_MAX, "the answer is %ld (expected 200)", status);
    else
        (void)snprintf(why, SS_FETCH_WHY_MAX, "%s",
                       code == CURLE_WRITE_ERROR ? "too long" : curl_easy_strerror(code));
}

char *ss_fetch_url(const struct ss_fetch *fetch, size_t *len, char why[SS_FETCH_WHY_MAX])
{
    struct body body = {.text = malloc(fetch->most + 1), .most = fetch->most};
    CURL *curl = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_easy_init() : NULL;
    CURLcode code = CURLE_OUT_OF_MEMORY;
    long status = 0;
    bool asked = fetch->version->etag[0] != '\0' || fetch->version->modified[0] != '\0';
    if (curl != NULL && body.text != NULL)
        code = ask(curl, fetch, &body, &status);
    curl_easy_cleanup(curl);
    curl_global_cleanup();
    *len = body.len;
    if (code == CURLE_OK && status == OK)
        return body.text;
    explain(code, status, asked, why);
    free(body.text);
    return NULL;
}

#else

char *ss_fetch_url(const struct ss_fetch *fetch, size_t *len, char why[SS_FETCH_WHY_MAX])
{
    (void)fetch;
    *len = 0;
    (void)snprintf(why, SS_FETCH_WHY_MAX, "this program was built without libcurl (a file works)");
    return NULL;
}

#endif
