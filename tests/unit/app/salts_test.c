/* SPDX-License-Identifier: Apache-2.0 */
#include "app/salts.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    SMALL = 1 << 10,
    PATH_SIZE = 64,
    RECORD = 64,
    CHECKED = 48,
    BOOT_AT = 8,
    FLOOR_AT = 16,
    YEAR = 365 * 86400,
    MANY = 200 /* records */
};

static unsigned hashes, restored; /* of parts and ids; records */

int __real_crypto_generichash(unsigned char *out, size_t out_len, const unsigned char *in,
                              unsigned long long in_len, const unsigned char *key, size_t key_len);
int __wrap_crypto_generichash(unsigned char *out, size_t out_len, const unsigned char *in,
                              unsigned long long in_len, const unsigned char *key, size_t key_len);
void __real_ss_recent_restore(struct ss_recent *r, const struct ss_recent_kept *kept, int64_t now);
void __wrap_ss_recent_restore(struct ss_recent *r, const struct ss_recent_kept *kept, int64_t now);

int __wrap_crypto_generichash(unsigned char *out, size_t out_len, const unsigned char *in,
                              unsigned long long in_len, const unsigned char *key, size_t key_len)
{
    hashes++;
    return __real_crypto_generichash(out, out_len, in, in_len, key, key_len);
}

void __wrap_ss_recent_restore(struct ss_recent *r, const struct ss_recent_kept *kept, int64_t now)
{
    restored++;
    __real_ss_recent_restore(r, kept, now);
}

struct place {
    char directory[PATH_SIZE], file[PATH_SIZE + 8];
    int64_t now;
};

/* A server from its start to its end. */
struct server {
    struct ss_salts *salts;
    struct ss_recent *recent;
};

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    assert_non_null(p);
    (void)snprintf(p->directory, sizeof p->directory, "/tmp/salts-test-XXXXXX");
    assert_non_null(mkdtemp(p->directory));
    (void)snprintf(p->file, sizeof p->file, "%s/salts", p->directory);
    p->now = (int64_t)time(NULL);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;
    (void)unlink(p->file);
    (void)rmdir(p->directory);
    free(p);
    return 0;
}

static struct server start(const struct place *p, int64_t now)
{
    static const uint8_t key[SS_RECENT_KEY] = {1};
    struct server s = {ss_salts_new(p->directory, "salts"), ss_recent_new(SMALL, now - 1)};
    assert_non_null(s.salts);
    assert_non_null(s.recent);
    ss_recent_bind(s.recent, ss_salts_keeper(s.salts), key, now);
    return s;
}

static void finish(struct server s)
{
    ss_recent_free(s.recent);
    ss_salts_close(s.salts);
}

static bool add(struct server s, uint64_t n, int64_t stamp, int64_t now)
{
    const struct ss_recent_id id = {(const uint8_t *)&n, sizeof n};
    return ss_recent_add(s.recent, id, stamp, now);
}

static off_t size_of(const struct place *p)
{
    struct stat status;
    assert_int_equal(stat(p->file, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    return status.st_size;
}

static void change(const struct place *p, off_t at, const void *bytes, size_t n)
{
    int fd = open(p->file, O_RDWR);
    assert_true(fd != -1);
    assert_int_equal(pwrite(fd, bytes, n, at), n);
    assert_int_equal(close(fd), 0);
}

/* A head that is whole, with another number in it. */
static void change_head(const struct place *p, size_t at, int64_t number)
{
    uint8_t head[RECORD];
    int fd = open(p->file, O_RDONLY);
    assert_int_equal(pread(fd, head, sizeof head, 0), sizeof head);
    assert_int_equal(close(fd), 0);
    memcpy(head + at, &number, sizeof number);
    (void)crypto_generichash(head + CHECKED, RECORD - CHECKED, head, CHECKED, NULL, 0);
    change(p, 0, head, sizeof head);
}

/* A first run, which several of the tests begin with. */
static void serve_two(const struct place *p)
{
    struct server s = start(p, p->now);
    assert_false(add(s, 0, p->now - 1, p->now)); /* a first start knows of nothing before it */
    assert_true(add(s, 1, p->now + 25, p->now));
    assert_true(add(s, 2, p->now, p->now));
    finish(s);
}

static void a_restart_refuses_recordings_alone(void **state)
{
    const struct place *p = *state;
    serve_two(p);
    assert_int_equal(size_of(p), 3 * RECORD);
    struct server s = start(p, p->now + 1);
    assert_false(add(s, 1, p->now + 25, p->now + 1));
    assert_false(add(s, 2, p->now, p->now + 1));
    assert_true(add(s, 3, p->now, p->now + 1));
    assert_true(add(s, 4, p->now + 26, p->now + 1));
    finish(s);
    s = start(p, p->now + 2);
    for (uint64_t n = 1; n <= 4; n++)
        assert_false(add(s, n, p->now + 25, p->now + 2));
    finish(s);
}

static void a_process_that_is_killed_leaves_all(void **state)
{
    const struct place *p = *state;
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        struct server s = start(p, p->now);
        bool fresh = add(s, 1, p->now + 25, p->now);
        (void)kill(getpid(), fresh ? SIGKILL : SIGTERM);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WTERMSIG(status), SIGKILL);
    struct server s = start(p, p->now);
    assert_false(add(s, 1, p->now + 25, p->now));
    assert_true(add(s, 2, p->now + 25, p->now));
    finish(s);
}

/* The process that has the file, step by step. */
_Noreturn static void be_the_other(const struct place *p, int in, int out)
{
    char byte = 0;
    struct server s = start(p, p->now);
    bool fine = add(s, 1, p->now + 25, p->now) && write(out, &byte, 1) == 1;
    fine = fine && read(in, &byte, 1) == 1 && add(s, 2, p->now + 25, p->now);
    fine = fine && write(out, &byte, 1) == 1 && read(in, &byte, 1) == 1;
    (void)kill(getpid(), fine ? SIGKILL : SIGTERM);
    _exit(1);
}

static void a_process_that_takes_the_place_of_another_knows_its_salts(void **state)
{
    const struct place *p = *state;
    int down[2], up[2], status;
    char byte = 0;
    assert_int_equal(pipe(down), 0);
    assert_int_equal(pipe(up), 0);
    pid_t pid = fork();
    if (pid == 0)
        be_the_other(p, down[0], up[1]);
    assert_int_equal(read(up[0], &byte, 1), 1);
    struct server s = start(p, p->now + 1);
    assert_false(add(s, 1, p->now + 25, p->now + 1));
    assert_true(add(s, 3, p->now + 25, p->now + 1));
    assert_int_equal(write(down[1], &byte, 1), 1);
    assert_int_equal(read(up[0], &byte, 1), 1);
    assert_false(add(s, 2, p->now + 25, p->now + 1));
    assert_int_equal(size_of(p), 3 * RECORD);
    assert_int_equal(write(down[1], &byte, 1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WTERMSIG(status), SIGKILL);
    assert_true(add(s, 4, p->now + 25, p->now + 2)); /* it writes now */
    assert_int_equal(size_of(p), 5 * RECORD);
    finish(s);
    s = start(p, p->now + 2);
    for (uint64_t n = 1; n <= 4; n++)
        assert_false(add(s, n, p->now + 25, p->now + 2));
    assert_true(add(s, 5, p->now + 25, p->now + 2));
    finish(s);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(close(down[i]), 0);
        assert_int_equal(close(up[i]), 0);
    }
}

/* The process that has the file: it writes many records, one more for each byte, and waits. */
_Noreturn static void be_the_busy_one(const struct place *p, int in, int out)
{
    char byte = 0;
    uint64_t n = 1;
    struct server s = start(p, p->now);
    bool fine = true;
    for (; n <= MANY; n++)
        fine = add(s, n, p->now + 25, p->now) && fine;
    while (fine && write(out, &byte, 1) == 1 && read(in, &byte, 1) == 1)
        fine = add(s, n++, p->now + 25, p->now);
    _exit(1);
}

/* Two servers may share a file for long. */
static void a_process_that_waits_reads_what_is_new(void **state)
{
    enum { ROUNDS = 20 };
    const struct place *p = *state;
    int down[2], up[2], status;
    char byte = 0;
    assert_int_equal(pipe(down), 0);
    assert_int_equal(pipe(up), 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(down[1]);
        be_the_busy_one(p, down[0], up[1]);
    }
    assert_int_equal(read(up[0], &byte, 1), 1);
    struct server s = start(p, p->now);
    for (uint64_t n = 1; n <= MANY; n++)
        assert_false(add(s, n, p->now + 25, p->now));
    hashes = restored = 0;
    for (uint64_t i = 1; i <= ROUNDS; i++) {
        assert_int_equal(write(down[1], &byte, 1), 1);
        assert_int_equal(read(up[0], &byte, 1), 1);
        assert_false(add(s, MANY + i, p->now + 25, p->now));
        assert_true(add(s, 2 * MANY + i, p->now + 25, p->now));
    }
    assert_int_equal(restored, ROUNDS);
    assert_in_range(hashes, 1, ROUNDS * 8);
    assert_int_equal(close(down[1]), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(add(s, 4 * MANY, p->now + 25, p->now)); /* it writes now */
    assert_int_equal(size_of(p), (1 + MANY + ROUNDS + ROUNDS + 1) * RECORD);
    finish(s);
    (void)close(down[0]);
    (void)close(up[0]);
    (void)close(up[1]);
}

static void a_process_that_has_left_writes_nothing(void **state)
{
    const struct place *p = *state;
    struct server s = start(p, p->now);
    assert_true(add(s, 1, p->now, p->now));
    ss_salts_leave(s.salts);
    assert_true(add(s, 2, p->now, p->now));
    assert_false(add(s, 1, p->now, p->now));
    assert_int_equal(size_of(p), 2 * RECORD);
    finish(s);
}

static void expect_time_alone(const struct place *p)
{
    struct server s = start(p, p->now + 5);
    assert_false(add(s, 8, p->now + 4, p->now + 5));
    assert_true(add(s, 9, p->now + 5, p->now + 5));
    finish(s);
    s = start(p, p->now + 6); /* a file has been made anew */
    assert_true(add(s, 10, p->now + 5, p->now + 6));
    assert_false(add(s, 9, p->now + 5, p->now + 6));
    finish(s);
}

static void a_damaged_file_is_made_anew(void **state)
{
    const struct place *p = *state;
    const struct {
        off_t at;
        const char *bytes;
    } damage[] = {{0, "{\"a\": \"foreign file\"}"},
                  {20, "x"},
                  {RECORD + 3, "y"},
                  {(off_t)2 * RECORD, "z"},
                  {(off_t)3 * RECORD - 1, "!"}};
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        serve_two(p);
        change(p, damage[i].at, damage[i].bytes, strlen(damage[i].bytes));
        expect_time_alone(p);
        assert_int_equal(unlink(p->file), 0);
    }
    serve_two(p);
    assert_int_equal(truncate(p->file, RECORD / 2), 0);
    expect_time_alone(p);
}

/* Salts from before the start are refused, recorded or not. */
static void the_time_of_the_start_counts(const struct place *p)
{
    struct server s = start(p, p->now + 5);
    assert_false(add(s, 1, p->now + 25, p->now + 5));
    assert_false(add(s, 3, p->now + 4, p->now + 5));
    assert_true(add(s, 3, p->now + 5, p->now + 5));
    finish(s);
}

/* After a crash of the machine its last records may be missing. */
static void a_start_of_the_machine_adds_its_time(void **state)
{
    const struct place *p = *state;
    serve_two(p);
    change_head(p, BOOT_AT, p->now - 7000000);
    the_time_of_the_start_counts(p);
}

static void a_clock_that_was_ahead_locks_no_client_out(void **state)
{
    const struct place *p = *state;
    serve_two(p);
    change_head(p, FLOOR_AT, p->now + YEAR);
    the_time_of_the_start_counts(p);
}

static void the_file_has_the_size_of_two_minutes(void **state)
{
    enum { SECONDS = 2000, EACH = 3 };
    const struct place *p = *state;
    uint64_t n = 0;
    struct server s = start(p, p->now);
    for (int64_t now = p->now; now < p->now + SECONDS; now++) {
        for (int i = 0; i < EACH; i++)
            assert_true(add(s, n++, now + 30, now));
    }
    finish(s);
    struct stat status;
    assert_int_equal(stat(p->file, &status), 0);
    /* The second half begins at its own place, and what is before it is a hole. */
    off_t second = (off_t)(1 + SS_SALTS_HALF) * RECORD;
    assert_true(status.st_size <= second + (off_t)62 * EACH * RECORD);
    assert_true(status.st_blocks * 512 < (off_t)10 * 62 * EACH * RECORD);
    int64_t now = p->now + SECONDS - 1;
    s = start(p, now);
    for (uint64_t old = n - (uint64_t)60 * EACH; old < n; old++)
        assert_false(add(s, old, now + 30, now));
    assert_true(add(s, n, now - 29, now));
    assert_false(add(s, n + 1, now - 31, now));
    finish(s);
}

static void a_full_disk_is_told_and_noted(void **state)
{
    const struct place *p = *state;
    struct rlimit before, small;
    serve_two(p);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){(rlim_t)3 * RECORD, before.rlim_max};
    (void)signal(SIGXFSZ, SIG_IGN);
    struct server s = start(p, p->now + 1);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_true(add(s, 3, p->now + 25, p->now + 1)); /* it serves all the same */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(add(s, 4, p->now + 25, p->now + 1));
    finish(s);
    assert_int_equal(size_of(p), 3 * RECORD);
    s = start(p, p->now + 5);
    assert_false(add(s, 1, p->now + 25, p->now + 5));
    assert_false(add(s, 5, p->now + 4, p->now + 5));
    finish(s);
}

static void a_link_is_not_followed(void **state)
{
    const struct place *p = *state;
    char other[PATH_SIZE + 8];
    (void)snprintf(other, sizeof other, "%s/other", p->directory);
    for (int hard = 0; hard < 2; hard++) {
        int fd = open(other, O_WRONLY | O_CREAT | O_EXCL, 0600);
        assert_int_equal(write(fd, "text", 4), 4);
        assert_int_equal(close(fd), 0);
        assert_int_equal(hard ? link(other, p->file) : symlink(other, p->file), 0);
        struct server s = start(p, p->now);
        assert_true(add(s, 1, p->now, p->now));
        finish(s);
        struct stat status;
        assert_int_equal(stat(other, &status), 0);
        assert_int_equal(status.st_size, 4);
        assert_int_equal(unlink(other), 0);
        assert_int_equal(unlink(p->file), 0);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_restart_refuses_recordings_alone),
        TEST(a_process_that_is_killed_leaves_all),
        TEST(a_process_that_takes_the_place_of_another_knows_its_salts),
        TEST(a_process_that_waits_reads_what_is_new),
        TEST(a_process_that_has_left_writes_nothing),
        TEST(a_damaged_file_is_made_anew),
        TEST(a_start_of_the_machine_adds_its_time),
        TEST(a_clock_that_was_ahead_locks_no_client_out),
        TEST(the_file_has_the_size_of_two_minutes),
        TEST(a_full_disk_is_told_and_noted),
        TEST(a_link_is_not_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
