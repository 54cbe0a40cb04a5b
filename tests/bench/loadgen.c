/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loadgen - measures a chain of proxies from both ends.
 *
 * Brings its own origin, reaches it by --via or --through, and prints one line of JSON
 * with what the chain achieved and what the processes in --pids consumed meanwhile.
 */
#include "job.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const char usage[] =
    "usage: loadgen MODE [--via IPV4:PORT | --through IPV4:PORT --origin PORT] [options]\n"
    "\n"
    "modes\n"
    "  down, up   throughput          --streams N --bytes N --warm-up N\n"
    "  ping       latency             --count N\n"
    "  rate       new connections     --count N --parallel N\n"
    "  idle       memory              --count N --settle-ms N\n"
    "  packets    UDP, with --via     --count N\n"
    "  flow       UDP, one way        --count N --per-second N\n"
    "  requests   of HTTP, --through  --count N --parallel N\n"
    "\n"
    "  --via IPV4:PORT      a SOCKS5 proxy on the way; without any, straight to the origin\n"
    "  --through IPV4:PORT  a tunnel on the way, which ends at the origin\n"
    "  --from IPV4          the address that connections come from\n"
    "  --for IPV4:PORT      what the proxy is asked for, if that is not the origin\n"
    "  --user TEXT          a user whom the proxy wants to hear of\n"
    "  --origin PORT        where the origin listens on 127.0.0.1 (a free port)\n"
    "  --pids PID,...       the processes whose consumption is read\n"
    "  --limit-ms N         end after that time with what there is (10000)\n";

static const struct mode {
    const char *name;
    int (*run)(struct job *);
} modes[] = {
    {"down", bulk_down}, {"up", bulk_up},      {"ping", ping}, {"rate", rate},
    {"idle", idle},      {"packets", packets}, {"flow", flow}, {"requests", requests},
};

int job_failed(const char *what)
{
    int cause = errno;
    (void)fprintf(stderr, "loadgen: %s: %s\n", what, strerror(cause));
    return -1;
}

void job_message(const struct job *job, uint8_t message[static MESSAGE_SIZE])
{
    memcpy(message, pattern_at(job->origin.pattern, 0), MESSAGE_SIZE);
    origin_request(message, TASK_ECHO, 0);
}

static int parse_address(const char *text, struct sockaddr_in *address)
{
    char host[INET_ADDRSTRLEN];
    const char *colon = strrchr(text, ':');
    if (colon == NULL || (size_t)(colon - text) >= sizeof host)
        return -1;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';

    char *end;
    unsigned long port = strtoul(colon + 1, &end, 10);
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    bool valid = *end == '\0' && port > 0 && port <= UINT16_MAX &&
                 inet_pton(AF_INET, host, &address->sin_addr) == 1;
    return valid ? 0 : -1;
}

/* A decimal number from 1 to max, or 0. */
static uint64_t parse_number(const char *text, uint64_t max)
{
    char *end;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && n <= max ? n : 0;
}

enum choice {
    VIA = 1,
    THROUGH,
    FROM,
    FOR,
    USER,
    ORIGIN,
    PIDS,
    STREAMS,
    BYTES,
    WARM_UP,
    COUNT,
    PARALLEL,
    PER_SECOND,
    LIMIT_MS,
    SETTLE_MS,
};

static const struct option options[] = {
    {"via", required_argument, NULL, VIA},
    {"through", required_argument, NULL, THROUGH},
    {"from", required_argument, NULL, FROM},
    {"for", required_argument, NULL, FOR},
    {"user", required_argument, NULL, USER},
    {"origin", required_argument, NULL, ORIGIN},
    {"pids", required_argument, NULL, PIDS},
    {"streams", required_argument, NULL, STREAMS},
    {"bytes", required_argument, NULL, BYTES},
    {"warm-up", required_argument, NULL, WARM_UP},
    {"count", required_argument, NULL, COUNT},
    {"parallel", required_argument, NULL, PARALLEL},
    {"per-second", required_argument, NULL, PER_SECOND},
    {"limit-ms", required_argument, NULL, LIMIT_MS},
    {"settle-ms", required_argument, NULL, SETTLE_MS},
    {0},
};

/* Returns false when the value is not one that the option takes. */
static bool set_option(struct job *job, int choice, const char *value)
{
    enum { MAX_COUNT = 1000000, MAX_PARALLEL = 10000, MS = 1000000, MAX_MS = 600000 };
    switch (choice) {
    case VIA:
    case THROUGH:
        job->route.socks = choice == VIA;
        return parse_address(value, &job->route.entrance) == 0;
    case FROM:
        job->route.source.sin_family = AF_INET;
        return inet_pton(AF_INET, value, &job->route.source.sin_addr) == 1;
    case FOR:
        return parse_address(value, &job->route.target) == 0;
    case USER:
        job->route.user = value;
        return strlen(value) <= SOCKS_USER_MAX;
    case ORIGIN:
        return (job->origin_port = (uint16_t)parse_number(value, UINT16_MAX)) > 0;
    case PIDS:
        return meter_parse(&job->meter, value) == 0;
    case STREAMS:
        return (job->streams = (unsigned)parse_number(value, MAX_STREAMS)) > 0;
    case BYTES:
        return (job->bytes = parse_number(value, UINT64_MAX / 4)) > 0;
    case WARM_UP:
        return (job->warm_up = parse_number(value, UINT64_MAX / 4)) > 0;
    case COUNT:
        return (job->count = (unsigned)parse_number(value, MAX_COUNT)) > 0;
    case PARALLEL:
        return (job->parallel = (unsigned)parse_number(value, MAX_PARALLEL)) > 0;
    case PER_SECOND:
        return (job->per_second = (unsigned)parse_number(value, MAX_COUNT)) > 0;
    case LIMIT_MS:
        return (job->limit_ns = parse_number(value, MAX_MS) * MS) > 0;
    case SETTLE_MS:
        return (job->settle_ns = parse_number(value, MAX_MS) * MS) > 0;
    default:
        return false;
    }
}

static const struct mode *parse_arguments(int argc, char **argv, struct job *job)
{
    int choice;
    while ((choice = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (!set_option(job, choice, optarg))
            return NULL;
    }
    if (optind != argc - 1)
        return NULL;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (strcmp(modes[i].name, argv[optind]) == 0)
            return &modes[i];
    }
    return NULL;
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
    struct job job = {
        .streams = 1,
        .bytes = 1U << 30,
        .warm_up = 64U << 20,
        .count = 2000,
        .parallel = 50,
        .per_second = 20000,
        .limit_ns = 10000000000,
        .settle_ns = 1000000000,
    };
    const struct mode *mode = parse_arguments(argc, argv, &job);
    if (mode == NULL) {
        (void)fputs(usage, stderr);
        return 2;
    }
    raise_descriptor_limit();
    struct pattern *pattern = pattern_new();
    if (pattern == NULL || origin_start(&job.origin, pattern, job.origin_port) == -1) {
        job_failed("start the origin");
        free(pattern);
        return 1;
    }
    if (job.route.target.sin_port == 0)
        job.route.target = job.origin.address;
    int rc = mode->run(&job);
    origin_stop(&job.origin);
    free(pattern);
    return rc == 0 ? 0 : 1;
}
