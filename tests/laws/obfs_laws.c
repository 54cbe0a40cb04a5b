/* SPDX-License-Identifier: Apache-2.0 */
/* The laws, for both disguises: obfs_laws http|tls|reverse_proxy. */
#include "obfs/obfs.h"

#include <ssplugin/testing.h>

#include <stdio.h>
#include <string.h>

static const ssp_codec *half(const ssp_conn *conn)
{
    return ssp_conn_role(conn) == SSP_CLIENT ? &obfs_local : &obfs_server;
}

static ssp_verdict wrap(ssp_conn *conn, void *state, ssp_io *io)
{
    return half(conn)->wrap(conn, state, io);
}

static ssp_verdict unwrap(ssp_conn *conn, void *state, ssp_io *io)
{
    return half(conn)->unwrap(conn, state, io);
}

static int setup(const ssp_codec *codec, struct obfs_conf *conf)
{
    static const ssp_env env = {.local_host = "127.0.0.1",
                                .local_port = "8388",
                                .remote_host = "127.0.0.1",
                                .remote_port = "443"};
    char why[200] = "";
    int rc = codec->setup(conf, &env, why, sizeof why);
    if (rc == -1)
        (void)fprintf(stderr, "%s: %s\n", codec->name, why);
    return rc;
}

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "";
    int mode = strcmp(kind, "tls") == 0 ? OBFS_TLS : OBFS_HTTP;
    struct obfs_conf client = {.mode = mode, .host = "www.example.com", .uri = "/"};
    struct obfs_conf server = {.mode = mode, .host = "www.example.com"};
    server.reverse_proxy = strcmp(kind, "reverse_proxy") == 0;
    if (setup(&obfs_local, &client) == -1 || setup(&obfs_server, &server) == -1)
        return 1;

    ssp_codec both = obfs_server;
    both.flags = 0;
    both.wrap = wrap;
    both.unwrap = unwrap;
    const ssp_law_subject subject = {
        .codec = &both, .client_conf = &client, .server_conf = &server};
    const char *broken = ssp_laws_check(&subject);
    obfs_server.release(&server);
    if (broken != NULL)
        (void)fprintf(stderr, "%s: %s\n", kind, broken);
    return broken != NULL;
}
