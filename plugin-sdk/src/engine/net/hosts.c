/* SPDX-License-Identifier: Apache-2.0 */
#include "net/hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char blanks[] = " \t\r\n";

/* The length without a dot at the end. */
static size_t length(const char *name)
{
    size_t n = strlen(name);
    return n > 0 && name[n - 1] == '.' ? n - 1 : n;
}

static bool same(const char *a, const char *b)
{
    size_t n = length(a);
    return n == length(b) && strncasecmp(a, b, n) == 0;
}

bool ssp__hosts_is_localhost(const char *name)
{
    static const char localhost[] = "localhost";
    const size_t size = sizeof localhost - 1;
    size_t n = length(name);
    if (n < size || strncasecmp(name + n - size, localhost, size) != 0)
        return false;
    return n == size || name[n - size - 1] == '.';
}

/* Cuts the line into words.  True when a word behind the first is the name; the first, its address,
 * is *address then. */
static bool has_name(char *line, const char *name, const char **address)
{
    char *rest = NULL;
    line[strcspn(line, "#")] = '\0';
    *address = strtok_r(line, blanks, &rest);
    if (*address == NULL)
        return false;
    for (const char *word; (word = strtok_r(NULL, blanks, &rest)) != NULL;) {
        if (same(word, name))
            return true;
    }
    return false;
}

unsigned ssp__hosts_find(const char *path, const char *name, uint16_t port,
                         struct ssp__address *found, unsigned max)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t cap = 0;
    unsigned n = 0;
    if (file == NULL)
        return 0;
    while (n < max && getline(&line, &cap, file) != -1) {
        const char *address;
        if (has_name(line, name, &address) && ssp__address_parse(&found[n], address, port) == 0)
            n++;
    }
    free(line);
    (void)fclose(file);
    return n;
}
