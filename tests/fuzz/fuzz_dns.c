/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any answer of a name server to our question, and any resolv.conf and hosts file.
 *
 * Byte 0: what the rest is.  An answer is everything behind the id: c-ares reads it, and the
 * channel tells once, with addresses of the family and the port that were asked for.
 */
#include "must.h"

#include "net/dns_channel.h"
#include "net/hosts.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ANSWER,
    RESOLV_CONF,
    HOSTS,
    PARTS,
    INPUT_MAX = 4096,
    PORT = 443,
    PACKET = 2048,
    TURN_MS = 1
};

struct told {
    unsigned times;
    int family;
};

static void tell(void *arg, enum ssp__dns_status status, const struct ssp__address *addresses,
                 unsigned n, const char *why)
{
    struct told *told = arg;
    told->times++;
    must(why != NULL && n <= SSP_ADDRESSES_MAX);
    must((status == SSP_DNS_FOUND) == (n > 0));
    for (unsigned i = 0; i < n; i++) {
        must(addresses[i].u.any.sa_family == told->family);
        must(ssp__address_port(&addresses[i]) == PORT);
    }
}

static int name_server(char text[SSP_ADDRESS_TEXT_MAX])
{
    struct ssp__address a;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    must(fd != -1 && ssp__address_parse(&a, "127.0.0.1", 0) == 0);
    must(bind(fd, &a.u.any, a.len) == 0 && getsockname(fd, &a.u.any, &a.len) == 0);
    ssp__address_format(&a, text, SSP_ADDRESS_TEXT_MAX);
    return fd;
}

/* The question's header and name come back with the bytes in the place of flags and counts, and
 * behind the name. */
static void answer(int server, const uint8_t *bytes, size_t n)
{
    enum { ID = 2, HEADER = 12 };
    uint8_t packet[PACKET + INPUT_MAX];
    struct ssp__address client = {.len = sizeof client.u};
    ssize_t size = recvfrom(server, packet, PACKET, 0, &client.u.any, &client.len);
    if (size < HEADER)
        return;
    size_t head = n < HEADER - ID ? n : HEADER - ID;
    memcpy(packet + ID, bytes, head);
    memcpy(packet + size, bytes + head, n - head);
    (void)sendto(server, packet, (size_t)size + n - head, 0, &client.u.any, client.len);
}

static void ask(const uint8_t *bytes, size_t n, int family)
{
    static ssp_loop *loop; /* NOLINT(cppcoreguidelines-avoid-non-const-global-variables) */
    char servers[SSP_ADDRESS_TEXT_MAX];
    const char *why;
    struct told told = {.family = family};
    if (loop == NULL)
        loop = ssp_loop_new();
    int server = name_server(servers);
    struct ssp__dns_channel *channel =
        ssp__dns_channel_new(loop, servers, "/nonexistent/resolv.conf", &why);
    must(channel != NULL);
    ssp__dns_channel_ask(
        channel,
        &(struct ssp__dns_question){
            .name = "ex.test.", .family = family, .port = PORT, .on_answer = tell, .arg = &told});
    answer(server, bytes, n);
    (void)ssp_loop_turn(loop, told.times == 0 ? TURN_MS : 0);
    ssp__dns_channel_free(channel);
    must(told.times == 1);
    (void)close(server);
}

/* A file with these bytes, as a path. */
static int file(const uint8_t *bytes, size_t n, char path[32])
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    must(fd != -1 && write(fd, bytes, n) == (ssize_t)n);
    (void)snprintf(path, 32, "/proc/self/fd/%d", fd);
    return fd;
}

static void read_resolv_conf(const char *path)
{
    struct ssp__search_list list;
    static const char *const names[] = {"host", "a.b.c.d", "absolute."};
    ssp__search_list_read(&list, path);
    must(list.domains <= SSP_DOMAINS_MAX);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char full[SSP_HOST_MAX + 1];
        unsigned index = 0, turns = 0;
        while (ssp__search_list_next(&list, names[i], &index, full)) {
            must(++turns <= SSP_DOMAINS_MAX + 1);
            must(full[0] != '\0' && full[strlen(full) - 1] == '.');
        }
    }
}

static void read_hosts(const char *path)
{
    struct ssp__address found[SSP_ADDRESSES_MAX];
    unsigned n = ssp__hosts_find(path, "ex.test", PORT, found, SSP_ADDRESSES_MAX);
    must(n <= SSP_ADDRESSES_MAX);
    for (unsigned i = 0; i < n; i++)
        must(ssp__address_port(&found[i]) == PORT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[32];
    if (size < 1 || size > INPUT_MAX)
        return 0;
    if (data[0] % PARTS == ANSWER) {
        ask(data + 1, size - 1, data[0] & 0x80 ? AF_INET6 : AF_INET);
        return 0;
    }
    int fd = file(data + 1, size - 1, path);
    (data[0] % PARTS == HOSTS ? read_hosts : read_resolv_conf)(path);
    (void)close(fd);
    return 0;
}
