/* SPDX-License-Identifier: Apache-2.0 */
/* A cipher with the codec of a plugin upon it keeps the laws of a codec: inline_laws http|tls. */
#include "crypto/key.h"
#include "inline/inline.h"
#include "proto/aead.h"

#include <ssplugin/testing.h>

#include <stdio.h>

static struct ss_inline *end(ssp_role role, const char *mode, const struct ss_aead_conf *conf)
{
    char options[64], why[SS_INLINE_WHY_MAX];
    (void)snprintf(options, sizeof options, "obfs=%s;obfs-host=www.example.com", mode);
    const struct ss_inline_order order = {.name = role == SSP_CLIENT ? "obfs-local" : "obfs-server",
                                          .options = options,
                                          .role = role,
                                          .remote_host = "127.0.0.1",
                                          .remote_port = "443",
                                          .cipher = &ss_aead_codec,
                                          .cipher_conf = conf};
    struct ss_inline *made = ss_inline_new(&order, why);
    if (made == NULL)
        (void)fprintf(stderr, "%s\n", why);
    return made;
}

static const char *check(const struct ss_inline *client, const struct ss_inline *server)
{
    ssp_codec both = *ss_inline_codec(server);
    both.flags = 0;
    const ssp_law_subject subject = {.codec = &both,
                                     .client_conf = ss_inline_conf(client),
                                     .server_conf = ss_inline_conf(server)};
    return ssp_laws_check(&subject);
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "http", *broken = "no configuration";
    struct ss_aead_conf conf = {.cipher = &ss_ciphers[0], .contexts = ss_contexts_new()};
    struct ss_inline *client = NULL, *server = NULL;
    if (conf.contexts != NULL &&
        ss_key_from_password(conf.key, conf.cipher, "horse battery") == 0) {
        client = end(SSP_CLIENT, mode, &conf);
        server = end(SSP_SERVER, mode, &conf);
    }
    if (client != NULL && server != NULL)
        broken = check(client, server);
    ss_inline_free(client);
    ss_inline_free(server);
    ss_contexts_free(conf.contexts);
    if (broken != NULL)
        (void)fprintf(stderr, "%s: %s\n", mode, broken);
    return broken != NULL;
}
