/* SPDX-License-Identifier: Apache-2.0 */
/* builtin.c - the options that every plugin has. */
#include "options/settings.h"

/* Designators and initialisers take no parentheses. */
/* clang-format off */
/* NOLINTBEGIN(bugprone-macro-parentheses) */
#define BUILTIN(field_, name_, type_, dflt_, help_)                                                \
    {.name = name_, .type = type_, .offset = offsetof(struct ssp__builtin, field_),                \
     .dflt = dflt_, .help = help_}
#define BUILTIN_SERVER(field_, name_, type_, help_)                                                \
    {.name = name_, .type = type_, .offset = offsetof(struct ssp__builtin, field_),                \
     .help = help_, .flags = SSP_FOR_SERVER}
/* NOLINTEND(bugprone-macro-parentheses) */
/* clang-format on */

static const ssp_option builtin_options[] = {
    BUILTIN(fast_open, "fast-open", SSP_FLAG, NULL, "TCP Fast Open"),
    BUILTIN(mptcp, "mptcp", SSP_FLAG, NULL, "Multipath TCP"),
    BUILTIN(verbose, "v", SSP_FLAG, NULL, "log every connection"),
    BUILTIN(prefer_ipv6, "6", SSP_FLAG, NULL, "prefer IPv6 addresses"),
    BUILTIN(timeout_s, "t", SSP_INT, "600",
            "seconds without traffic that end a connection; 0: no limit"),
    BUILTIN(interface, "i", SSP_TEXT, NULL, "network interface for outgoing connections"),
    BUILTIN(interface, "iface", SSP_TEXT, NULL, "the same as i"),
    BUILTIN(user, "a", SSP_TEXT, NULL, "user to become once the port is open"),
    BUILTIN(bind, "b", SSP_TEXT, NULL, "local address of outgoing connections"),
    BUILTIN(fwmark, "fwmark", SSP_INT, NULL, "mark of outgoing packets, for policy routing"),
    BUILTIN_SERVER(
        fallback, "fallback", SSP_ADDRESS,
        "address for foreign connections, if the plugin has no option of its own for it"),
    BUILTIN(handshake_s, "handshake", SSP_INT, NULL,
            "limit for the handshake of a peer, in seconds (default 60; server: that of the host, "
            "or 30 to 90, the same after each start)"),
    BUILTIN_SERVER(handshakes_per_address, "handshakes-per-ip", SSP_INT,
                   "connections of one address in their handshake: the oldest ends for one more "
                   "(default: by the "
                   "limit of open files, 64 to 1024, and without a limit from this machine)"),
    BUILTIN_SERVER(introduces, "proxy-protocol", SSP_FLAG,
                   "a PROXY header (version 2) tells the program behind the client's address"),
    BUILTIN_SERVER(balancers, "proxy-protocol-from", SSP_TEXT,
                   "balancers whose connections begin with a PROXY header (version 1 or 2), as in "
                   "127.0.0.1,10.0.0.0/8; all others are refused"),
    BUILTIN(drain_s, "drain", SSP_INT, NULL, "time for live connections after SIGTERM, in seconds"),
    BUILTIN(control, "control", SSP_TEXT, NULL, "unix socket that serves the counters"),
    BUILTIN(udp, "udp", SSP_FLAG, NULL, "carry datagrams even if the host does not ask"),
    BUILTIN(strict, "strict", SSP_FLAG, NULL, "refuse unknown options"),
    BUILTIN(server, "server", SSP_FLAG, NULL, "run as the server side"),
    BUILTIN(client, "client", SSP_FLAG, NULL, "run as the client side"),
    BUILTIN(android_vpn, "__android_vpn", SSP_FLAG, NULL, NULL),
    SSP_OPTION_END,
};

const ssp_option *ssp__builtin_options(void)
{
    return builtin_options;
}
