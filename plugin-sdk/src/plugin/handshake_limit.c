/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/handshake_limit.h"

#include "base/hash.h"

#include <ssplugin/log.h>

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MIN_MS = 30000, SPAN_MS = 60000 };

/* The number of the host, or 0. */
static unsigned said_ms(void)
{
    const char *text = getenv("SS_PLUGIN_HANDSHAKE_MS");
    char *end;
    if (text == NULL || *text == '\0')
        return 0;
    unsigned long ms = strtoul(text, &end, 10);
    if (*text >= '0' && *text <= '9' && *end == '\0' && ms > 0 && ms <= INT_MAX)
        return (unsigned)ms;
    ssp_error("SS_PLUGIN_HANDSHAKE_MS: \"%.32s\" is not a number of milliseconds: ignored", text);
    return 0;
}

/* The identity of the machine is no secret to its users, but to peers; see machine-id(5).  Without
 * one, the file of the program has to do. */
static void machine_key(uint64_t key[2])
{
    struct stat file = {.st_ino = 0};
    FILE *id = fopen("/etc/machine-id", "re");
    bool known =
        id != NULL && fscanf(id, "%16" SCNx64 "%16" SCNx64, &key[0], &key[1]) == 2; /* 32 digits */
    if (id != NULL)
        (void)fclose(id);
    if (known)
        return;
    (void)stat("/proc/self/exe", &file);
    key[0] = (uint64_t)file.st_ino;
    key[1] = (uint64_t)file.st_mtim.tv_sec << 30 ^ (uint64_t)file.st_mtim.tv_nsec;
}

static void mix(uint64_t key[2], const char *text)
{
    uint64_t word = 0;
    size_t n = text != NULL ? strlen(text) : 0;
    for (size_t at = 0; at < n; at += sizeof word) {
        word = 0;
        memcpy(&word, text + at, n - at < sizeof word ? n - at : sizeof word);
        key[0] = ssp__hash(key, &word, 1);
    }
    word = n;
    key[0] = ssp__hash(key, &word, 1); /* where it ends counts, too */
}

unsigned ssp__handshake_limit_ms(const ssp_env *env)
{
    uint64_t key[2];
    unsigned said = said_ms();
    if (said > 0)
        return said;
    machine_key(key);
    mix(key, env->remote_host);
    mix(key, env->remote_port);
    mix(key, env->options);
    return MIN_MS + (unsigned)(key[0] % SPAN_MS);
}
