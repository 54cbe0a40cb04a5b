/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that have gone wrong at some places: each is taken, or refused with a line and a documented
 * status.  With EXTENT=full a million of them.
 */
#include "capture.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES = 5000, FILES_IN_FULL = 1000000, TEXT_MAX = 2048, CHANGES_MAX = 4, SPAN_MAX = 24 };

static const char whole[] =
    "{\"server\":[\"192.0.2.1\",\"example.com:8389\"],\"server_port\":8388,\"local_address\":\"127."
    "0.0.1\","
    "\"local_port\":1080,\"password\":\"a password of the tests\",\"method\":\"aes-256-gcm\","
    "\"timeout\":60,\"mode\":\"tcp_and_udp\",\"fast_open\":false,\"nofile\":4096,\"mtu\":1400,"
    "\"plugin\":\"obfs-local\",\"plugin_opts\":\"obfs=http;obfs-host=example.com\",\"plugin_"
    "grace\":1.5,"
    "\"plugin_restart\":\"on-failure\",\"plugin_sandbox\":true,\"tunnel_address\":\"192.0.2.2:53\","
    "\"user\":\"nobody\",\"no_delay\":true,\"unknown\":{\"deep\":[[[1,null,-2.5e3]]]}}";

static const char *const words[] = {
    "\"",      "{",           "}",
    "[",       "]",           ",",
    ":",       "\\",          "\\u0000",
    "\\ud800", "null",        "true",
    "-",       "1e999",       "99999999999999999999",
    "\n",      "\xff",        "\x1b[31m",
    "/*",      "\"server\":", "\"password\":\"x\",",
};

struct text {
    char byte[TEXT_MAX];
    size_t len;
};

/* The same files at each run. */
static uint32_t chance(uint32_t below)
{
    static uint32_t state = 1;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % below;
}

static void cut(struct text *t, size_t at, size_t n)
{
    n = n < t->len - at ? n : t->len - at;
    memmove(t->byte + at, t->byte + at + n, t->len - at - n);
    t->len -= n;
}

static void insert(struct text *t, size_t at, const char *word, size_t n)
{
    if (t->len + n > TEXT_MAX)
        return;
    memmove(t->byte + at + n, t->byte + at, t->len - at);
    memcpy(t->byte + at, word, n);
    t->len += n;
}

static void change(struct text *t)
{
    char span[SPAN_MAX];
    size_t at = chance((uint32_t)t->len), n = 1 + chance(SPAN_MAX);
    n = n < t->len - at ? n : t->len - at;
    memcpy(span, t->byte + at, n);
    const char *word = words[chance(sizeof words / sizeof *words)];
    switch (chance(6)) {
    case 0:
        t->byte[at] = (char)chance(256);
        break;
    case 1:
        cut(t, at, n);
        break;
    case 2:
        insert(t, chance((uint32_t)t->len), span, n);
        break;
    case 3:
        t->len = at + 1;
        break;
    default:
        cut(t, at, chance(4));
        insert(t, at < t->len ? at : t->len, word, strlen(word));
        break;
    }
    if (t->len == 0)
        insert(t, 0, "{", 1);
}

/* Each line names the program, and shows no character that could change a terminal. */
static void judge(const struct capture *c, const char *program, const struct text *t)
{
    bool told = *c->err != '\0';
    for (const char *line = c->err; *line != '\0'; line += strcspn(line, "\n") + 1) {
        if (strncmp(line, program, strlen(program)) != 0)
            fail_msg("%.*s: %s", (int)t->len, t->byte, line);
    }
    for (const char *p = c->err; *p != '\0'; p++)
        assert_true((uint8_t)*p >= ' ' || *p == '\n');
    if (c->status != -1 && (!told || (c->status != 1 && c->status != 255)))
        fail_msg("%.*s: status %d: %s", (int)t->len, t->byte, c->status, c->err);
}

static void every_wrong_file_is_taken_or_refused_with_a_line(void **state)
{
    struct capture *c = *state;
    /* In memory, where there is such a place: each run writes a file. */
    if (access("/dev/shm", W_OK | X_OK) == 0) {
        (void)unlink(c->path);
        (void)snprintf(c->path, sizeof c->path, "/dev/shm/ss-conf-%ld", (long)getpid());
    }
    const char *extent = getenv("EXTENT");
    unsigned files = extent != NULL && strcmp(extent, "full") == 0 ? FILES_IN_FULL : FILES,
             taken = 0;
    for (unsigned i = 0; i < files; i++) {
        struct text t = {.len = sizeof whole - 1};
        memcpy(t.byte, whole, t.len);
        for (uint32_t changes = 1 + chance(CHANGES_MAX); changes > 0; changes--)
            change(&t);
        capture_write(c, t.byte, t.len);
        enum ss_program program = (enum ss_program)(i % SS_PROGRAMS);
        const char *name = ss_programs[program].name;
        capture_run(c, program, (const char *const[]){name, "-c", "@", NULL});
        judge(c, name, &t);
        taken += c->status == -1;
    }
    assert_true(taken > files / 100 && taken < files / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_wrong_file_is_taken_or_refused_with_a_line,
                                        capture_setup, capture_teardown),
    };
    return cmocka_run_group_tests_name("conf: changed files", tests, NULL, NULL);
}
