/* SPDX-License-Identifier: Apache-2.0 */
/* host-glib.c - host.c in the main loop of GLib:  host-glib PLUGIN HOST PORT [OPTIONS] */
#include <ssplugin/host.h>

#include <glib-unix.h>
#include <stdio.h>
#include <stdlib.h>

struct program {
    GMainLoop *main;
    ssp_loop *loop;
    ssp_host *host;
};

static void on_ready(void *arg)
{
    const struct program *p = arg;
    printf("ready on port %u\n", ssp_host_port(p->host));
}

static void on_death(void *arg, const char *why)
{
    const struct program *p = arg;
    printf("dead: %s\n", why);
    g_main_loop_quit(p->main);
}

/* The descriptor is readable while the loop has work: deadlines, deaths and lines of the plugin. */
static gboolean turn(gint fd, GIOCondition what, gpointer arg)
{
    const struct program *p = arg;
    (void)fd, (void)what;
    return ssp_loop_turn(p->loop, 0) == 0;
}

static gboolean stop(gpointer arg)
{
    g_main_loop_quit(arg);
    return G_SOURCE_CONTINUE;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return EXIT_FAILURE;
    struct program p = {.main = g_main_loop_new(NULL, FALSE), .loop = ssp_loop_new()};
    ssp_host_conf conf = {.size = sizeof conf,
                          .role = SSP_CLIENT,
                          .plugin = argv[1],
                          .options = argv[4],
                          .remote_host = argv[2],
                          .remote_port = (uint16_t)g_ascii_strtoull(argv[3], NULL, 10),
                          .local_host = "127.0.0.1", /* and a free port */
                          .ready_ms = 10000,
                          .grace_ms = 2000,
                          .arg = &p,
                          .on_ready = on_ready,
                          .on_down = on_death,
                          .on_death = on_death};
    char why[1024];
    setvbuf(stdout, NULL, _IOLBF, 0);
    guint work = g_unix_fd_add(ssp_loop_fd(p.loop), G_IO_IN, turn, &p);
    guint term = g_unix_signal_add(15, stop, p.main);
    p.host = ssp_host_start(p.loop, &conf, why, sizeof why);
    if (p.host != NULL)
        g_main_loop_run(p.main);
    else
        fprintf(stderr, "%s\n", why);
    ssp_host_stop(p.host);
    g_source_remove(work);
    g_source_remove(term);
    ssp_loop_free(p.loop);
    g_main_loop_unref(p.main);
    return p.host != NULL ? EXIT_SUCCESS : EXIT_FAILURE;
}
