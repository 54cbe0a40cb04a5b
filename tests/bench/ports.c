/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ports - the time in which ss-manager adds ports, each answer awaited before the next request, and
 * the memory that a port takes: the best of a few runs.  Prints one line of JSON.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    FIRST_PORT = 10000,
    PORTS_MAX = 20000,
    PATH_SIZE = 64,
    TEXT_SIZE = 256,
    START_TRIES = 1000,
    RUNS = 5
};

struct manager {
    char directory[PATH_SIZE], ports[PATH_SIZE + 8];
    struct sockaddr_un at, own; /* where it hears, and where its answers come to */
    pid_t pid;
    int fd;
};

static double now(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Memory of the process that no file is behind, in KiB; -1 when the kernel does not tell. */
static long anonymous_kib(pid_t pid)
{
    char path[PATH_SIZE], line[TEXT_SIZE];
    long kib = -1;
    (void)snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        (void)sscanf(line, "Anonymous: %ld kB", &kib);
    if (file != NULL)
        (void)fclose(file);
    return kib;
}

static bool asked(const struct manager *m, const char *request, const char *answer)
{
    char got[TEXT_SIZE];
    if (sendto(m->fd, request, strlen(request), 0, (const struct sockaddr *)&m->at, sizeof m->at) ==
        -1)
        return false;
    ssize_t n = recv(m->fd, got, sizeof got, 0);
    if (n >= (ssize_t)strlen(answer) && memcmp(got, answer, strlen(answer)) == 0)
        return true;
    (void)fprintf(stderr, "%s: %.*s\n", request, n > 0 ? (int)n : 0, got);
    return false;
}

static struct sockaddr_un place(const char *directory, const char *name)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    (void)snprintf(at.sun_path, sizeof at.sun_path, "%s/%s", directory, name);
    return at;
}

static bool start(struct manager *m, const char *program)
{
    (void)snprintf(m->directory, sizeof m->directory, "/tmp/ports-XXXXXX");
    if (mkdtemp(m->directory) == NULL)
        return false;
    (void)snprintf(m->ports, sizeof m->ports, "%s/ports", m->directory);
    m->at = place(m->directory, "manager");
    m->own = place(m->directory, "client");
    struct timeval patience = {.tv_sec = 20};
    m->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (bind(m->fd, (struct sockaddr *)&m->own, sizeof m->own) == -1 ||
        setsockopt(m->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == -1)
        return false;
    m->pid = fork();
    if (m->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC); /* a line for each port is too much */
        (void)dup2(null, STDOUT_FILENO);
        (void)dup2(null, STDERR_FILENO);
        (void)execl(program, program, "--manager-address", m->at.sun_path, "-D", m->ports, "-s",
                    "127.0.0.1", "-m", "aes-256-gcm", (char *)NULL);
        _exit(127);
    }
    struct timespec pause = {.tv_nsec = 10000000};
    for (unsigned i = 0; m->pid > 0 && i < START_TRIES; i++) {
        if (access(m->at.sun_path, F_OK) == 0 && asked(m, "ping", "stat: {}"))
            return true;
        (void)nanosleep(&pause, NULL);
    }
    return false;
}

static void stop(struct manager *m, unsigned count)
{
    if (m->pid > 0) {
        (void)kill(m->pid, SIGTERM);
        (void)waitpid(m->pid, NULL, 0);
    }
    for (unsigned i = 0; i < count; i++) {
        char file[PATH_SIZE + 48];
        (void)snprintf(file, sizeof file, "%s/.shadowsocks_%u.conf", m->ports, FIRST_PORT + i);
        (void)unlink(file);
    }
    (void)close(m->fd);
    (void)rmdir(m->ports);
    (void)unlink(m->at.sun_path);
    (void)unlink(m->own.sun_path);
    (void)rmdir(m->directory);
}

static bool add_all(const struct manager *m, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char request[TEXT_SIZE];
        (void)snprintf(request, sizeof request,
                       "add: {\"server_port\":%u,\"password\":\"word %u\"}", FIRST_PORT + i, i);
        if (!asked(m, request, "ok"))
            return false;
    }
    return true;
}

struct figures {
    double seconds, cpu; /* of a clock, and of both programs */
    double kib;          /* of a port */
};

/* Takes the better ones.  Returns false when not all ports were added, or the kernel does not tell
 * the memory. */
static bool measure(const char *program, unsigned count, struct figures *best)
{
    struct manager m = {.fd = -1};
    clockid_t its = CLOCK_MONOTONIC;
    bool added = start(&m, program) && clock_getcpuclockid(m.pid, &its) == 0;
    long before = added ? anonymous_kib(m.pid) : -1;
    double begin = now(CLOCK_MONOTONIC), cpu = now(its) + now(CLOCK_PROCESS_CPUTIME_ID);
    added = added && add_all(&m, count);
    double taken = now(CLOCK_MONOTONIC) - begin;
    cpu = now(its) + now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    long after = added ? anonymous_kib(m.pid) : -1;
    stop(&m, count);
    best->kib = (double)(after - before) / count;
    best->seconds = taken < best->seconds ? taken : best->seconds;
    best->cpu = cpu < best->cpu ? cpu : best->cpu;
    return added && before != -1 && after != -1;
}

int main(int argc, char **argv)
{
    unsigned count = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    if (count == 0 || count > PORTS_MAX) {
        (void)fprintf(stderr, "usage: ports SS-MANAGER COUNT (at most %d)\n", PORTS_MAX);
        return 1;
    }
    struct figures best = {.seconds = 1e9, .cpu = 1e9};
    for (unsigned i = 0; i < RUNS; i++) {
        if (!measure(argv[1], count, &best)) {
            (void)fprintf(stderr, "ports: ss-manager has not served %u ports\n", count);
            return 1;
        }
    }
    printf("{\"ports\":%u,\"seconds\":%.4f,\"cpu_s\":%.4f,\"KiB\":%.2f}\n", count, best.seconds,
           best.cpu, best.kib);
    return 0;
}
