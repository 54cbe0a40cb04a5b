/* SPDX-License-Identifier: Apache-2.0 */
#include "meter.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t nanoseconds(struct timespec t)
{
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t now_ns(void)
{
    struct timespec t = {0};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return nanoseconds(t);
}

int meter_parse(struct meter *m, const char *list)
{
    m->count = 0;
    for (const char *at = list; *at != '\0';) {
        char *end;
        errno = 0;
        long pid = strtol(at, &end, 10);
        if (end == at || errno != 0 || pid <= 0 || pid > INT32_MAX || m->count == MAX_PROCESSES ||
            (*end != '\0' && *end != ','))
            return -1;
        m->pid[m->count++] = (pid_t)pid;
        at = *end == ',' ? end + 1 : end;
    }
    return 0;
}

int meter_cpu(const struct meter *m, struct cpu_reading *reading)
{
    *reading = (struct cpu_reading){.at = now_ns()};
    for (unsigned i = 0; i < m->count; i++) {
        clockid_t clock;
        struct timespec t;
        if (clock_getcpuclockid(m->pid[i], &clock) != 0 || clock_gettime(clock, &t) == -1)
            return -1;
        reading->used[i] = nanoseconds(t);
    }
    return 0;
}

static long field(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at != NULL ? strtol(at + strlen(name), NULL, 10) : 0;
}

static int read_memory(pid_t pid, struct memory *memory)
{
    char path[64], text[4096];
    if (snprintf(path, sizeof path, "/proc/%ld/smaps_rollup", (long)pid) < 0)
        return -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return -1;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return -1;

    text[n] = '\0';
    *memory = (struct memory){
        .rss = field(text, "\nRss:"),
        .pss = field(text, "\nPss:"),
        .private_dirty = field(text, "\nPrivate_Dirty:"),
    };
    return 0;
}

int meter_memory(const struct meter *m, struct memory_reading *reading)
{
    for (unsigned i = 0; i < m->count; i++) {
        if (read_memory(m->pid[i], &reading->of[i]) == -1)
            return -1;
    }
    return 0;
}

void meter_print_cpu(const struct meter *m, const struct cpu_reading *begin,
                     const struct cpu_reading *end)
{
    printf("\"ns\":%" PRIu64 ",\"cpu_ns\":{", end->at - begin->at);
    for (unsigned i = 0; i < m->count; i++)
        printf("%s\"%ld\":%" PRIu64, i > 0 ? "," : "", (long)m->pid[i],
               end->used[i] - begin->used[i]);
    printf("}");
}

void meter_print_memory(const struct meter *m, const struct memory_reading *begin,
                        const struct memory_reading *end)
{
    printf("\"memory\":{");
    for (unsigned i = 0; i < m->count; i++) {
        const struct memory *a = &begin->of[i], *b = &end->of[i];
        printf("%s\"%ld\":{\"rss\":[%ld,%ld],\"pss\":[%ld,%ld],\"private_dirty\":[%ld,%ld]}",
               i > 0 ? "," : "", (long)m->pid[i], a->rss, b->rss, a->pss, b->pss, a->private_dirty,
               b->private_dirty);
    }
    printf("}");
}
