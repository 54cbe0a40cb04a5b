/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meter.h - what the measured processes consumed: CPU by the kernel's clock of each
 * process (nanoseconds, all threads, user and system), memory by smaps_rollup.
 */
#ifndef LOADGEN_METER_H
#define LOADGEN_METER_H

#include <stdint.h>
#include <sys/types.h>

enum { MAX_PROCESSES = 32 };

struct meter {
    unsigned count;
    pid_t pid[MAX_PROCESSES];
};

struct cpu_reading {
    uint64_t at; /* monotonic, ns */
    uint64_t used[MAX_PROCESSES];
};

struct memory {
    long rss, pss, private_dirty; /* KiB */
};

struct memory_reading {
    struct memory of[MAX_PROCESSES];
};

uint64_t now_ns(void);

/* Reads "12,34".  Returns 0, or -1 when it is not a list of process ids. */
int meter_parse(struct meter *m, const char *list);

/* Each returns 0, or -1 when one of the processes is gone. */
int meter_cpu(const struct meter *m, struct cpu_reading *reading);
int meter_memory(const struct meter *m, struct memory_reading *reading);

/* Prints `"ns":…,"cpu_ns":{"pid":…}` for what lies between two readings. */
void meter_print_cpu(const struct meter *m, const struct cpu_reading *begin,
                     const struct cpu_reading *end);

/* Prints `"memory":{"pid":{"rss":[begin,end],…}}` in KiB. */
void meter_print_memory(const struct meter *m, const struct memory_reading *begin,
                        const struct memory_reading *end);

#endif
