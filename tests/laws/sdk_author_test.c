/* SPDX-License-Identifier: Apache-2.0 */
/* The author's two lines, a test and a fuzz target: what they run, and what becomes of what fails.
 */
#include "sdk_toys.h"

#include <ssplugin/testing.h>

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct key_conf {
    const char *key;
};

static const ssp_option key_options[] = {
    {.name = "key", .type = SSP_TEXT, .offset = 0, .help = "a key", .flags = SSP_REQUIRED},
    SSP_OPTION_END};

static const ssp_codec keyed = {.size = sizeof(ssp_codec),
                                .name = "keyed",
                                .version = "1",
                                .about = "a codec with an option",
                                .conf_size = sizeof(struct key_conf),
                                .options = key_options,
                                .wrap = toy_flip,
                                .unwrap = toy_flip};

static void one_line_runs_the_laws(void **unused)
{
    ssp_codec wrong = keyed;
    (void)unused;
    wrong.wrap = toy_spin;
    assert_int_equal(ssp_laws_main(&keyed, "key=a", "key=a"), 0);
    assert_int_equal(ssp_laws_main(&keyed, "key=a", NULL), 1);
    assert_int_equal(ssp_laws_main(&keyed, "key=a\\", "key=a"), 1);
    assert_int_equal(ssp_laws_main(&wrong, "key=a", "key=a"), 1);
}

/* Returns the status of a process that fuzzes codec with these bytes. */
static int fuzz(const ssp_codec *codec, const char *options, const char *bytes, size_t n)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        (void)dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL);
        ssp_fuzz_codec(codec, options, (const uint8_t *)bytes, n);
        ssp_fuzz_codec(codec, options, (const uint8_t *)bytes, n);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void a_fuzzer_finds_broken_rules_and_refused_options(void **unused)
{
    static const char bytes[] = "\x05hello\x45hello\x83\x17\x03\x03\xc1x";
    ssp_codec wrong = keyed;
    (void)unused;
    assert_int_equal(fuzz(&keyed, "key=a", bytes, sizeof bytes - 1), 0);
    assert_int_equal(fuzz(&toy_frame, NULL, bytes, sizeof bytes - 1), 0);
    assert_int_equal(fuzz(&toy_knock, NULL, bytes, sizeof bytes - 1), 0);
    assert_int_equal(fuzz(&keyed, "key=a", NULL, 0), 0);
    assert_true(WIFSIGNALED(fuzz(&keyed, NULL, bytes, sizeof bytes - 1)));
    wrong.wrap = toy_spin; /* only reached by the pieces */
    assert_true(WIFSIGNALED(fuzz(&wrong, "key=a", bytes, sizeof bytes - 1)));
}

static ssp_verdict spin_as_server(ssp_conn *conn, void *state, ssp_io *io)
{
    return ssp_conn_role(conn) == SSP_SERVER ? SSP_OK : toy_flip(conn, state, io);
}

static void a_fuzzer_keeps_to_the_roles_of_a_codec(void **unused)
{
    static const char bytes[] = "\x05hello\x45hello";
    ssp_codec codec = keyed;
    (void)unused;
    codec.wrap = codec.unwrap = spin_as_server;
    assert_true(WIFSIGNALED(fuzz(&codec, "key=a", bytes, sizeof bytes - 1)));
    codec.flags = SSP_CLIENT_ONLY;
    assert_int_equal(fuzz(&codec, "key=a", bytes, sizeof bytes - 1), 0);
}

static ssp_verdict spin_by_timer(ssp_conn *conn, void *state, ssp_io *io)
{
    ssp_conn_timer(conn, SSP_WRAP, 1000);
    return ssp_timer_fired(io) ? (ssp_verdict)42 : toy_flip(conn, state, io);
}

/* At a piece of nothing. */
static void a_fuzzer_fires_timers(void **unused)
{
    static const char bytes[] = "\x45hello\x41x\x40";
    ssp_codec codec = keyed;
    (void)unused;
    codec.wrap = spin_by_timer;
    assert_int_equal(fuzz(&codec, "key=a", bytes, sizeof bytes - 2), 0);
    assert_true(WIFSIGNALED(fuzz(&codec, "key=a", bytes, sizeof bytes - 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_line_runs_the_laws),
        cmocka_unit_test(a_fuzzer_finds_broken_rules_and_refused_options),
        cmocka_unit_test(a_fuzzer_keeps_to_the_roles_of_a_codec),
        cmocka_unit_test(a_fuzzer_fires_timers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
