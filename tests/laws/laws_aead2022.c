/* SPDX-License-Identifier: Apache-2.0 */
/* Every method of 2022 keeps the laws of a codec: alone, with users, and with a chain of keys. */
#include "../engines.h"
#include "proto/aead2022.h"
#include "proto/method.h"

#include <ssplugin/testing.h>

#include <stdio.h>
#include <string.h>

enum { CAPACITY = 1 << 18 };

static int check(struct ss_2022_conf *client, struct ss_2022_conf *server, const char *how)
{
    const ssp_law_subject subject = {
        .codec = &ss_2022_codec, .client_conf = client, .server_conf = server};
    server->recent = ss_recent_new(CAPACITY, -1);
    const char *broken = server->recent != NULL ? ssp_laws_check(&subject) : "out of memory";
    ss_recent_free(server->recent);
    server->recent = NULL;
    if (broken == NULL)
        return 0;
    (void)fprintf(stderr, "%s, %s: %s\n", client->cipher->name, how, broken);
    return -1;
}

/* The client names itself to a server with users. */
static int check_user(const struct ss_2022_conf *plain)
{
    struct ss_2022_conf client = *plain, server = *plain;
    size_t key_len = plain->cipher->key_len;
    memset(client.key, 7, key_len);
    memcpy(client.identity[0].key, server.key, key_len);
    ss_user_hash(client.key, key_len, client.identity[0].next);
    client.identities = 1;
    server.users = ss_users_new(key_len);
    int rc = server.users != NULL && ss_users_add(server.users, "u", client.key) == SS_USER_OK
                 ? check(&client, &server, "a user")
                 : -1;
    ss_users_free(server.users);
    return rc;
}

static int check_method(const struct ss_cipher *cipher, struct ss_contexts *contexts)
{
    struct ss_2022_conf client = {.cipher = cipher, .contexts = contexts}, server;
    memset(client.key, 5, cipher->key_len);
    server = client;
    int rc = check(&client, &server, "one key");
    return rc == 0 && ss_2022_has_identities(cipher) ? check_user(&client) : rc;
}

static int run(const struct ss_engine *gcm)
{
    static const unsigned ciphers[] = {SS_AES_128_GCM, SS_AES_256_GCM, SS_CHACHA20_POLY1305};
    struct ss_contexts *contexts = ss_contexts_with(gcm);
    int rc = contexts != NULL ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < sizeof ciphers / sizeof ciphers[0]; i++)
        rc = check_method(&ss_ciphers[ciphers[i]], contexts);
    ss_contexts_free(contexts);
    return rc;
}

int main(void)
{
    return with_each_engine(run) == 0 ? 0 : 1;
}
