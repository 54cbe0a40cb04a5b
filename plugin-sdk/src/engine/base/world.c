/* SPDX-License-Identifier: Apache-2.0 */
/* world.c - the kernel's randomness and clock. */
#include <ssplugin/drive.h>
#include <ssplugin/log.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

/* Kernels before 3.17, and filters that do not know the call. */
static ssize_t random_from_device(void *bytes, size_t n)
{
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC), error;
    if (fd == -1)
        return -1;
    ssize_t got = read(fd, bytes, n);
    error = errno;
    (void)close(fd);
    errno = error;
    return got;
}

/* A key without randomness would be worse than the end of the process. */
static void kernel_random(void *arg, void *bytes, size_t n)
{
    (void)arg;
    for (size_t done = 0; done < n;) {
        uint8_t *to = (uint8_t *)bytes + done;
        ssize_t got = getrandom(to, n - done, 0);
        if (got == -1 && errno != EINTR)
            got = random_from_device(to, n - done);
        if (got > 0) {
            done += (size_t)got;
        } else if (got == 0 || errno != EINTR) {
            ssp_error("no random bytes: %s: allow getrandom() or /dev/urandom", strerror(errno));
            _exit(EX_OSERR);
        }
    }
}

static int64_t wall_clock(void *arg)
{
    (void)arg;
    return (int64_t)time(NULL);
}

const ssp_world *ssp_world_real(void)
{
    static const ssp_world world = {kernel_random, wall_clock, NULL};
    return &world;
}
