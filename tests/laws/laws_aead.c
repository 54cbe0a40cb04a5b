/* SPDX-License-Identifier: Apache-2.0 */
/* Every method keeps the laws of a codec, with and without a replay filter at each end. */
#include "../engines.h"
#include "crypto/key.h"
#include "proto/aead.h"

#include <ssplugin/testing.h>

#include <stdio.h>

static struct ss_contexts *contexts;

static int check(const struct ss_cipher *cipher, struct ss_replay *client_filter,
                 struct ss_replay *server_filter)
{
    struct ss_aead_conf client = {.cipher = cipher, .contexts = contexts, .replay = client_filter};
    if (ss_key_from_password(client.key, cipher, "correct horse battery staple") == -1)
        return -1;
    struct ss_aead_conf server = client;
    server.replay = server_filter;

    const ssp_law_subject subject = {
        .codec = &ss_aead_codec, .client_conf = &client, .server_conf = &server};
    const char *broken = ssp_laws_check(&subject);
    if (broken == NULL)
        return 0;
    (void)fprintf(stderr, "%s: %s\n", cipher->name, broken);
    return -1;
}

/* The laws use the same salts in each run, so each run gets filters of its own. */
static int check_filtered(const struct ss_cipher *cipher)
{
    struct ss_replay *client = ss_replay_new(SS_REPLAY_CAPACITY);
    struct ss_replay *server = ss_replay_new(SS_REPLAY_CAPACITY);
    int rc = client != NULL && server != NULL ? check(cipher, client, server) : -1;
    ss_replay_free(client);
    ss_replay_free(server);
    return rc;
}

/* Another engine computes the rows of libcrypto only, and filters do not meet it. */
static int run(const struct ss_engine *gcm)
{
    contexts = ss_contexts_with(gcm);
    int rc = contexts != NULL ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < SS_CIPHERS; i++) {
        if (gcm == NULL || ss_ciphers[i].engine == &ss_engine_libcrypto)
            rc = check(&ss_ciphers[i], NULL, NULL);
        if (rc == 0 && gcm == NULL)
            rc = check_filtered(&ss_ciphers[i]);
    }
    ss_contexts_free(contexts);
    return rc;
}

int main(void)
{
    return with_each_engine(run) == 0 ? 0 : 1;
}
