/* SPDX-License-Identifier: Apache-2.0 */
/* check_host.c - the subcommand: its command line, and the probes that its hosts are given. */
#include "check/probe.h"
#include "choice.h"
#include "host/find.h"
#include "host/process/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct request {
    const char *role;
    struct choice choice;
};

static const struct tool_option option_table[] = {
    {"role", "client|server", "of the host; a client where its command has {local}"},
    CHOICE_OPTIONS,
    {NULL, NULL, NULL},
};

static const struct tool_usage usage = {
    .command = "check-host",
    .arguments = "[options] -- COMMAND",
    .about = "Runs the checks of the SIP003 contract against a host: any program that runs "
             "plugins. It is the "
             "plugin of the host, its user and its server, and looks at what the host does to the "
             "plugin.\n"
             "COMMAND runs the host in the foreground, with these in the place of values: {plugin} "
             "the path "
             "of the plugin, {options} its options, {host} and {port} the server's address or "
             "{address} for "
             "both, and, of a client, {local} the port of its users.\n"
             "Exit status: 0 every MUST passed, 1 one failed, 2 cannot run, 64 wrong usage.",
    .options = option_table,
    .examples = "  ss-plugin check-host -- ss-local -s {host} -p {port} -l {local} -k test \\\n"
                "      -m aes-256-gcm --plugin {plugin} --plugin-opts {options}\n"
                "  ss-plugin check-host -- ss-server -s {host} -p {port} -k test \\\n"
                "      -m aes-256-gcm --plugin {plugin} --plugin-opts {options}\n"
                "  ss-plugin check-host -- sslocal -s {address} -b 127.0.0.1:{local} -k test \\\n"
                "      -m aes-256-gcm --plugin {plugin} --plugin-opts {options}\n"
                "  ss-plugin check-host -- ssserver -s {address} -k test -m aes-256-gcm \\\n"
                "      --plugin {plugin} --plugin-opts {options}\n"};

/* ---- the command line ---- */

static enum ssp__next take(void *arg, const char *name, const char *value)
{
    struct request *w = arg;
    if (strcmp(name, "role") != 0)
        return choice_take(&w->choice, &usage, name, value);
    if (strcmp(value, "client") != 0 && strcmp(value, "server") != 0)
        return tool_refuse(&usage, "--role %s: it is client or server", value);
    w->role = value;
    return SSP_GO_ON;
}

static bool has_hole(char *const *words, const char *hole)
{
    for (; *words != NULL; words++) {
        if (strstr(*words, hole) != NULL)
            return true;
    }
    return false;
}

/* Without these the host cannot be led to the plugin, and the harness not to the host. */
static enum ssp__next has_holes(const struct request *w, char *const *words)
{
    const char *const both[] = {"{plugin}",
                                w->choice.suite.host.role == SSP_CLIENT ? "{local}" : NULL};
    for (size_t i = 0; i < sizeof both / sizeof *both; i++) {
        if (both[i] != NULL && !has_hole(words, both[i]))
            return tool_refuse(&usage, "the command has no %s: see the examples", both[i]);
    }
    if (!has_hole(words, "{port}") && !has_hole(words, "{address}"))
        return tool_refuse(&usage,
                           "the command has neither {port} nor {address}: see the examples");
    return SSP_GO_ON;
}

static enum ssp__next read_request(struct request *w, struct tool_line *line)
{
    *w = (struct request){.role = NULL};
    choice_init(&w->choice);
    w->choice.suite.of_host = true;
    if (tool_read(&usage, line, take, w) == SSP_EXIT_WITH)
        return SSP_EXIT_WITH;
    line->status = TOOL_USAGE;
    line->argv[line->argc] = NULL;
    if (w->choice.list)
        return SSP_GO_ON;
    if (line->argc < 2)
        return tool_refuse(&usage, "a command of a host is missing");
    char **words = line->argv + 1;
    bool client = w->role != NULL ? strcmp(w->role, "client") == 0 : has_hole(words, "{local}");
    w->choice.suite.host.role = client ? SSP_CLIENT : SSP_SERVER;
    if (!suite_any(&w->choice.suite))
        return tool_refuse(&usage, "no check is left: see --list");
    return has_holes(w, words);
}

/* ---- the probes ---- */

static int copy(const char *from, const char *to)
{
    char bytes[65536];
    ssize_t n = -1;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
    while (in != -1 && out != -1 && (n = read(in, bytes, sizeof bytes)) > 0) {
        if (write(out, bytes, (size_t)n) != n) {
            n = -1;
            break;
        }
    }
    int error = errno;
    if (n == 0 && fchmod(out, 0755) == -1)
        n = -1;
    if (in != -1)
        (void)close(in);
    if (out != -1)
        (void)close(out);
    errno = error;
    return n == 0 ? 0 : -1;
}

static void probe_path(char *path, const char *folder, struct probe_name name)
{
    char file[64];
    (void)snprintf(path, PATH_MAX, "%s/%s", folder, probe_file(name, file, sizeof file));
}

/* One program under the names of all probes of the role.  A file of its own, and no symbolic link:
 * hosts resolve those. */
static int make_probes(const char *folder, ssp_role role)
{
    char first[PATH_MAX], other[PATH_MAX];
    probe_path(first, folder, (struct probe_name){role, PROBE_SOUND});
    if (chmod(folder, 0755) == -1 || copy("/proc/self/exe", first) == -1)
        return -1;
    for (int kind = PROBE_SOUND + 1; kind < PROBE_KINDS; kind++) {
        probe_path(other, folder, (struct probe_name){role, (enum probe_kind)kind});
        if (link(first, other) == -1)
            return -1;
    }
    return 0;
}

/* Where its hosts and their plugins leave files: a host that is killed cannot remove its own. */
static int make_temporary(const char *folder)
{
    char path[PATH_MAX + sizeof "/tmp"];
    (void)snprintf(path, sizeof path, "%s/tmp", folder);
    return mkdir(path, 0700) == -1 || chmod(path, 01777) == -1 ? -1 : setenv("TMPDIR", path, 1);
}

static int run_with_probes(struct request *w)
{
    const char *tmp = getenv("TMPDIR");
    char folder[PATH_MAX];
    struct host *host = &w->choice.suite.host;
    (void)snprintf(folder, sizeof folder, "%s/ss-plugin-XXXXXX",
                   tmp != NULL && tmp[0] == '/' ? tmp : "/tmp");
    if (mkdtemp(folder) == NULL) {
        (void)tool_fail("check-host", "make %s: %s: set TMPDIR to a directory for programs", folder,
                        strerror(errno));
        return SUITE_CANNOT_RUN;
    }
    int rc = SUITE_CANNOT_RUN;
    host->folder = folder;
    if (make_probes(folder, host->role) == 0 && make_temporary(folder) == 0)
        rc = choice_run(&w->choice);
    else
        (void)tool_fail("check-host", "write a plugin into %s: %s: set TMPDIR to another directory",
                        folder, strerror(errno));
    ssp__temporary_remove(folder);
    host->folder = NULL;
    return rc;
}

int check_host_main(int argc, char **argv)
{
    struct request w;
    char path[PATH_MAX];
    struct tool_line line = {argc, argv, TOOL_OK};
    if (read_request(&w, &line) == SSP_EXIT_WITH)
        return line.status;
    if (w.choice.list)
        return choice_list(&w.choice);
    if (ssp__find_plugin(line.argv[1], NULL, path, sizeof path) == -1) {
        (void)tool_fail("check-host", "%s: %s", line.argv[1], strerror(errno));
        return SUITE_CANNOT_RUN;
    }
    w.choice.suite.host.path = path;
    w.choice.suite.host.words = (const char *const *)(line.argv + 2);
    return run_with_probes(&w);
}
