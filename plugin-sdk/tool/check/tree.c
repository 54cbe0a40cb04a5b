/* SPDX-License-Identifier: Apache-2.0 */
/* tree.c - a process and its descendants, as read in /proc. */
#include "check/process.h"
#include "check/scene.h"
#include "procfs/proc.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The list of n with room for one more: its size is the power of two above. */
static void *with_room(void *list, size_t n, size_t size)
{
    if ((n & (n - 1)) != 0)
        return list;
    list = reallocarray(list, n > 0 ? 2 * n : 1, size);
    if (list == NULL)
        out_of_memory();
    return list;
}

/* ---- processes ---- */

struct member {
    struct ssp__proc kin;
    bool found;
};

/* Reads all running processes; the caller frees the list, also an empty one. */
static struct member *read_all(unsigned *n)
{
    DIR *proc = opendir("/proc");
    struct member *all = NULL;
    *n = 0;
    if (proc == NULL)
        return NULL;
    for (pid_t pid; (pid = ssp__proc_next(proc)) != 0;) {
        all = with_room(all, *n, sizeof *all);
        struct member *m = &all[*n];
        m->found = false;
        *n += ssp__proc_read(&m->kin, pid) && m->kin.state != 'Z' && m->kin.state != 'X';
    }
    (void)closedir(proc);
    return all;
}

/* A child of ours that we have not started: its parent has ended, and it had left the group.  Our
 * own children have our session, and our group or their own. */
static bool adopted(const struct ssp__proc *k)
{
    return k->parent == getpid() &&
           (k->session != getsid(0) || (k->group != getpgrp() && k->group != k->pid));
}

static bool belongs(const struct member *all, unsigned n, const struct ssp__proc *k, pid_t root)
{
    if (k->pid == root || k->group == root || k->session == root || adopted(k))
        return true;
    for (unsigned i = 0; i < n; i++) {
        if (all[i].found && all[i].kin.pid == k->parent)
            return true;
    }
    return false;
}

unsigned process_tree(const struct process *p, pid_t *pids, unsigned cap)
{
    unsigned n, found = 0;
    if (p->pid <= 0)
        return 0;
    struct member *all = read_all(&n);
    for (bool more = true; more;) {
        more = false;
        for (unsigned i = 0; i < n; i++) {
            const struct ssp__proc *k = &all[i].kin;
            if (all[i].found || k->pid == getpid() || !belongs(all, n, k, p->pid))
                continue;
            all[i].found = more = true;
            if (found < cap)
                pids[found++] = k->pid;
        }
    }
    free(all);
    return found;
}

/* ---- sockets ---- */

static bool read_address(struct ssp__address *a, const char *text)
{
    unsigned word[4], port;
    char host[INET6_ADDRSTRLEN];
    const char *colon = strchr(text, ':');
    bool v6 = colon != NULL && colon - text == 32;
    int n =
        v6 ? sscanf(text, "%8x%8x%8x%8x:%x", &word[0], &word[1], &word[2], &word[3], /* NOLINT */
                    &port)
           : sscanf(text, "%8x:%x", &word[0], &port); /* NOLINT */
    if (n != (v6 ? 5 : 2) || inet_ntop(v6 ? AF_INET6 : AF_INET, word, host, sizeof host) == NULL)
        return false;
    return ssp__address_parse(a, host, (uint16_t)port) == 0;
}

/* One line of a table in /proc/net; false when the socket is of no interest. */
static bool read_socket(struct socket_seen *s, const char *line, bool udp)
{
    enum { ESTABLISHED = 0x01, LISTEN = 0x0a };
    char local[64];
    unsigned state;
    if (sscanf(line, "%*u: %63s %*s %x %*s %*s %*s %*u %*u %lu", local, &state, /* NOLINT */
               &s->inode) != 3 ||
        !read_address(&s->address, local))
        return false;
    s->udp = udp;
    s->by_child = false;
    s->connected = state == ESTABLISHED;
    return udp || state == LISTEN;
}

struct table {
    struct socket_seen *all;
    unsigned n;
};

static void read_table(struct table *t, pid_t pid, const char *name)
{
    char path[64], line[512];
    (void)snprintf(path, sizeof path, "/proc/%d/net/%s", (int)pid, name);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    bool udp = name[0] == 'u';
    while (fgets(line, sizeof line, file) != NULL) {
        /* Few of thousands of TCP sockets listen: the others need not be parsed. */
        if (!udp && strstr(line, " 0A ") == NULL)
            continue;
        t->all = with_room(t->all, t->n, sizeof *t->all);
        t->n += read_socket(&t->all[t->n], line, udp);
    }
    (void)fclose(file);
}

/* Moves those sockets of all to seen which the process has open. */
static unsigned take_open(pid_t pid, struct socket_seen *all, unsigned n, struct socket_seen *seen,
                          unsigned cap)
{
    char path[64], link[64];
    unsigned taken = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *directory = opendir(path);
    if (directory == NULL)
        return 0;
    for (struct dirent *e = readdir(directory); e != NULL; e = readdir(directory)) {
        ssize_t len = readlinkat(dirfd(directory), e->d_name, link, sizeof link - 1);
        link[len > 0 ? len : 0] = '\0';
        if (strncmp(link, "socket:[", 8) != 0)
            continue;
        unsigned long inode = strtoul(link + 8, NULL, 10);
        for (unsigned i = 0; i < n && taken < cap; i++) {
            if (all[i].inode != inode)
                continue;
            seen[taken++] = all[i];
            all[i].inode = 0; /* once, however many descriptors lead there */
        }
    }
    (void)closedir(directory);
    return taken;
}

unsigned process_sockets(const struct process *p, struct socket_seen *seen, unsigned cap)
{
    static const char *const names[] = {"tcp", "tcp6", "udp", "udp6"};
    struct table known = {.n = 0};
    pid_t tree[TREE_MAX];
    unsigned n = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        read_table(&known, p->pid, names[i]);
    unsigned members = known.n > 0 ? process_tree(p, tree, TREE_MAX) : 0;
    for (unsigned i = 0; i < members; i++) /* first, as it may have got them from the plugin */
        n += tree[i] != p->pid ? take_open(tree[i], known.all, known.n, seen + n, cap - n) : 0;
    for (unsigned i = 0; i < n; i++)
        seen[i].by_child = true;
    n += take_open(p->pid, known.all, known.n, seen + n, cap - n);
    free(known.all);
    return n;
}

/* ---- figures ---- */

int64_t process_rss(const struct process *p)
{
    char path[64];
    long long pages = -1;
    (void)snprintf(path, sizeof path, "/proc/%d/statm", (int)p->pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return -1;
    if (fscanf(file, "%*s %lld", &pages) != 1) /* NOLINT */
        pages = -1;
    (void)fclose(file);
    return pages <= 0 ? -1 : (int64_t)pages * sysconf(_SC_PAGESIZE);
}

int process_descriptors(const struct process *p)
{
    char path[64];
    int n = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)p->pid);
    DIR *directory = opendir(path);
    if (directory == NULL)
        return -1;
    for (struct dirent *e = readdir(directory); e != NULL; e = readdir(directory))
        n += isdigit((unsigned char)e->d_name[0]) ? 1 : 0;
    (void)closedir(directory);
    return n;
}
