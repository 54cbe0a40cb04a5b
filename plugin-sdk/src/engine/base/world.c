/* SPDX-License-Identifier: Apache-2.0 */
/* world.c - the kernel's randomness and clock. */
#include <ssplugin/drive.h>

#include <sys/random.h>
#include <time.h>

static void kernel_random(void *arg, void *bytes, size_t n)
{
    (void)arg;
    for (size_t done = 0; done < n;) {
        ssize_t got = getrandom((uint8_t *)bytes + done, n - done, 0);
        if (got > 0)
            done += (size_t)got;
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
