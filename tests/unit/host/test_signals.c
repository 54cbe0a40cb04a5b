/* SPDX-License-Identifier: Apache-2.0 */
/* A host between signals: reloading, stopping several, and a plugin that talks too much. */
#include "hosted.h"

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* More than fit into a socket. */
enum { WORDS = 1000, STUCK_S = 100 };

#define TALKS_ON_HANGUP "trap 'echo again' HUP; echo up; sleep 60 & while kill -0 $!; do wait; done"

/* ---- reload ---- */

static void a_plugin_is_asked_to_reload_by_a_signal(void **unused)
{
    const char *const argv[] = {"-c", TALKS_ON_HANGUP, NULL};
    struct hosted *h = hosted_new(argv);
    (void)unused;
    h->declares = true;
    hosted_start(h);
    UNTIL(h, h->ready == 1);
    ssp_host_reload(h->host);
    UNTIL(h, strstr(h->said, "again|") != NULL);
    assert_false(h->dead);
    hosted_free(h);
}

/* At once it would meet a shell that has not set its trap yet, and end it. */
static void one_that_is_starting_is_asked_when_it_is_ready(void **unused)
{
    const char *const argv[] = {"-c", TALKS_ON_HANGUP, NULL};
    struct hosted *h = hosted_new(argv);
    (void)unused;
    h->declares = true;
    hosted_start(h);
    ssp_host_reload(h->host);
    UNTIL(h, strstr(h->said, "again|") != NULL || h->dead);
    assert_false(h->dead);
    hosted_free(h);
}

static void one_that_is_dead_is_not_asked(void **unused)
{
    const char *const argv[] = {"-c", "exit 3", NULL};
    struct hosted *h = hosted_new(argv);
    (void)unused;
    hosted_start(h);
    UNTIL(h, h->dead);
    ssp_host_reload(h->host);
    assert_int_equal(ssp_host_exit_status(h->host), 3);
    hosted_free(h);
}

/* ---- stop ---- */

static void count_kills(void *arg, ssp_log_level level, const char *text)
{
    unsigned *kills = arg;
    (void)level;
    *kills += strstr(text, "did not stop within") != NULL;
}

/* Waiting for one that is deaf takes its grace time: those that went at once have not used it. */
static void who_stopped_in_time_is_not_said_to_be_late(void **unused)
{
    const char *const deaf[] = {"-c", "trap '' TERM; echo up; exec sleep 60", NULL};
    const char *const obedient[] = {"-c", "echo up; exec sleep 60", NULL};
    struct hosted *h[] = {hosted_new(deaf), hosted_new(obedient)};
    unsigned kills = 0;
    (void)unused;
    for (int i = 0; i < 2; i++) {
        h[i]->declares = true;
        h[i]->conf.grace_ms = i == 0 ? 200 : 100;
        hosted_start(h[i]);
        UNTIL(h[i], h[i]->ready == 1);
    }
    ssp_log_redirect(count_kills, &kills);
    ssp_host_begin_stop(h[0]->host);
    ssp_host_begin_stop(h[1]->host);
    hosted_free(h[0]);
    hosted_free(h[1]);
    ssp_log_redirect(NULL, NULL);
    assert_int_equal(kills, 1);
}

/* The loop of a program goes on meanwhile, and takes the report that the stop would wait for. */
static void an_end_that_the_loop_has_seen_is_not_waited_for(void **unused)
{
    const char *const argv[] = {"-c", "echo up; exec sleep 60", NULL};
    struct hosted *h = hosted_new(argv);
    (void)unused;
    h->declares = true;
    h->conf.grace_ms = 1000 * STUCK_S * 2;
    hosted_start(h);
    UNTIL(h, h->ready == 1);
    ssp_host_begin_stop(h->host);
    UNTIL(h, ssp_host_exit_status(h->host) != -1);
    (void)alarm(STUCK_S);
    hosted_free(h);
    (void)alarm(0);
}

/* ---- what stands in between ---- */

static pid_t only_child(void)
{
    int pid = 0, another;
    FILE *children = fopen("/proc/thread-self/children", "re");
    assert_non_null(children);
    assert_int_equal(fscanf(children, "%d %d", &pid, &another), 1);
    (void)fclose(children);
    return pid;
}

/* A program may have children of its own. */
static void the_end_of_a_guardian_is_not_that_of_others(void **unused)
{
    const char *const argv[] = {"-c", "setsid sleep 60 & echo up; exec sleep 60", NULL};
    char *const other[] = {"sleep", "60", NULL};
    struct hosted *h = hosted_new(argv);
    pid_t child;
    (void)unused;
    h->declares = true;
    hosted_start(h);
    UNTIL(h, h->ready == 1);
    pid_t guardian = only_child();
    assert_int_equal(posix_spawnp(&child, "sleep", NULL, NULL, other, environ), 0);
    assert_int_equal(kill(guardian, SIGKILL), 0);
    UNTIL(h, h->dead);
    hosted_free(h);
    assert_int_equal(only_child(), child);
    assert_int_equal(kill(child, SIGTERM), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

/* ---- a flood ---- */

static void count_words(void *arg, const char *key, const char *value)
{
    struct hosted *h = arg;
    assert_string_equal(key, "READY");
    assert_string_equal(value, "1");
    h->downs++;
}

/* Each word is a reason to look whether it listens; whom we ask may be slow, and must not hold us.
 */
static void a_plugin_that_says_ready_again_and_again_holds_nobody(void **unused)
{
    const char *const argv[] = {
        "-c", "i=0; while [ $((i += 1)) -le 1000 ]; do echo READY=1; done >&4; exec sleep 60",
        NULL};
    struct hosted *h = hosted_new(argv);
    (void)unused;
    h->conf.ready = SSP_READY_LISTENS;
    h->conf.on_notify = count_words;
    hosted_start(h);
    pid_t guardian = only_child();
    assert_int_equal(kill(guardian, SIGSTOP), 0);
    (void)alarm(STUCK_S); /* who waits for the guardian waits for ever */
    UNTIL(h, h->downs == WORDS);
    (void)alarm(0);
    assert_int_equal(kill(guardian, SIGCONT), 0);
    hosted_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plugin_is_asked_to_reload_by_a_signal),
        cmocka_unit_test(one_that_is_starting_is_asked_when_it_is_ready),
        cmocka_unit_test(one_that_is_dead_is_not_asked),
        cmocka_unit_test(who_stopped_in_time_is_not_said_to_be_late),
        cmocka_unit_test(an_end_that_the_loop_has_seen_is_not_waited_for),
        cmocka_unit_test(the_end_of_a_guardian_is_not_that_of_others),
        cmocka_unit_test(a_plugin_that_says_ready_again_and_again_holds_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
