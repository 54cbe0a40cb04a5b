/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sandbox_ports.h"

#include "base/retry.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DNS = 53, HTTP = 80, HTTPS = 443, FILE_MAX = 65536 };

/* The last place is for the 0 at the end. */
static void add(uint16_t *list, unsigned *n, uint16_t port)
{
    for (unsigned i = 0; i < *n; i++) {
        if (list[i] == port)
            return;
    }
    if (port != 0 && *n < SSP_PORTS_MAX - 1)
        list[(*n)++] = port;
}

static void add_both(struct ssp__sandbox_ports *ports, uint16_t port)
{
    add(ports->bind, &ports->binds, port);
    add(ports->connect, &ports->connects, port);
}

/* A part of a word, of a name or of an IPv4 address is no port. */
static bool joins(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '%';
}

static bool stands_alone(const char *begin, const char *text, const char *end)
{
    char before = ' ';
    if (begin > text)
        before = begin[-1];
    bool of_address = (before == '.' && begin - 1 > text && isdigit((unsigned char)begin[-2])) ||
                      (*end == '.' && isdigit((unsigned char)end[1]));
    return !joins(before) && !joins(*end) && !of_address;
}

static void read_numbers(struct ssp__sandbox_ports *ports, const char *text)
{
    for (const char *at = text; *at != '\0';) {
        size_t n = strspn(at, "0123456789");
        if (n > 0 && n <= 5 && stands_alone(at, text, at + n)) {
            unsigned long port = strtoul(at, NULL, 10);
            if (port <= UINT16_MAX)
                add_both(ports, (uint16_t)port);
        }
        at += n > 0 ? n : 1;
    }
}

static void read_words(struct ssp__sandbox_ports *ports, const char *text)
{
    static const struct {
        const char *word;
        uint16_t port;
        bool listens;
    } rows[] = {
        {"https:", HTTPS, false}, {"wss:", HTTPS, false}, {"http:", HTTP, false},
        {"ws:", HTTP, false},     {"acme", HTTPS, true},  {"acme", HTTP, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcasestr(text, rows[i].word) == NULL)
            continue;
        add(ports->connect, &ports->connects, rows[i].port);
        if (rows[i].listens)
            add(ports->bind, &ports->binds, rows[i].port);
    }
}

static void read_text(struct ssp__sandbox_ports *ports, const char *text)
{
    read_numbers(ports, text);
    read_words(ports, text);
}

/* Settings, but no keys, whose base64 has numbers too. */
static void read_settings(struct ssp__sandbox_ports *ports, const char *path, char *text)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd == -1)
        return;
    ssize_t n = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? ssp__read(fd, text, FILE_MAX) : -1;
    (void)close(fd);
    if (n < 0)
        return;
    text[n] = '\0';
    if (strlen(text) == (size_t)n && strstr(text, "-----BEGIN") == NULL)
        read_text(ports, text);
    explicit_bzero(text, (size_t)n);
}

static bool is_hidden(const ssp_host_conf *conf, const char *path)
{
    struct stat one, other;
    for (size_t i = 0; conf->hidden != NULL && conf->hidden[i] != NULL; i++) {
        if (stat(path, &one) == 0 && stat(conf->hidden[i], &other) == 0 &&
            one.st_dev == other.st_dev && one.st_ino == other.st_ino)
            return true;
    }
    return false;
}

static void read_files(struct ssp__sandbox_ports *ports, const ssp_host_conf *conf,
                       const struct ssp__sandbox_paths *named)
{
    char *text = malloc(FILE_MAX + 1);
    for (size_t i = 0; text != NULL && i < named->n; i++) {
        if (named->named[i] && !is_hidden(conf, named->path[i]))
            read_settings(ports, named->path[i], text);
    }
    free(text);
}

/* "any", or numbers and commas. */
static int read_list(struct ssp__sandbox_ports *ports, const char *list)
{
    if (list == NULL || *list == '\0')
        return 0;
    if (strcmp(list, "any") == 0) {
        ports->any = true;
        return 0;
    }
    for (;;) {
        char *end;
        unsigned long port = isdigit((unsigned char)*list) ? strtoul(list, &end, 10) : 0;
        if (port == 0 || port > UINT16_MAX || (*end != ',' && *end != '\0'))
            return -1;
        add_both(ports, (uint16_t)port);
        if (*end == '\0')
            return 0;
        list = end + 1;
    }
}

int ssp__sandbox_ports_read(struct ssp__sandbox_ports *ports, const ssp_host_conf *conf,
                            const struct ssp__sandbox_paths *named, char *why, size_t cap)
{
    *ports = (struct ssp__sandbox_ports){.any = false};
    if (read_list(ports, conf->ports) == -1) {
        (void)snprintf(why, cap,
                       "plugin_ports: \"%.100s\": expected any, or numbers joined by commas",
                       conf->ports);
        return -1;
    }
    add(ports->connect, &ports->connects, DNS);
    add(ports->connect, &ports->connects, conf->remote_port);
    if (conf->role == SSP_SERVER)
        add(ports->connect, &ports->connects, conf->local_port);
    if (conf->options != NULL)
        read_text(ports, conf->options);
    read_files(ports, conf, named);
    return 0;
}
