/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - pt-wrap: any pluggable transport of Tor becomes a SIP003 plugin. */
#include "pt-wrap/parts.h"
#include "pt-wrap/wrap.h"

#include "wrap/program.h"

#include <ssplugin/log.h>
#include <ssplugin/ssplugin.h>

#include <sched.h>

enum { WHY_MAX = 1024 };

static const char usage[] =
    "pt-wrap: runs a pluggable transport of Tor as a SIP003 plugin\n\n"
    "It takes the addresses and options of a SIP003 host from its environment:\n"
    "  SS_PLUGIN_OPTIONS='transport=obfs4;state=/var/lib/pt-wrap'\n\n"
    "  transport=NAME       such as obfs4\n"
    "  exec=COMMAND         the transport program and its arguments\n"
    "  state=DIRECTORY      directory for its keys; required for servers\n"
    "  bridge=LINE          client: a bridge line of Tor, for transport and arguments\n"
    "  proxy=URI            client: outgoing proxy, such as socks5://127.0.0.1:1080\n"
    "  socks-timeout=SECONDS  client: longest silence before the first byte (75)\n"
    "  ext-orport           server: get the address of each client, for the log (v)\n"
    "  proxy-protocol       server, with ext-orport: send it to the host\n"
    "  bind-v4=IP, bind-v6=IP  local addresses of outgoing connections\n"
    "  start=SECONDS        limit until the program is ready (30)\n"
    "  t=SECONDS            limit for idle connections (600)\n"
    "  v                    log every connection\n"
    "  server, client       the role, for hosts that do not set it\n"
    "  KEY=VALUE            every other key is an argument of the transport\n\n"
    "  --check, --version, --help\n";

static int run(const ssp_env *env, char *name, bool check)
{
    char why[WHY_MAX];
    struct pt_request request;
    int status = pt_wish_read(&request, env, name, why, sizeof why);
    if (status != SSP_EXIT_OK)
        ssp_error("%s", why);
    else if (!check)
        status = pt_wrap_run(&request);
    pt_wish_release(&request);
    return status;
}

/* A transport sends its bytes in small pieces.  To read each of them at once would interrupt the
 * transport, at the cost of two context switches; as a batch process pt-wrap reads all of them when
 * the transport pauses. */
static void yield_to_transport(void)
{
    const struct sched_param none = {.sched_priority = 0};
    (void)sched_setscheduler(0, SCHED_BATCH, &none);
}

/* Without SSP_PLUGIN_NOTE: the part that listens is another process, which a host's listening
 * socket would not reach. */
SSP_PLUGIN_NEEDS_PORTS

int main(int argc, char **argv)
{
    static const struct wrap_program program = {"pt-wrap", PT_WRAP_VERSION, usage, run};
    const ssp_codec *part = argc > 1 ? pt_part(argv[1]) : NULL;
    if (part == NULL)
        return wrap_main(argc, argv, &program);
    yield_to_transport();
    return ssp_main(argc - 1, argv + 1, part);
}
