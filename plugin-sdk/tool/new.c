/* SPDX-License-Identifier: Apache-2.0 */
/* new.c - ss-plugin new: a plugin project that builds, tests and passes check at once. */
#include "base/json.h"
#include "command.h"
#include "template.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_BYTES = 40, FILE_MODE = 0644, PROGRAM_MODE = 0755 };

static const struct tool_option options[] = {
    {"template", "upgrade|handshake|framing", "what to begin with (upgrade)"},
    {"dir", "DIRECTORY", "what to create (./NAME)"},
    {"json", NULL, "print JSON"},
    {NULL, NULL, NULL},
};

static const struct tool_usage usage = {
    "new",
    "[options] NAME",
    "Writes a plugin project: one C file with a small codec for both ends, tests by the law kit "
    "and\n"
    "by ss-plugin check, a fuzz target, and a script for CI. NAME is lower case letters, digits\n"
    "and \"-\", and begins with a letter. A directory that exists is not touched. The templates "
    "are\n"
    "a codec that looks like an HTTP upgrade, one whose ends prove that they know a key before\n"
    "bytes pass, and one that puts all bytes into records with padding.",
    options,
    "  ss-plugin new my-disguise && cd my-disguise\n"
    "  ss-plugin new --template handshake my-lock && cd my-lock\n"
    "  cmake -S . -B build && cmake --build build && ctest --test-dir build\n",
};

/* The name that stands in the templates. */
static const char template_name[] = "my-plugin";

/* The first one is taken without --template.  The source of each is in a folder of its name. */
static const struct kind {
    const char *name, *about;
    const char *options; /* for both ends of the tests and of the README */
} kinds[] = {
    {"upgrade", "looks like an HTTP upgrade", "path=/secret"},
    {"handshake", "makes both ends prove that they know a key", "key=a-secret"},
    {"framing", "puts all bytes into records with padding", "mark=a-word"},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

/* Files whose names a build or a package would not take as they are. */
static const struct place_of {
    const char *name, *place;
    mode_t mode;
} places[] = {
    {"gitignore", ".gitignore", FILE_MODE},
    {"ci-run", ".ci/run", PROGRAM_MODE},
};

struct project {
    const char *directory; /* from --dir; NULL: the name */
    const char *name;
    char identifier[NAME_BYTES + 1];
    const struct kind *kind;
    bool json;
};

static const struct kind *kind_of(const char *name)
{
    for (size_t i = 0; i < KINDS; i++) {
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    }
    return NULL;
}

static enum ssp__next take(void *arg, const char *name, const char *value)
{
    struct project *p = arg;
    if (strcmp(name, "dir") == 0)
        p->directory = value;
    else if (strcmp(name, "template") == 0)
        p->kind = kind_of(value);
    else
        p->json = true;
    if (p->kind != NULL)
        return SSP_GO_ON;
    return tool_refuse(&usage, "--template %.40s: expected upgrade, handshake or framing", value);
}

/* CMake has targets of these names, or the project itself does. */
static bool is_reserved(const char *name)
{
    static const char *const reserved[] = {"all",     "clean",      "codec",   "depend",
                                           "fuzz",    "help",       "install", "laws",
                                           "package", "preinstall", "test",    NULL};
    for (const char *const *r = reserved; *r != NULL; r++) {
        if (strcmp(*r, name) == 0)
            return true;
    }
    return false;
}

/* Returns an exit status, as the rest. */
static int validate(struct project *p)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    size_t n = strlen(p->name);
    if (n == 0 || n > NAME_BYTES || strchr(letters, p->name[0]) == NULL ||
        strspn(p->name, "abcdefghijklmnopqrstuvwxyz0123456789-") != n)
        return tool_wrong(&usage,
                          "name \"%.40s\": expected lower case letters, digits and \"-\", a letter "
                          "first, at most %d",
                          p->name, NAME_BYTES);
    if (is_reserved(p->name))
        return tool_wrong(&usage, "name %s: reserved by CMake, choose another", p->name);
    (void)snprintf(p->identifier, sizeof p->identifier, "%s", p->name);
    for (char *c = strchr(p->identifier, '-'); c != NULL; c = strchr(c, '-'))
        *c = '_';
    return TOOL_OK;
}

/* ---- writing ---- */

/* Text with the words of the project in place of the template's. */
static void write_text(FILE *out, const struct project *p, const char *text, size_t n)
{
    const struct {
        const char *word, *of_project;
    } words[] = {
        {template_name, p->name},
        {"my_plugin", p->identifier},
        {"my-options", p->kind->options},
        {"my-about", p->kind->about},
    };
    for (size_t i = 0; i < n;) {
        size_t at = 0, length = 0;
        while (at < sizeof words / sizeof *words) {
            length = strlen(words[at].word);
            if (n - i >= length && memcmp(text + i, words[at].word, length) == 0)
                break;
            at++;
        }
        if (at < sizeof words / sizeof *words) {
            (void)fputs(words[at].of_project, out);
            i += length;
        } else {
            (void)fputc(text[i++], out);
        }
    }
}

/* The name of a template without the folder of its kind; NULL: it is of another kind. */
static const char *name_in(const struct project *p, const struct template_file *f)
{
    for (size_t i = 0; i < KINDS; i++) {
        size_t n = strlen(kinds[i].name);
        if (strncmp(f->name, kinds[i].name, n) == 0 && f->name[n] == '/')
            return &kinds[i] == p->kind ? f->name + n + 1 : NULL;
    }
    return f->name;
}

/* Where a template goes below the directory, and with which mode. */
static mode_t place(const struct project *p, const char *template, char path[PATH_MAX])
{
    mode_t mode = FILE_MODE;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (strcmp(places[i].name, template) == 0) {
            template = places[i].place;
            mode = places[i].mode;
        }
    }
    bool named = strncmp(template, template_name, sizeof template_name - 1) == 0;
    (void)snprintf(path, PATH_MAX, "%s/%s%s", p->directory, named ? p->name : "",
                   named ? template + sizeof template_name - 1 : template);
    return mode;
}

static int make_parent(char path[PATH_MAX])
{
    char *slash = strrchr(path, '/');
    *slash = '\0';
    int rc = mkdir(path, PROGRAM_MODE) == 0 || errno == EEXIST ? 0 : -1;
    *slash = '/';
    return rc;
}

static int write_file(const struct project *p, const struct template_file *f)
{
    const char *name = name_in(p, f);
    if (name == NULL)
        return TOOL_OK;
    char path[PATH_MAX];
    mode_t mode = place(p, name, path);
    int fd = -1;
    if (make_parent(path) == 0)
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    FILE *out = fd != -1 ? fdopen(fd, "w") : NULL;
    bool ok = out != NULL;
    if (ok) {
        write_text(out, p, f->text, f->size);
        ok = ferror(out) == 0;
        ok = fclose(out) == 0 && ok;
    }
    return ok ? TOOL_OK : tool_fail("new", "write %s: %s", path, strerror(errno));
}

static int write_project(const struct project *p)
{
    if (strlen(p->directory) > PATH_MAX - 2 * NAME_BYTES)
        return tool_wrong(&usage, "--dir: the path is too long");
    if (mkdir(p->directory, PROGRAM_MODE) == -1)
        return tool_fail("new", "create %s: %s", p->directory,
                         errno == EEXIST ? "it exists already; choose another one"
                                         : strerror(errno));
    int status = TOOL_OK;
    for (const struct template_file *f = template_files; f->name != NULL && status == TOOL_OK; f++)
        status = write_file(p, f);
    return status;
}

/* ---- what was done ---- */

static void print_json(const struct project *p)
{
    struct ssp__json out = {.out = stdout, .pretty = true};
    char path[PATH_MAX];
    ssp__json_object(&out, NULL);
    ssp__json_text(&out, "name", p->name);
    ssp__json_text(&out, "directory", p->directory);
    ssp__json_text(&out, "template", p->kind->name);
    ssp__json_array(&out, "files");
    for (const struct template_file *f = template_files; f->name != NULL; f++) {
        if (name_in(p, f) == NULL)
            continue;
        (void)place(p, name_in(p, f), path);
        ssp__json_text(&out, NULL, path + strlen(p->directory) + 1);
    }
    ssp__json_close(&out, ']');
    ssp__json_close(&out, '}');
}

static void print_lines(const struct project *p)
{
    char path[PATH_MAX];
    for (const struct template_file *f = template_files; f->name != NULL; f++) {
        if (name_in(p, f) == NULL)
            continue;
        (void)place(p, name_in(p, f), path);
        puts(path);
    }
    printf("\nnext:\n  cd ");
    tool_quote(p->directory);
    puts("\n  cmake -S . -B build && cmake --build build && ctest --test-dir build");
}

int new_main(int argc, char **argv)
{
    struct project p = {.kind = &kinds[0]};
    struct tool_line line = {argc, argv, TOOL_OK};
    if (tool_read(&usage, &line, take, &p) == SSP_EXIT_WITH)
        return line.status;
    if (line.argc != 2)
        return tool_wrong(&usage, line.argc == 1 ? "which name?" : "one name is expected");
    p.name = argv[1];
    if (p.directory == NULL)
        p.directory = p.name;
    int status = validate(&p);
    if (status == TOOL_OK)
        status = write_project(&p);
    if (status != TOOL_OK)
        return status;
    if (p.json)
        print_json(&p);
    else
        print_lines(&p);
    return TOOL_OK;
}
