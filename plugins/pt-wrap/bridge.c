/* SPDX-License-Identifier: Apache-2.0 */
#include "pt-wrap/bridge.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FINGERPRINT = 40 };

static const char blanks[] = " \t";

bool pt_name_valid(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len >= PT_NAME_MAX || isdigit((unsigned char)name[0]))
        return false;
    for (const char *c = name; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && *c != '_')
            return false;
    }
    return true;
}

static bool is_fingerprint(const char *word)
{
    return strspn(word, "0123456789abcdefABCDEF") == FINGERPRINT && word[FINGERPRINT] == '\0';
}

static int take_argument(struct pt_args *args, char *word, char *why, size_t cap)
{
    char *equals = strchr(word, '=');
    if (equals == NULL || equals == word) {
        (void)snprintf(why, cap, "bridge: \"%.60s\" is neither a fingerprint nor key=value", word);
        return -1;
    }
    *equals = '\0';
    if (pt_args_set(args, word, equals + 1) == 0)
        return 0;
    (void)snprintf(why, cap, "bridge: out of memory");
    return -1;
}

static int read_words(struct pt_bridge *bridge, struct pt_args *args, char *line, char *why,
                      size_t cap)
{
    char *rest, *word = strtok_r(line, blanks, &rest);
    if (word != NULL && strcasecmp(word, "bridge") == 0)
        word = strtok_r(NULL, blanks, &rest);
    if (word == NULL || !pt_name_valid(word)) {
        (void)snprintf(why, cap, "bridge: expected a transport, such as obfs4, not \"%.60s\"",
                       word != NULL ? word : "");
        return -1;
    }
    (void)snprintf(bridge->transport, sizeof bridge->transport, "%s", word);
    word = strtok_r(NULL, blanks, &rest);
    if (word == NULL || pt_place_parse(&bridge->place, word) == -1) {
        (void)snprintf(why, cap, "bridge: expected ip:port behind %s, not \"%.60s\"",
                       bridge->transport, word != NULL ? word : "");
        return -1;
    }
    word = strtok_r(NULL, blanks, &rest);
    if (word != NULL && is_fingerprint(word))
        word = strtok_r(NULL, blanks, &rest);
    for (; word != NULL; word = strtok_r(NULL, blanks, &rest)) {
        if (take_argument(args, word, why, cap) == -1)
            return -1;
    }
    return 0;
}

int pt_bridge_read(struct pt_bridge *bridge, struct pt_args *args, const char *line, char *why,
                   size_t why_cap)
{
    char *copy = strdup(line);
    size_t len = strlen(line);
    if (copy == NULL) {
        (void)snprintf(why, why_cap, "bridge: out of memory");
        return -1;
    }
    int rc = read_words(bridge, args, copy, why, why_cap);
    explicit_bzero(copy, len);
    free(copy);
    return rc;
}
