/* SPDX-License-Identifier: Apache-2.0 */
/* tls-wrap under another codec, in one program: the end of the inner one waits for the handshake.
 */
#include "ends.h"

/* Identity, one call at a time: it never gets out of the way. */
static ssp_verdict pass(ssp_conn *conn, void *state, ssp_io *io)
{
    size_t n;
    (void)conn, (void)state, (void)ssp_in(io, &n);
    ssp_pass(io, n);
    return n > 0 ? SSP_OK : SSP_MORE;
}

static const ssp_codec inner = {
    .size = sizeof(ssp_codec), .name = "inner", .version = "1", .wrap = pass, .unwrap = pass};

struct end {
    ssp_conf *conf;
    ssp_stack *stack;
    ssp_drive *drive;
};

static void open_end(struct end *end, ssp_role role, ssp_conf *conf)
{
    const ssp_codec *const codecs[] = {&inner, &tls_wrap};
    const void *const confs[] = {NULL, ssp_conf_values(conf)};
    end->conf = conf;
    end->stack = ssp_stack_new(codecs, confs, 2);
    assert_non_null(end->stack);
    end->drive = ssp_drive_new(ssp_stack_codec(end->stack), role, end->stack, NULL);
    assert_non_null(end->drive);
}

static void close_end(struct end *end)
{
    assert_null(ssp_drive_broken_rule(end->drive));
    ssp_drive_free(end->drive);
    ssp_stack_free(end->stack);
    ssp_conf_free(end->conf);
}

/* Returns the verdict of the receiver; nothing waits: SSP_OK. */
static ssp_verdict carry(struct end *from, struct end *to)
{
    size_t n;
    ssp_verdict verdict = SSP_OK;
    const uint8_t *wire = ssp_drive_output(from->drive, SSP_WRAP, &n);
    if (n > 0)
        verdict = ssp_drive_feed(to->drive, SSP_UNWRAP, wire, n, 0);
    ssp_drive_take(from->drive, SSP_WRAP, n);
    return verdict;
}

static void an_early_end_waits(void **state)
{
    char directory[CERT_PATH_MAX];
    struct cert cert;
    struct end client, server;
    size_t n;
    (void)state;
    certs_open(directory);
    cert_make(&cert, directory, "good", &(struct cert_request){.name = "ex.test", .ends = 60});
    open_end(&client, SSP_CLIENT, conf_open(SSP_CLIENT, "host=ex.test;pin=%s", cert.pin));
    open_end(&server, SSP_SERVER, conf_open(SSP_SERVER, "cert=%s;key=%s", cert.cert, cert.key));

    assert_int_equal(ssp_drive_feed(client.drive, SSP_WRAP, "all", 3, 1), SSP_MORE);
    assert_int_equal(carry(&client, &server), SSP_MORE);
    assert_int_equal(carry(&server, &client), SSP_MORE);
    assert_int_equal(ssp_drive_feed(client.drive, SSP_WRAP, "", 0, 1), SSP_END);
    assert_int_equal(carry(&client, &server), SSP_END);
    assert_memory_equal(ssp_drive_output(server.drive, SSP_UNWRAP, &n), "all", 3);
    assert_int_equal(n, 3);

    close_end(&client);
    close_end(&server);
    certs_close(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_early_end_waits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
