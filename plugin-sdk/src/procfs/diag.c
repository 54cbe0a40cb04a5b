/* SPDX-License-Identifier: Apache-2.0 */
#include "procfs/diag.h"

#include "base/retry.h"
#include "procfs/proc.h"

#include <arpa/inet.h>
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

enum { ANSWER_MAX = 32768, ANSWER_S = 1, COMMAND_MAX = 16 };

/* ---- the kernel's list of sockets ---- */

/* UDP has no listeners: a socket that is not connected is in the state of a closed one. */
static const struct {
    uint8_t protocol;
    uint32_t states;
} transports[] = {
    [SSP_TCP] = {IPPROTO_TCP, 1U << TCP_LISTEN},
    [SSP_UDP] = {IPPROTO_UDP, 1U << TCP_CLOSE},
};

static int ask(int fd, int family, enum ssp__transport transport)
{
    struct {
        struct nlmsghdr head;
        struct inet_diag_req_v2 body;
    } request = {
        .head = {.nlmsg_len = sizeof request,
                 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .body = {.sdiag_family = (uint8_t)family,
                 .sdiag_protocol = transports[transport].protocol,
                 .idiag_states = transports[transport].states},
    };
    return ssp__send(fd, &request, sizeof request, 0) == (ssize_t)sizeof request ? 0 : -1;
}

/* Addresses are in network order; IPv4 has the first word. */
static bool is_loopback(int family, const uint32_t word[4])
{
    const uint32_t mapped = htonl(0xffff);
    bool v4 = family == AF_INET || (word[0] == 0 && word[1] == 0 && word[2] == mapped);
    uint32_t last = family == AF_INET ? word[0] : word[3];
    if (v4)
        return ntohl(last) >> 24 == IN_LOOPBACKNET;
    return word[0] == 0 && word[1] == 0 && word[2] == 0 && last == htonl(1);
}

static void note(struct ssp__listeners *found, struct nlmsghdr *h, uint16_t port)
{
    struct inet_diag_msg m;
    if (h->nlmsg_len < NLMSG_LENGTH(sizeof m))
        return;
    memcpy(&m, NLMSG_DATA(h), sizeof m);
    if (ntohs(m.id.idiag_sport) != port || found->n == SSP_LISTENERS_MAX)
        return;
    found->waiting += m.idiag_rqueue;
    found->exposed = found->exposed || !is_loopback(m.idiag_family, m.id.idiag_src);
    found->inode[found->n] = m.idiag_inode;
    found->uid[found->n++] = m.idiag_uid;
}

static int collect(int fd, int family, enum ssp__transport transport, uint16_t port,
                   struct ssp__listeners *found)
{
    _Alignas(struct nlmsghdr) uint8_t answer[ANSWER_MAX];
    if (ask(fd, family, transport) == -1)
        return -1;
    for (;;) {
        ssize_t n = ssp__recv(fd, answer, sizeof answer, 0);
        if (n <= 0)
            return -1;
        size_t left = (size_t)n;
        for (struct nlmsghdr *h = (struct nlmsghdr *)(void *)answer; NLMSG_OK(h, left);
             h = NLMSG_NEXT(h, left)) {
            if (h->nlmsg_type == NLMSG_DONE)
                return 0;
            if (h->nlmsg_type == NLMSG_ERROR)
                return -1;
            note(found, h, port);
        }
    }
}

int ssp__listeners_find(struct ssp__listeners *found, enum ssp__transport transport, uint16_t port)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    const struct timeval limit = {.tv_sec = ANSWER_S};
    found->n = found->waiting = 0;
    found->exposed = false;
    if (fd == -1)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    int rc = collect(fd, AF_INET, transport, port, found);
    if (rc == 0)
        rc = collect(fd, AF_INET6, transport, port, found);
    (void)close(fd);
    return rc;
}

/* ---- the descriptors of a process ---- */

static bool is_one_of(const char *link, const struct ssp__listeners *found)
{
    if (strncmp(link, "socket:[", 8) != 0)
        return false;
    unsigned long inode = strtoul(link + 8, NULL, 10);
    for (unsigned i = 0; i < found->n; i++) {
        if (found->inode[i] == inode)
            return true;
    }
    return false;
}

bool ssp__listeners_held(const struct ssp__listeners *found, pid_t pid)
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

/* ---- a port's owner ---- */

static pid_t holder(const struct ssp__listeners *found)
{
    DIR *proc = ssp__proc_open();
    pid_t hit = 0;
    if (proc == NULL)
        return 0;
    for (pid_t pid; hit == 0 && (pid = ssp__proc_next(proc)) != 0;) {
        if (ssp__listeners_held(found, pid))
            hit = pid;
    }
    (void)closedir(proc);
    return hit;
}

/* A process chooses its name itself: nothing of it may act on a terminal or a log. */
static void command(pid_t pid, char name[COMMAND_MAX + 1])
{
    char path[64];
    size_t n = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    FILE *file = fopen(path, "re");
    if (file != NULL) {
        n = fread(name, 1, COMMAND_MAX, file);
        (void)fclose(file);
    }
    if (n > 0 && name[n - 1] == '\n')
        n--;
    name[n] = '\0';
    for (char *c = name; *c != '\0'; c++) {
        if (*c < ' ' || *c > '~')
            *c = '?';
    }
}

int ssp__port_owner(enum ssp__transport transport, uint16_t port, char *text, size_t cap)
{
    struct ssp__listeners found;
    char name[COMMAND_MAX + 1];
    text[0] = '\0';
    if (ssp__listeners_find(&found, transport, port) == -1)
        return -1;
    if (found.n == 0)
        return 0;
    pid_t pid = holder(&found);
    if (pid != 0) {
        command(pid, name);
        (void)snprintf(text, cap, "%s (pid %d)", name, (int)pid);
    } else {
        (void)snprintf(text, cap, "a process of uid %u", (unsigned)found.uid[0]);
    }
    return 1;
}
