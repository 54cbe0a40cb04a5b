/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acl - the time and the memory that an access list takes, and a lookup in it.  Prints one line of
 * JSON.
 */
#include "acl/acl.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LOOKUPS = 1000000, LINE = 48, TARGETS = 1024 };

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static unsigned draw(void)
{
    static unsigned state = 1;
    state = state * 1664525U + 1013904223U;
    return state >> 4;
}

/* Six rules of ten are names, three are networks of IPv4, and one is of IPv6. */
static size_t write_rules(char *text, unsigned count)
{
    char *at = text;
    for (unsigned i = 0; i < count / 10 * 6; i++)
        at += sprintf(
            at, i % 2 == 0 ? "||d%x-%u.example%u.com\n" : "(^|\\.)d%x-%u\\.example%u\\.com$\n",
            draw(), i, draw() % 1000);
    for (unsigned i = 0; i < count / 10 * 3; i++)
        at += sprintf(at, "%u.%u.%u.0/%u\n", draw() % 223 + 1, draw() % 256, draw() % 256,
                      16 + draw() % 9);
    for (unsigned i = 0; i < count / 10; i++)
        at += sprintf(at, "2%03x:%x:%x::/%u\n", draw() % 4096, draw() % 65536, draw() % 65536,
                      32 + draw() % 17);
    return (size_t)(at - text);
}

static void tell(void *arg, enum ss_acl_remark remark, unsigned line, const char *text)
{
    (void)arg;
    if (remark == SS_ACL_MISTAKE)
        (void)fprintf(stderr, "line %u: %s\n", line, text);
}

static void look_up(const struct ss_acl *acl)
{
    static char name[TARGETS][LINE];
    static struct ssp__address address[TARGETS];
    unsigned long around = 0;
    for (unsigned i = 0; i < TARGETS; i++) {
        (void)sprintf(name[i], "www.a%x.example%u.com", draw(), draw() % 1000);
        char text[LINE];
        (void)sprintf(text, "%u.%u.%u.%u", draw() % 223 + 1, draw() % 256, draw() % 256,
                      draw() % 256);
        (void)ssp__address_parse(&address[i], text, 443);
    }
    double begin = now();
    for (unsigned i = 0; i < LOOKUPS; i++)
        around += ss_acl_name(acl, name[i % TARGETS]).way == SS_ACL_AROUND;
    double middle = now();
    for (unsigned i = 0; i < LOOKUPS; i++)
        around += ss_acl_address(acl, &address[i % TARGETS]).way == SS_ACL_AROUND;
    printf("\"name_ns\":%.1f,\"address_ns\":%.1f,\"matches\":%lu}\n",
           (middle - begin) / (double)LOOKUPS * 1e9, (now() - middle) / (double)LOOKUPS * 1e9,
           around);
}

int main(int argc, char **argv)
{
    unsigned count = argc == 2 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    char *text = malloc((size_t)count * LINE + 1);
    if (text == NULL || count < 10) {
        (void)fprintf(stderr, "usage: acl RULES (10 or more)\n");
        free(text);
        return 1;
    }
    size_t len = write_rules(text, count), before = mallinfo2().uordblks + mallinfo2().hblkhd;
    double begin = now();
    struct ss_acl *acl = ss_acl_read(text, len, tell, NULL);
    double taken = now() - begin;
    if (acl == NULL)
        return 1;
    printf("{\"rules\":%zu,\"seconds\":%.4f,\"MiB\":%.2f,", ss_acl_rules(acl), taken,
           (double)(mallinfo2().uordblks + mallinfo2().hblkhd - before) / (1 << 20));
    look_up(acl);
    ss_acl_free(acl);
    free(text);
    return 0;
}
