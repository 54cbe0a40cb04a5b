/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { DESCRIPTORS_MAX = 65536 };

static void put_text(FILE *out, const char *text)
{
    (void)fputc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < ' ' || c == '"' || c == '\\' || c > '~')
            (void)fprintf(out, "\\u%04x", c);
        else
            (void)fputc(c, out);
    }
    (void)fputc('"', out);
}

static void put_list(FILE *out, const char *name, char *const *text)
{
    (void)fprintf(out, ",\n\"%s\":[", name);
    for (int i = 0; text[i] != NULL; i++) {
        (void)fputs(i > 0 ? "," : "", out);
        put_text(out, text[i]);
    }
    (void)fputs("]", out);
}

/* Uid, Gid, Groups, Cap*, NoNewPrivs, Seccomp, Sig*, Umask, limits, as the kernel writes them. */
static void put_file(FILE *out, const char *name, const char *path)
{
    char text[8192] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd != -1) {
        (void)!read(fd, text, sizeof text - 1);
        (void)close(fd);
    }
    (void)fprintf(out, ",\n\"%s\":", name);
    put_text(out, text);
}

static void put_descriptors(FILE *out)
{
    const char *comma = "";
    (void)fputs(",\n\"descriptors\":{", out);
    for (int fd = 0; fd < DESCRIPTORS_MAX; fd++) {
        char path[64], link[256] = "";
        if (fcntl(fd, F_GETFD) == -1)
            continue;
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        (void)!readlink(path, link, sizeof link - 1);
        (void)fprintf(out, "%s\"%d\":", comma, fd);
        put_text(out, link);
        comma = ",";
    }
    (void)fputs("}", out);
}

char *report(const char *touch, char *const *argv)
{
    char *text = NULL, cwd[1024] = "", byte = 0, copy;
    size_t len;
    struct iovec to = {&copy, 1}, from = {&byte, 1};
    FILE *out = open_memstream(&text, &len);
    if (out == NULL)
        return NULL;
    (void)fprintf(out, "{\"pid\":%d,\"ppid\":%d,\"pgid\":%d,\"sid\":%d", getpid(), getppid(),
                  getpgid(0), getsid(0));
    put_list(out, "argv", argv);
    put_list(out, "env", environ);
    put_descriptors(out);
    put_file(out, "status", "/proc/self/status");
    put_file(out, "limits", "/proc/self/limits");
    (void)!getcwd(cwd, sizeof cwd);
    (void)fputs(",\n\"cwd\":", out);
    put_text(out, cwd);
    /* The answer of a sandbox to a look into a process, and to a new file: an errno, 0 when
     * allowed. */
    errno = 0;
    (void)process_vm_readv(getpid(), &to, 1, &from, 1, 0);
    (void)fprintf(out, ",\n\"peek\":%d", errno);
    errno = 0;
    int fd = touch != NULL ? open(touch, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
    (void)fprintf(out, ",\"touch\":%d}\n", errno);
    (void)close(fd);
    (void)fclose(out);
    return text;
}
