/* SPDX-License-Identifier: Apache-2.0 */
#include "host/listening.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { INODES_MAX = 16, ANSWER_MAX = 32768, DEPTH_MAX = 16 };

struct inodes {
    uint32_t inode[INODES_MAX];
    unsigned n;
};

static int ask(int fd, int family)
{
    struct {
        struct nlmsghdr head;
        struct inet_diag_req_v2 body;
    } request = {
        .head = {.nlmsg_len = sizeof request,
                 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .body = {.sdiag_family = (uint8_t)family,
                 .sdiag_protocol = IPPROTO_TCP,
                 .idiag_states = 1U << TCP_LISTEN},
    };
    return send(fd, &request, sizeof request, 0) == (ssize_t)sizeof request ? 0 : -1;
}

static void take(struct inodes *found, struct nlmsghdr *h, uint16_t port)
{
    struct inet_diag_msg m;
    if (h->nlmsg_len < NLMSG_LENGTH(sizeof m))
        return;
    memcpy(&m, NLMSG_DATA(h), sizeof m);
    if (ntohs(m.id.idiag_sport) == port && found->n < INODES_MAX)
        found->inode[found->n++] = m.idiag_inode;
}

/* Collects the inodes of listening sockets on port.  Returns 0, or -1 without an answer. */
static int collect(int fd, int family, uint16_t port, struct inodes *found)
{
    _Alignas(struct nlmsghdr) uint8_t answer[ANSWER_MAX];
    if (ask(fd, family) == -1)
        return -1;
    for (;;) {
        ssize_t n = recv(fd, answer, sizeof answer, 0);
        if (n <= 0)
            return -1;
        size_t left = (size_t)n;
        for (struct nlmsghdr *h = (struct nlmsghdr *)(void *)answer; NLMSG_OK(h, left);
             h = NLMSG_NEXT(h, left)) {
            if (h->nlmsg_type == NLMSG_DONE)
                return 0;
            if (h->nlmsg_type == NLMSG_ERROR)
                return -1;
            take(found, h, port);
        }
    }
}

static bool is_one_of(const char *link, const struct inodes *found)
{
    unsigned long inode;
    char *end;
    if (strncmp(link, "socket:[", 8) != 0)
        return false;
    inode = strtoul(link + 8, &end, 10);
    for (unsigned i = 0; i < found->n; i++) {
        if (found->inode[i] == inode)
            return true;
    }
    return false;
}

static bool holds(pid_t pid, const struct inodes *found)
{
    char path[64], link[64];
    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *directory = opendir(path);
    bool hit = false;
    if (directory == NULL)
        return false;
    for (struct dirent *e = readdir(directory); e != NULL && !hit; e = readdir(directory)) {
        ssize_t n = readlinkat(dirfd(directory), e->d_name, link, sizeof link - 1);
        link[n > 0 ? n : 0] = '\0';
        hit = is_one_of(link, found);
    }
    (void)closedir(directory);
    return hit;
}

/* Parent and process group of a process; false when it is gone. */
static bool kin(pid_t pid, pid_t *parent, pid_t *group)
{
    char path[64], line[512];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t n = fread(line, 1, sizeof line - 1, file);
    (void)fclose(file);
    line[n] = '\0';
    const char *rest = strrchr(line, ')'); /* the name before it may contain anything */
    int ppid, pgrp;
    char state;
    if (rest == NULL || sscanf(rest + 1, " %c %d %d", &state, &ppid, &pgrp) != 3) /* NOLINT */
        return false;
    *parent = ppid;
    *group = pgrp;
    return true;
}

static bool descends(pid_t pid, pid_t ancestor)
{
    pid_t parent, group;
    for (int depth = 0; depth < DEPTH_MAX && pid > 1; depth++, pid = parent) {
        if (pid == ancestor)
            return true;
        if (!kin(pid, &parent, &group))
            return false;
        if (group == ancestor)
            return true;
    }
    return false;
}

static bool tree_holds(pid_t root, const struct inodes *found)
{
    if (holds(root, found))
        return true;
    DIR *proc = opendir("/proc");
    bool hit = false;
    if (proc == NULL)
        return false;
    for (struct dirent *e = readdir(proc); e != NULL && !hit; e = readdir(proc)) {
        pid_t pid = isdigit((unsigned char)e->d_name[0]) ? (pid_t)strtol(e->d_name, NULL, 10) : 0;
        hit = pid > 1 && pid != root && descends(pid, root) && holds(pid, found);
    }
    (void)closedir(proc);
    return hit;
}

int ssp_listening(pid_t pid, uint16_t port, bool *foreign)
{
    struct inodes found = {.n = 0};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    *foreign = false;
    if (fd == -1)
        return -1;
    int rc = collect(fd, AF_INET, port, &found);
    if (rc == 0)
        rc = collect(fd, AF_INET6, port, &found);
    (void)close(fd);
    if (rc == -1)
        return -1;
    if (found.n == 0)
        return 0;
    if (tree_holds(pid, &found))
        return 1;
    *foreign = true;
    return 0;
}
