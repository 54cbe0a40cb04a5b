/* SPDX-License-Identifier: Apache-2.0 */
#include "net/search_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NDOTS_MAX = 15 };

static const char blanks[] = " \t\r\n";

/* ---- the file ---- */

static void add(struct ssp__search_list *list, const char *domain)
{
    size_t n = strlen(domain);
    while (n > 0 && domain[n - 1] == '.')
        n--;
    if (n == 0 || n >= SSP_HOST_MAX || list->domains == SSP_DOMAINS_MAX)
        return;
    memcpy(list->domain[list->domains], domain, n);
    list->domain[list->domains++][n] = '\0';
}

static void read_option(struct ssp__search_list *list, const char *option)
{
    static const char ndots[] = "ndots:";
    if (strncmp(option, ndots, sizeof ndots - 1) != 0)
        return;
    unsigned long number = strtoul(option + sizeof ndots - 1, NULL, 10);
    list->ndots = number < NDOTS_MAX ? (unsigned)number : NDOTS_MAX;
}

/* The last of the lines search and domain counts. */
static void read_line(struct ssp__search_list *list, char *line)
{
    char *rest = NULL;
    const char *keyword = strtok_r(line, blanks, &rest);
    if (keyword == NULL)
        return;
    bool search = strcmp(keyword, "search") == 0 || strcmp(keyword, "domain") == 0;
    bool options = strcmp(keyword, "options") == 0;
    if (search)
        list->domains = 0;
    for (const char *word; (word = strtok_r(NULL, blanks, &rest)) != NULL;) {
        if (search)
            add(list, word);
        else if (options)
            read_option(list, word);
    }
}

static void take_own_domain(struct ssp__search_list *list)
{
    char name[SSP_HOST_MAX] = "";
    if (gethostname(name, sizeof name - 1) == -1)
        return;
    const char *dot = strchr(name, '.');
    if (dot != NULL)
        add(list, dot + 1);
}

void ssp__search_list_read(struct ssp__search_list *list, const char *path)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t cap = 0;
    *list = (struct ssp__search_list){.ndots = 1};
    while (file != NULL && getline(&line, &cap, file) != -1)
        read_line(list, line);
    free(line);
    if (file != NULL)
        (void)fclose(file);
    if (list->domains == 0)
        take_own_domain(list);
}

/* ---- names ---- */

static unsigned dots(const char *name)
{
    unsigned n = 0;
    for (; *name != '\0'; name++)
        n += *name == '.';
    return n;
}

/* The domain that comes at this place, "" being the name alone. */
static const char *domain_at(const struct ssp__search_list *list, const char *name, unsigned index)
{
    if (dots(name) >= list->ndots)
        return index == 0 ? "" : list->domain[index - 1];
    return index == list->domains ? "" : list->domain[index];
}

bool ssp__search_list_next(const struct ssp__search_list *list, const char *name, unsigned *index,
                           char full[SSP_HOST_MAX + 1])
{
    size_t n = strlen(name);
    if (n > 0 && name[n - 1] == '.') {
        (void)snprintf(full, SSP_HOST_MAX + 1, "%s", name);
        return (*index)++ == 0;
    }
    while (*index <= list->domains) {
        const char *domain = domain_at(list, name, (*index)++);
        const char *dot = *domain != '\0' ? "." : "";
        if (snprintf(full, SSP_HOST_MAX + 1, "%s%s%s.", name, dot, domain) <= SSP_HOST_MAX)
            return true; /* else too long to be a name */
    }
    return false;
}
