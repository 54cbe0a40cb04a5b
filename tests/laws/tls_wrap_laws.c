/* SPDX-License-Identifier: Apache-2.0 */
/* The laws, with a handshake in front of every dialogue: tls_wrap_laws DIRECTORY, which has
 * cert.pem and key.pem. */
#include "tls-wrap/tls_wrap.h"

#include <ssplugin/testing.h>

#include <stdio.h>

int main(int argc, char **argv)
{
    char client[512], server[1024];
    const char *directory = argc > 1 ? argv[1] : ".";
    (void)snprintf(client, sizeof client, "host=ex.test;ca=%s/cert.pem", directory);
    (void)snprintf(server, sizeof server, "cert=%s/cert.pem;key=%s/key.pem", directory, directory);
    return ssp_laws_main(&tls_wrap, client, server);
}
