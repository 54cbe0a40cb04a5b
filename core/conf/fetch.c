/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/fetch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *ss_fetch_file(const char *path, size_t most, size_t *len, char why[SS_FETCH_WHY_MAX])
{
    FILE *file = fopen(path, "re");
    char *text = file != NULL ? malloc(most + 1) : NULL;
    *len = text != NULL ? fread(text, 1, most + 1, file) : 0;
    bool whole = text != NULL && ferror(file) == 0 && *len <= most;
    if (!whole)
        (void)snprintf(why, SS_FETCH_WHY_MAX, "%s", *len > most ? "too long" : strerror(errno));
    if (file != NULL)
        (void)fclose(file);
    if (whole)
        return text;
    free(text);
    return NULL;
}

#ifdef SS_HAS_CURL

#include <curl/curl.h>

enum { CONNECT_S = 10, TOTAL_S = 30, REDIRECTS_MAX = 5 };

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
static void set_up(CURL *curl, const char *url, struct body *body)
{
    const char *authorities = getenv("SSL_CERT_FILE");
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
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

char *ss_fetch_url(const char *url, size_t most, size_t *len, char why[SS_FETCH_WHY_MAX])
{
    struct body body = {.text = malloc(most + 1), .most = most};
    CURL *curl = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_easy_init() : NULL;
    CURLcode code = CURLE_OUT_OF_MEMORY;
    long status = 0;
    if (curl != NULL && body.text != NULL) {
        set_up(curl, url, &body);
        code = curl_easy_perform(curl);
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    }
    curl_easy_cleanup(curl);
    curl_global_cleanup();
    *len = body.len;
    if (code == CURLE_OK && status == 200)
        return body.text;
    if (code == CURLE_OK)
        (void)snprintf(why, SS_FETCH_WHY_MAX, "the answer is %ld (expected 200)", status);
    else
        (void)snprintf(why, SS_FETCH_WHY_MAX, "%s",
                       code == CURLE_WRITE_ERROR ? "too long" : curl_easy_strerror(code));
    free(body.text);
    return NULL;
}

#else

char *ss_fetch_url(const char *url, size_t most, size_t *len, char why[SS_FETCH_WHY_MAX])
{
    (void)url, (void)most;
    *len = 0;
    (void)snprintf(why, SS_FETCH_WHY_MAX, "this program was built without libcurl (a file works)");
    return NULL;
}

#endif
