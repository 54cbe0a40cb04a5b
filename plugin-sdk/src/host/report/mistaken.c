/* SPDX-License-Identifier: Apache-2.0 */
#include "host/report/mistaken.h"

#include "host/find.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define LENGTH(list) (sizeof(list) / sizeof *(list))

enum { NAME_SHOWN = 100 };

/* The names of pairs of programs; release files carry more behind them, such as a platform. */
static const struct pair {
    const char *client, *server;
} pairs[] = {
    {"obfs-local", "obfs-server"},    {"ck-client", "ck-server"},
    {"gq-client", "gq-server"},       {"qtun-client", "qtun-server"},
    {"yamux-local", "yamux-server"},  {"kcptun-client", "kcptun-server"},
    {"dnstt-client", "dnstt-server"}, {"slipstream-client", "slipstream-server"},
};

bool ssp__mistaken_end(const struct ssp__diagnose_facts *facts, const char *name, char *text,
                       size_t cap)
{
    bool server = facts->role == SSP_SERVER;
    for (size_t i = 0; i < LENGTH(pairs); i++) {
        const char *wrong = server ? pairs[i].client : pairs[i].server;
        const char *right = server ? pairs[i].server : pairs[i].client;
        if (strncmp(name, wrong, strlen(wrong)) != 0)
            continue;
        (void)snprintf(text, cap, "%s is the plugin of the %s: this is the %s, which needs %s",
                       wrong, server ? "client" : "server", server ? "server" : "client", right);
        return true;
    }
    return false;
}

/* Programs that read no SS_* variables, and the plugin that runs them. */
static const struct bare {
    const char *name, *wrapper, *options;
} bare[] = {
    {"obfs4proxy", "pt-wrap", "transport=obfs4"},
    {"lyrebird", "pt-wrap", "transport=obfs4;exec=lyrebird"},
    {"snowflake-client", "pt-wrap", "transport=snowflake"},
    {"snowflake-server", "pt-wrap", "transport=snowflake;exec=snowflake-server"},
    {"meek-client", "pt-wrap", "transport=meek;exec=meek-client"},
    {"meek-server", "pt-wrap", "transport=meek;exec=meek-server"},
    {"webtunnel-client", "pt-wrap", "transport=webtunnel;exec=webtunnel-client"},
    {"webtunnel-server", "pt-wrap", "transport=webtunnel;exec=webtunnel-server"},
    {"kcptun-client", "exec-wrap", "cmd=kcptun-client -l %L -r %R ..."},
    {"kcptun-server", "exec-wrap", "cmd=kcptun-server -l %R -t %L ...;ready=udp"},
    {"dnstt-client", "exec-wrap", "cmd=dnstt-client -doh URL -pubkey KEY DOMAIN %L"},
    {"dnstt-server", "exec-wrap", "cmd=dnstt-server -udp %R -privkey KEY DOMAIN %L;ready=udp"},
    {"slipstream-client", "exec-wrap",
     "cmd=slipstream-client --tcp-listen-port %lp --resolver RESOLVER --domain DOMAIN"},
    {"slipstream-server", "exec-wrap",
     "cmd=slipstream-server --dns-listen-port %rp --target-address %L --domain DOMAIN ...;"
     "ready=udp"},
    {"chisel", "exec-wrap", "cmd=chisel ..."},
    {"wstunnel", "exec-wrap", "cmd=wstunnel ..."},
    {"udp2raw", "exec-wrap", "cmd=udp2raw ..."},
    {"socat", "exec-wrap", "cmd=socat ..."},
    {"stunnel", "exec-wrap", "cmd=stunnel ..."},
    {"stunnel4", "exec-wrap", "cmd=stunnel4 ..."},
};

bool ssp__mistaken_program(const char *name, char *text, size_t cap)
{
    for (size_t i = 0; i < LENGTH(bare); i++) {
        if (strcmp(name, bare[i].name) != 0)
            continue;
        (void)snprintf(text, cap,
                       "%s does not know SIP003: set plugin to %s, and plugin_opts to \"%s\"", name,
                       bare[i].wrapper, bare[i].options);
        return true;
    }
    return false;
}

/* Where options begin behind the name of a program; a path may contain blanks. */
static size_t options_at(const char *plugin)
{
    char program[PATH_MAX], found[PATH_MAX];
    size_t n = strcspn(plugin, ";");
    const char *blank = memchr(plugin, ' ', n);
    if (blank == NULL || blank == plugin || (size_t)(blank - plugin) >= sizeof program)
        return plugin[n] != '\0' ? n : 0;
    (void)snprintf(program, sizeof program, "%.*s", (int)(blank - plugin), plugin);
    bool is_option = blank[1 + strspn(blank + 1, " ")] == '-';
    if (is_option || ssp__find_plugin(program, NULL, found, sizeof found) == 0)
        return (size_t)(blank - plugin);
    return plugin[n] != '\0' ? n : 0;
}

size_t ssp__mistaken_options(const char *plugin)
{
    size_t n = options_at(plugin);
    return n > 0 ? n : strlen(plugin);
}

static bool has_options(const char *plugin, char *text, size_t cap)
{
    size_t n = ssp__mistaken_options(plugin);
    if (plugin[n] == '\0')
        return false;
    (void)snprintf(text, cap,
                   "plugin contains options: set plugin to %.*s, and plugin_opts to what "
                   "follows it, as key=value;key=value",
                   (int)(n < NAME_SHOWN ? n : NAME_SHOWN), plugin);
    return true;
}

static const struct alias {
    const char *name, *advice;
} aliases[] = {
    {"v2ray-plugin", "Debian's package shadowsocks-v2ray-plugin calls it ss-v2ray-plugin"},
    {"simple-obfs", "its programs are obfs-local for a client and obfs-server for a server"},
    {"obfs", "its programs are obfs-local for a client and obfs-server for a server"},
    {"cloak", "its programs are ck-client and ck-server"},
    {"goquiet", "its programs are gq-client and gq-server"},
    {"kcptun", "its programs are kcptun-client and kcptun-server, and exec-wrap runs them"},
    {"dnstt", "its programs are dnstt-client and dnstt-server, and exec-wrap runs them"},
    {"slipstream",
     "its programs are slipstream-client and slipstream-server, and exec-wrap runs them"},
    {"shadow-tls", "its SIP003 program is called shadow-tls-sip003"},
    {"obfs4", "obfs4proxy has it, and pt-wrap runs that"},
    {"snowflake", "snowflake-client has it, and pt-wrap runs that"},
};

bool ssp__mistaken_name(const char *plugin, char *text, size_t cap)
{
    const char *slash = strrchr(plugin, '/'), *name = slash != NULL ? slash + 1 : plugin;
    if (has_options(plugin, text, cap))
        return true;
    for (size_t i = 0; i < LENGTH(aliases); i++) {
        if (strcasecmp(name, aliases[i].name) != 0)
            continue;
        (void)snprintf(text, cap, "there is no file %s: %s", name, aliases[i].advice);
        return true;
    }
    return false;
}
