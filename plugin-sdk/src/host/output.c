/* SPDX-License-Identifier: Apache-2.0 */
#include "host/output.h"

#include "base/log.h"

#include <errno.h>
#include <unistd.h>

enum { CHUNK = 4096 };

void ssp_output_begin(struct ssp_output *o, const char *name, pid_t pid)
{
    o->name = name;
    o->pid = pid;
    o->len = 0;
}

void ssp_output_end(struct ssp_output *o)
{
    if (o->len > 0)
        ssp_info("plugin %s[%d]: %.*s", o->name, (int)o->pid, (int)o->len, o->line);
    o->len = 0;
}

static void add(struct ssp_output *o, char c)
{
    if (c == '\n' || o->len == sizeof o->line)
        ssp_output_end(o);
    if (c != '\n' && c != '\r')
        o->line[o->len++] = c;
}

bool ssp_output_read(struct ssp_output *o, int fd)
{
    char chunk[CHUNK];
    ssize_t n = read(fd, chunk, sizeof chunk);
    for (ssize_t i = 0; i < n; i++)
        add(o, chunk[i]);
    return n > 0 || (n == -1 && errno == EINTR);
}
