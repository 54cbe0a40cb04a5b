/* SPDX-License-Identifier: Apache-2.0 */
#include "host/report/diagnose.h"

#include "scratch.h"

#include <elf.h>
#include <errno.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

static char text[SSP_HINT_MAX];

static void hint_says(const struct ssp__diagnose_facts *facts, const char *phrase)
{
    const char *hint = ssp__diagnose(facts, text, sizeof text);
    if (hint == NULL || strstr(hint, phrase) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", hint != NULL ? hint : "(nothing)", phrase);
}

static struct ssp__diagnose_facts exited(const char *plugin, ssp_role role, const char *options,
                                         int status)
{
    return (struct ssp__diagnose_facts){.kind = SSP_HINT_EXIT,
                                        .status = status,
                                        .plugin = plugin,
                                        .options = options,
                                        .role = role,
                                        .port = 8388};
}

static void said(struct ssp__diagnose_facts *facts, const char *const *lines, unsigned n)
{
    facts->lines = lines;
    facts->line_count = n;
}

/* ---- plugins that ran ---- */

static void v2ray_on_a_server_needs_the_word_server(void **unused)
{
    static const char *const plugins[] = {"v2ray-plugin", "/opt/v2ray-plugin_linux_amd64",
                                          "ss-v2ray-plugin", "xray-plugin"};
    static const char *const options[] = {NULL, "", "tls;host=a.com", "servers", "host=server"};
    (void)unused;
    for (size_t i = 0; i < sizeof plugins / sizeof *plugins; i++) {
        for (size_t k = 0; k < sizeof options / sizeof *options; k++) {
            struct ssp__diagnose_facts facts = exited(plugins[i], SSP_SERVER, options[k], 1);
            hint_says(&facts, "add server to plugin_opts");
        }
    }
}

static void v2ray_with_the_right_role_gets_no_hint_about_it(void **unused)
{
    struct ssp__diagnose_facts facts =
        exited("v2ray-plugin", SSP_SERVER, "tls;server;host=a.com", 1);
    (void)unused;
    assert_null(ssp__diagnose(&facts, text, sizeof text));
    facts = exited("v2ray-plugin", SSP_CLIENT, "tls;host=a.com", 1);
    assert_null(ssp__diagnose(&facts, text, sizeof text));
}

static void v2ray_on_a_client_must_not_have_the_word_server(void **unused)
{
    struct ssp__diagnose_facts facts = exited("v2ray-plugin", SSP_CLIENT, "server;tls", 1);
    (void)unused;
    hint_says(&facts, "remove server from plugin_opts");
}

/* It is the cause; that the address is in use is what follows. */
static void the_role_of_v2ray_explains_its_address_in_use(void **unused)
{
    static const char *const lines[] = {"listen tcp 127.0.0.1:44923: bind: address already in use"};
    struct ssp__diagnose_facts facts = exited("v2ray-plugin", SSP_SERVER, NULL, 1);
    (void)unused;
    said(&facts, lines, 1);
    hint_says(&facts, "add server to plugin_opts");
}

static void a_missing_library_is_no_script_without_its_command(void **unused)
{
    static const char *const lines[] = {
        "./p: error while loading shared libraries: libx.so.1: cannot open shared object file"};
    struct ssp__diagnose_facts facts = exited("p", SSP_SERVER, NULL, 127);
    (void)unused;
    said(&facts, lines, 1);
    hint_says(&facts, "see ldd p");
}

static void a_library_path_that_is_not_passed_on_is_named(void **unused)
{
    static const char *const lines[] = {
        "./p: error while loading shared libraries: libx.so.1: cannot open shared object file"};
    struct ssp__diagnose_facts facts = exited("p", SSP_SERVER, NULL, 127);
    (void)unused;
    said(&facts, lines, 1);
    facts.library_path = "/opt/lib";
    hint_says(&facts, "LD_LIBRARY_PATH is not passed on");
}

/* It is what explains an address that is taken, or a port on which nothing listens. */
static void the_plugin_of_the_other_end_is_named(void **unused)
{
    static const struct {
        const char *plugin;
        ssp_role role;
        const char *right;
    } rows[] = {
        {"obfs-local", SSP_SERVER, "needs obfs-server"},
        {"/usr/bin/obfs-server", SSP_CLIENT, "needs obfs-local"},
        {"ck-client-linux-amd64-v2.7.0", SSP_SERVER, "needs ck-server"},
        {"ck-server", SSP_CLIENT, "needs ck-client"},
        {"gq-server", SSP_CLIENT, "needs gq-client"},
        {"qtun-client", SSP_SERVER, "needs qtun-server"},
    };
    static const char *const lines[] = {"bind: Address already in use"};
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ssp__diagnose_facts facts = exited(rows[i].plugin, rows[i].role, "obfs=http", 1);
        said(&facts, lines, 1);
        hint_says(&facts, rows[i].right);
        facts.role = facts.role == SSP_SERVER ? SSP_CLIENT : SSP_SERVER;
        hint_says(&facts, "is taken");
    }
}

static void a_closed_file_has_three_remedies(void **unused)
{
    static const char *const lines[] = {"open /root/key.pem: permission denied"};
    struct ssp__diagnose_facts facts = exited("v2ray-plugin", SSP_SERVER, "server;tls", 23);
    (void)unused;
    said(&facts, lines, 1);
    hint_says(&facts, "cert=FILE;key=FILE");
    hint_says(&facts, "plugin_writable");
    hint_says(&facts, "--no-plugin-sandbox");
}

static void a_plugin_without_datagrams_is_for_tcp(void **unused)
{
    static const char *const lines[] = {"it carries no datagrams, and SS_PLUGIN_MODE is udp_only"};
    struct ssp__diagnose_facts facts = exited("tls-wrap", SSP_CLIENT, NULL, SSP_EXIT_CONFIG);
    (void)unused;
    facts.mode = SSP_UDP_ONLY;
    said(&facts, lines, 1);
    hint_says(&facts, "plugin_mode to tcp_only");
    facts.mode = SSP_TCP_ONLY;
    hint_says(&facts, "configuration error");
    facts.kind = SSP_HINT_NOT_LISTENING;
    facts.mode = SSP_TCP_AND_UDP;
    assert_null(ssp__diagnose(&facts, text, sizeof text));
    facts.listens_tcp = true;
    hint_says(&facts, "plugin_mode to tcp_only");
}

/* A word that the last lines have lost, the telling one may still have. */
static void the_telling_line_is_searched_too(void **unused)
{
    struct ssp__diagnose_facts facts = exited("p", SSP_SERVER, NULL, 2);
    (void)unused;
    facts.telling = "panic: listen tcp 0.0.0.0:8388: bind: address already in use";
    hint_says(&facts, "its port is 8388");
}

static void status_23_of_v2ray_is_a_configuration_error(void **unused)
{
    struct ssp__diagnose_facts facts = exited("xray-plugin", SSP_CLIENT, "tls", 23);
    (void)unused;
    hint_says(&facts, "status 23 of xray-plugin is a configuration error");
    facts = exited("other", SSP_CLIENT, "tls", 23);
    assert_null(ssp__diagnose(&facts, text, sizeof text));
}

static void an_address_in_use_is_recognised_in_the_output(void **unused)
{
    static const char *const lines[] = {"[simple-obfs] ERROR: bind: Address already in use",
                                        "[simple-obfs] ERROR: Could not bind"};
    struct ssp__diagnose_facts facts = exited("obfs-server", SSP_SERVER, "obfs=http", 255);
    (void)unused;
    said(&facts, lines, 2);
    hint_says(&facts, "its port is 8388");
}

static void whoever_has_the_port_is_named(void **unused)
{
    struct ssp__diagnose_facts facts = exited("obfs-server", SSP_SERVER, "obfs=http", 255);
    (void)unused;
    facts.kind = SSP_HINT_NOT_LISTENING;
    facts.foreign = "nginx (pid 812)";
    hint_says(&facts, "port 8388 is taken by nginx (pid 812)");
}

static void a_low_port_needs_a_capability(void **unused)
{
    static const char *const lines[] = {"listen tcp 0.0.0.0:443: bind: permission denied"};
    struct ssp__diagnose_facts facts = exited("v2ray-plugin", SSP_SERVER, "server", 255);
    (void)unused;
    facts.port = 443;
    said(&facts, lines, 1);
    hint_says(&facts, "port 443 needs CAP_NET_BIND_SERVICE");
    facts = exited("obfs-server", SSP_SERVER, "obfs=tls", SSP_EXIT_NOPERM);
    facts.port = 80;
    hint_says(&facts, "port 80 needs CAP_NET_BIND_SERVICE");
}

static void a_file_that_is_closed_is_not_taken_for_a_low_port(void **unused)
{
    static const char *const lines[] = {"open /root/key.pem: permission denied", "exiting"};
    struct ssp__diagnose_facts facts = exited("v2ray-plugin", SSP_SERVER, "server;tls", 1);
    (void)unused;
    facts.port = 443;
    said(&facts, lines, 2);
    hint_says(&facts, "the plugin cannot open a file");
}

static void options_that_do_not_parse_are_shown_with_the_byte(void **unused)
{
    struct ssp__diagnose_facts facts = exited("any", SSP_CLIENT, "obfs=http;path=/a\\", 1);
    (void)unused;
    hint_says(&facts, "plugin_opts, byte 18: a lone \"\\\" at the end");
    facts.options = "obfs=http;=a.com";
    hint_says(&facts, "plugin_opts, byte 11: a key is missing before \"=\"");
    facts.options = "a\\=b;c=d=e;;f\\;";
    assert_null(ssp__diagnose(&facts, text, sizeof text));
}

static void obfs_needs_to_be_told_what_to_look_like(void **unused)
{
    static const char *const options[] = {NULL, "obfs-host=a.com", "obfs", "obfs=ftp"};
    (void)unused;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        struct ssp__diagnose_facts facts = exited("/usr/bin/obfs-local", SSP_CLIENT, options[i], 1);
        hint_says(&facts, "obfs-local need obfs=http or obfs=tls");
    }
    struct ssp__diagnose_facts good = exited("obfs-local", SSP_CLIENT, "obfs=tls", 1);
    assert_null(ssp__diagnose(&good, text, sizeof text));
}

static struct ssp__diagnose_facts signalled(const char *plugin, int signo)
{
    struct ssp__diagnose_facts facts = exited(plugin, SSP_SERVER, "obfs=tls", signo);
    facts.kind = SSP_HINT_SIGNAL;
    return facts;
}

static void a_crash_of_obfs_server_is_an_old_acquaintance(void **unused)
{
    struct ssp__diagnose_facts facts = signalled("obfs-server", SIGSEGV);
    (void)unused;
    hint_says(&facts, "Shadowplug's obfs-server takes the same options");
    facts = signalled("other", SIGSEGV);
    assert_null(ssp__diagnose(&facts, text, sizeof text));
}

static void signals_that_mean_something_are_explained(void **unused)
{
    struct ssp__diagnose_facts facts = signalled("other", SIGSYS);
    (void)unused;
    hint_says(&facts, "plugin_sandbox");
    facts = signalled("other", SIGILL);
    hint_says(&facts, "processor");
    facts = signalled("other", SIGKILL);
    hint_says(&facts, "memory");
    facts = signalled("other", SIGTERM);
    assert_null(ssp__diagnose(&facts, text, sizeof text));
}

static void statuses_of_the_contract_are_explained(void **unused)
{
    static const struct {
        int status;
        const char *phrase;
    } rows[] = {
        {SSP_EXIT_USAGE, "status 64 means a wrong command line"},
        {SSP_EXIT_NOPERM, "status 77 means a lack of permission"},
        {SSP_EXIT_CONFIG, "status 78 means a configuration error"},
        {127, "does not find its command"},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ssp__diagnose_facts facts = exited("other", SSP_CLIENT, NULL, rows[i].status);
        hint_says(&facts, rows[i].phrase);
    }
}

static void where_nothing_is_known_nothing_is_said(void **unused)
{
    struct ssp__diagnose_facts facts = exited("other", SSP_CLIENT, "a=b", 1);
    (void)unused;
    assert_null(ssp__diagnose(&facts, text, sizeof text));
    facts.kind = SSP_HINT_NOT_LISTENING;
    assert_null(ssp__diagnose(&facts, text, sizeof text));
}

static void a_short_buffer_is_not_overrun(void **unused)
{
    char little[8];
    struct ssp__diagnose_facts facts = exited("v2ray-plugin", SSP_SERVER, NULL, 1);
    (void)unused;
    assert_string_equal(ssp__diagnose(&facts, little, sizeof little), "add ser");
}

/* ---- plugins that exec refused ---- */

static char dir[SCRATCH_PATH];

static int make(void **unused)
{
    (void)unused;
    scratch_make(dir, "/tmp");
    return 0;
}

static int remove_all(void **unused)
{
    (void)unused;
    scratch_remove(dir);
    return 0;
}

static int execute(const void *path)
{
    (void)execl(path, path, (char *)NULL);
    return errno;
}

/* The hint is asked about the kernel's word on the file. */
static void exec_fails_and_hint_says(const char *path, int error, const char *phrase)
{
    assert_int_equal(in_child(execute, path), error);
    struct ssp__diagnose_facts facts = {
        .kind = SSP_HINT_EXEC, .status = error, .plugin = "plugin", .path = path};
    hint_says(&facts, phrase);
}

static void a_script_without_its_interpreter(void **unused)
{
    (void)unused;
    exec_fails_and_hint_says(scratch_text(dir, "p", 0755, "#!/no/such/python3 -u\n"), ENOENT,
                             "needs the interpreter /no/such/python3");
}

static void a_script_with_the_line_ends_of_windows(void **unused)
{
    (void)unused;
    exec_fails_and_hint_says(scratch_text(dir, "p", 0755, "#!/bin/sh\r\nexit\r\n"), ENOENT,
                             "ends with a carriage return");
}

static void a_script_without_a_first_line(void **unused)
{
    (void)unused;
    exec_fails_and_hint_says(scratch_text(dir, "p", 0755, "exec kcptun\n"), ENOEXEC,
                             "its first line must be #!/bin/sh");
}

static void an_archive(void **unused)
{
    (void)unused;
    exec_fails_and_hint_says(scratch_text(dir, "p", 0755, "\x1f\x8b\x08"), ENOEXEC,
                             "is a gzip archive, not a program");
}

static void an_empty_file(void **unused)
{
    (void)unused;
    exec_fails_and_hint_says(scratch_text(dir, "p", 0755, ""), ENOEXEC, "is empty");
}

static void a_file_that_is_not_executable(void **unused)
{
    (void)unused;
    exec_fails_and_hint_says(scratch_text(dir, "p", 0644, "#!/bin/sh\n"), EACCES,
                             "/p is not executable: chmod +x it");
}

static void a_file_that_is_not_there(void **unused)
{
    (void)unused;
    exec_fails_and_hint_says(scratch_path(dir, "absent"), ENOENT, "there is no file");
}

static void a_directory(void **unused)
{
    struct ssp__diagnose_facts facts = {.kind = SSP_HINT_EXEC, .status = EISDIR, .plugin = dir};
    (void)unused;
    hint_says(&facts, "is a directory: name the program in it");
}

static void a_disk_that_hangs(void **unused)
{
    struct ssp__diagnose_facts facts = {.kind = SSP_HINT_EXEC, .status = ETIMEDOUT, .plugin = dir};
    (void)unused;
    hint_says(&facts, "in time: look at its disk");
}

/* A program that has a loader, as one of this test that is linked statically has not, changed. */
static const char *changed(size_t at, const void *bytes, size_t n)
{
    size_t cap = 64U << 20, len;
    uint8_t *copy = malloc(cap);
    FILE *program = fopen("/bin/true", "re");
    assert_non_null(copy);
    assert_non_null(program);
    len = fread(copy, 1, cap, program);
    (void)fclose(program);
    if (at == 0) { /* the name of the loader, wherever it is */
        uint8_t *loader = memmem(copy, len, "/lib", 4);
        assert_non_null(loader);
        at = (size_t)(loader - copy);
    }
    memcpy(copy + at, bytes, n);
    const char *path = scratch_file(dir, "p", 0755, copy, len);
    free(copy);
    return path;
}

static void a_program_for_another_machine(void **unused)
{
    uint16_t s390 = EM_S390;
    (void)unused;
    exec_fails_and_hint_says(changed(offsetof(Elf64_Ehdr, e_machine), &s390, sizeof s390), ENOEXEC,
                             "is a program for s390x");
    assert_non_null(strstr(text, "and this machine is "));
}

static void a_program_without_its_loader(void **unused)
{
    (void)unused;
    exec_fails_and_hint_says(changed(0, "/bil", 4), ENOENT, "needs the loader /bil");
}

static int bound_and_execute(const void *path)
{
    (void)prctl(PR_CAPBSET_DROP, CAP_NET_ADMIN, 0, 0, 0);
    return execute(path);
}

/* As setcap leaves it: version 2, effective. */
static void a_file_with_capabilities_that_it_is_not_given(void **unused)
{
    struct vfs_cap_data caps = {.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE};
    (void)unused;
    caps.data[0].permitted = 1U << CAP_NET_ADMIN;
    const char *path = changed(EI_ABIVERSION, "", 1);
    if (geteuid() != 0 || setxattr(path, "security.capability", &caps, sizeof caps, 0) == -1)
        skip();
    assert_int_equal(in_child(bound_and_execute, path), EPERM);
    struct ssp__diagnose_facts facts = {
        .kind = SSP_HINT_EXEC, .status = EPERM, .plugin = "plugin", .path = path};
    hint_says(&facts, "carries capabilities that the plugin is not given");
}

#define ON_FILES(name) cmocka_unit_test_setup_teardown(name, make, remove_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v2ray_on_a_server_needs_the_word_server),
        cmocka_unit_test(v2ray_with_the_right_role_gets_no_hint_about_it),
        cmocka_unit_test(v2ray_on_a_client_must_not_have_the_word_server),
        cmocka_unit_test(the_role_of_v2ray_explains_its_address_in_use),
        cmocka_unit_test(a_missing_library_is_no_script_without_its_command),
        cmocka_unit_test(a_library_path_that_is_not_passed_on_is_named),
        cmocka_unit_test(the_plugin_of_the_other_end_is_named),
        cmocka_unit_test(a_closed_file_has_three_remedies),
        cmocka_unit_test(a_plugin_without_datagrams_is_for_tcp),
        cmocka_unit_test(the_telling_line_is_searched_too),
        cmocka_unit_test(status_23_of_v2ray_is_a_configuration_error),
        cmocka_unit_test(an_address_in_use_is_recognised_in_the_output),
        cmocka_unit_test(whoever_has_the_port_is_named),
        cmocka_unit_test(a_low_port_needs_a_capability),
        cmocka_unit_test(a_file_that_is_closed_is_not_taken_for_a_low_port),
        cmocka_unit_test(options_that_do_not_parse_are_shown_with_the_byte),
        cmocka_unit_test(obfs_needs_to_be_told_what_to_look_like),
        cmocka_unit_test(a_crash_of_obfs_server_is_an_old_acquaintance),
        cmocka_unit_test(signals_that_mean_something_are_explained),
        cmocka_unit_test(statuses_of_the_contract_are_explained),
        cmocka_unit_test(where_nothing_is_known_nothing_is_said),
        cmocka_unit_test(a_short_buffer_is_not_overrun),
        ON_FILES(a_script_without_its_interpreter),
        ON_FILES(a_script_with_the_line_ends_of_windows),
        ON_FILES(a_script_without_a_first_line),
        ON_FILES(an_archive),
        ON_FILES(an_empty_file),
        ON_FILES(a_file_that_is_not_executable),
        ON_FILES(a_file_that_is_not_there),
        ON_FILES(a_directory),
        ON_FILES(a_disk_that_hangs),
        ON_FILES(a_program_for_another_machine),
        ON_FILES(a_program_without_its_loader),
        ON_FILES(a_file_with_capabilities_that_it_is_not_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
