/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/fields.h"

#include "base/guess.h"

#include <limits.h>
#include <string.h>

/* The longest timeout, in milliseconds, is still an int. */
enum {
    TIMEOUT_MAX = INT_MAX / 1000,
    HANDSHAKE_MAX = 3600,
    KEEP_ALIVE_MAX = 32767, /* of the kernel */
    USER_TIMEOUT_MAX = 24 * 3600,
    SECONDS_MAX_MS = 3600000,
    MTU_MAX = 65535,
    DRAIN_MAX = 7 * 24 * 3600,
    ASSOCIATIONS_MAX = 65536
};

#define AT(member) offsetof(struct ss_conf, member)

/* Keys of the file come first, in the order of --dump-config.  Each of the first 64 rows has a bit
 * in ss_conf::given and ss_conf::refused. */
const struct ss_field ss_fields[] = {
    {"server", SS_KIND_SERVERS, SS_FOR_ALL, 0, 0},
    {"server_port", SS_KIND_PORT, SS_FOR_ALL | SS_OF_PLACE, AT(server_port), 0},
    {"local_address", SS_KIND_TEXT, SS_FOR_ALL | SS_OF_PLACE, AT(local_address), 0},
    {"local_ipv4_address", SS_KIND_IPV4, SS_FOR_SERVER | SS_OF_DIAL, AT(local_ipv4_address), 0},
    {"local_ipv6_address", SS_KIND_IPV6, SS_FOR_SERVER | SS_OF_DIAL, AT(local_ipv6_address), 0},
    {"local_port", SS_KIND_PORT, SS_FOR_CLIENTS | SS_OF_PLACE, AT(local_port), 0},
    {"password", SS_KIND_TEXT, SS_FOR_ALL | SS_SECRET | SS_EMPTY | SS_OF_KEY, AT(password), 0},
    {"key", SS_KIND_TEXT, SS_FOR_ALL | SS_SECRET | SS_OF_KEY, AT(key), 0},
    {"password_file", SS_KIND_TEXT, SS_FOR_ALL, AT(password_file), 0},
    {"users", SS_KIND_USERS, SS_FOR_SERVER, 0, 0},
    {"limit_bytes", SS_KIND_AMOUNT, SS_FOR_SERVER | SS_OF_LIMIT, AT(allowance.bytes), 0},
    {"limit_rate", SS_KIND_AMOUNT, SS_FOR_SERVER | SS_OF_LIMIT, AT(allowance.rate), 0},
    {"tunnel_address", SS_KIND_TARGET, SS_FOR_TUNNEL, AT(tunnel_address), 0},
    {"method", SS_KIND_METHOD, SS_FOR_ALL | SS_OF_KEY, AT(method), 0},
    {"timeout", SS_KIND_NUMBER, SS_FOR_ALL, AT(timeout_s), TIMEOUT_MAX},
    {"handshake_timeout", SS_KIND_NUMBER, SS_FOR_SERVER | SS_OF_PLUGIN, AT(handshake_timeout_s),
     HANDSHAKE_MAX},
    {"handshakes_per_ip", SS_KIND_NUMBER, SS_FOR_LOCAL | SS_FOR_SERVER, AT(handshakes_per_ip),
     INT_MAX},
    {"keep_alive", SS_KIND_NUMBER, SS_FOR_ALL | SS_ZERO | SS_OF_SOCKET | SS_OF_DIAL,
     AT(keep_alive_s), KEEP_ALIVE_MAX},
    {"tcp_user_timeout", SS_KIND_NUMBER, SS_FOR_ALL | SS_ZERO | SS_OF_SOCKET | SS_OF_DIAL,
     AT(tcp_user_timeout_s), USER_TIMEOUT_MAX},
    {"mode", SS_KIND_MODE, SS_FOR_ALL | SS_ZERO | SS_OF_SOCKET | SS_OF_PLUGIN, AT(mode), 0},
    {"fast_open", SS_KIND_SWITCH, SS_FOR_ALL | SS_OF_SOCKET | SS_OF_DIAL, AT(fast_open), 0},
    {"reuse_port", SS_KIND_SWITCH, SS_FOR_ALL | SS_OF_SOCKET, AT(reuse_port), 0},
    {"mptcp", SS_KIND_SWITCH, SS_FOR_ALL | SS_OF_SOCKET | SS_OF_DIAL, AT(mptcp), 0},
    {"ipv6_first", SS_KIND_SWITCH, SS_FOR_ALL | SS_ZERO | SS_AT_START, AT(ipv6_first), 0},
    {"no_delay", SS_KIND_SWITCH, SS_FOR_ALL, AT(no_delay), 0},
    {"use_syslog", SS_KIND_SWITCH, SS_FOR_ALL | SS_AT_START, AT(use_syslog), 0},
    {"core_dumps", SS_KIND_SWITCH, SS_FOR_ALL | SS_AT_START, AT(core_dumps), 0},
    {"nofile", SS_KIND_NUMBER, SS_FOR_ALL | SS_AT_START, AT(nofile), INT_MAX},
    {"workers", SS_KIND_NUMBER, SS_FOR_SERVICES | SS_ZERO | SS_AT_START, AT(workers),
     SS_WORKERS_MAX},
    {"mtu", SS_KIND_NUMBER, SS_FOR_ALL | SS_OF_SOCKET | SS_OF_DIAL, AT(mtu), MTU_MAX},
    {"tcp_incoming_sndbuf", SS_KIND_NUMBER, SS_FOR_ALL | SS_OF_SOCKET, AT(tcp_incoming_sndbuf),
     INT_MAX},
    {"tcp_incoming_rcvbuf", SS_KIND_NUMBER, SS_FOR_ALL | SS_OF_SOCKET, AT(tcp_incoming_rcvbuf),
     INT_MAX},
    {"tcp_outgoing_sndbuf", SS_KIND_NUMBER, SS_FOR_ALL | SS_OF_DIAL, AT(tcp_outgoing_sndbuf),
     INT_MAX},
    {"tcp_outgoing_rcvbuf", SS_KIND_NUMBER, SS_FOR_ALL | SS_OF_DIAL, AT(tcp_outgoing_rcvbuf),
     INT_MAX},
    {"user", SS_KIND_TEXT, SS_FOR_ALL | SS_AT_START | SS_OF_PLUGIN, AT(user), 0},
    {"nameserver", SS_KIND_NAMESERVERS, SS_FOR_SERVER | SS_AT_START, AT(nameserver), 0},
    {"outbound", SS_KIND_OUTBOUND, SS_FOR_SERVER | SS_ZERO, AT(outbound), 0},
    {"acl", SS_KIND_TEXT, SS_FOR_ALL, AT(acl), 0},
    {"manager_address", SS_KIND_TEXT, SS_FOR_SERVER, AT(manager_address), 0},
    {"plugin", SS_KIND_TEXT, SS_FOR_ALL | SS_OF_PLUGIN, AT(plugin), 0},
    {"plugin_opts", SS_KIND_OPTIONS, SS_FOR_ALL | SS_SECRET | SS_OF_PLUGIN, AT(plugin_opts), 0},
    {"plugin_dir", SS_KIND_PATH, SS_FOR_ALL | SS_OF_PLUGIN, AT(plugin_dir), 0},
    {"plugin_user", SS_KIND_TEXT, SS_FOR_ALL | SS_OF_PLUGIN, AT(plugin_user), 0},
    {"plugin_restart", SS_KIND_RESTART, SS_FOR_ALL | SS_ZERO | SS_OF_PLUGIN, AT(plugin_restart), 0},
    {"plugin_ready", SS_KIND_SECONDS, SS_FOR_ALL | SS_OF_PLUGIN, AT(plugin_ready_ms),
     SECONDS_MAX_MS},
    {"plugin_grace", SS_KIND_SECONDS, SS_FOR_ALL | SS_ZERO | SS_OF_PLUGIN, AT(plugin_grace_ms),
     SECONDS_MAX_MS},
    {"plugin_mode", SS_KIND_PLUGIN_MODE, SS_FOR_ALL | SS_ZERO | SS_OF_PLUGIN, AT(plugin_mode), 0},
    {"plugin_udp", SS_KIND_UDP, SS_FOR_ALL | SS_ZERO | SS_OF_PLUGIN, AT(plugin_udp_off), 0},
    {"plugin_sandbox", SS_KIND_SWITCH, SS_FOR_ALL | SS_ZERO | SS_OF_PLUGIN, AT(plugin_sandbox), 0},
    {"plugin_writable", SS_KIND_PATH, SS_FOR_ALL | SS_OF_PLUGIN, AT(plugin_writable), 0},
    {"udp_timeout", SS_KIND_NUMBER, SS_FOR_ALL, AT(udp_timeout_s), TIMEOUT_MAX},
    {"udp_max_associations", SS_KIND_NUMBER, SS_FOR_ALL, AT(udp_associations), ASSOCIATIONS_MAX},
    {"ipv6_only", SS_KIND_SWITCH, SS_FOR_ALL | SS_OF_SOCKET, AT(ipv6_only), 0},
    {"outbound_fwmark", SS_KIND_NUMBER, SS_FOR_ALL | SS_AT_START, AT(fwmark), INT_MAX},
    {"outbound_bind_interface", SS_KIND_TEXT, SS_FOR_ALL | SS_OF_DIAL, AT(interface), 0},
    {"outbound_bind_addr", SS_KIND_OUTGOING, SS_FOR_ALL, 0, 0},
    {"servers", SS_KIND_ENTRIES, SS_FOR_ALL, 0, 0},
    {"shadowsocks", SS_KIND_ENTRIES, SS_FOR_ALL, 0, 0},
    {"locals", SS_KIND_LOCALS, SS_FOR_CLIENTS, 0, 0},
    {"online_config", SS_KIND_ONLINE, SS_FOR_CLIENTS, 0, 0},
    {"pages_exposed", SS_KIND_SWITCH, SS_FOR_LOCAL, AT(pages_exposed), 0},
    {"local_users", SS_KIND_ACCOUNTS, SS_FOR_LOCAL, 0, 0},
    {"plugin_ports", SS_KIND_TEXT, SS_FOR_ALL | SS_OF_PLUGIN, AT(plugin_ports), 0},
    {"plugin_exposed", SS_KIND_SWITCH, SS_FOR_CLIENTS | SS_OF_PLUGIN, AT(plugin_exposed), 0},
    {"port_password", SS_KIND_PORTS, SS_FOR_ALL, 0, 0},
    {"workdir", SS_KIND_TEXT, SS_FOR_MANAGER, AT(workdir), 0},
    {"manager_key", SS_KIND_TEXT, SS_FOR_MANAGER | SS_SECRET, AT(manager_key), 0},
    {"executable", SS_KIND_TEXT, SS_FOR_MANAGER, AT(executable), 0},
    {"metrics", SS_KIND_HERE, SS_FOR_ALL | SS_AT_START, AT(metrics), 0},
    {"control", SS_KIND_SOCKET, SS_FOR_SERVICES | SS_AT_START, AT(control), 0},
    {"drain", SS_KIND_NUMBER, SS_FOR_SERVICES, AT(drain_s), DRAIN_MAX},
    {"state_dir", SS_KIND_PATH, SS_FOR_SERVER | SS_AT_START, AT(state_dir), 0},
    {"store", SS_KIND_TEXT, SS_FOR_ONE_SERVER | SS_SECRET | SS_AT_START, AT(store), 0},
    {"proxy_protocol", SS_KIND_SWITCH, SS_FOR_SERVER, AT(proxy_protocol), 0},
    {"proxy_protocol_from", SS_KIND_NETWORKS, SS_FOR_SERVER, AT(proxy_protocol_from), 0},
    {"access_log", SS_KIND_TEXT, SS_FOR_SERVICES | SS_AT_START, AT(access_log), 0},
    {"access_log_json", SS_KIND_SWITCH, SS_FOR_SERVICES | SS_AT_START, AT(access_log_json), 0},
    {"access_log_clients", SS_KIND_TEXT, SS_FOR_SERVICES | SS_AT_START, AT(access_log_clients), 0},
    {"access_log_targets", SS_KIND_TEXT, SS_FOR_SERVICES | SS_AT_START, AT(access_log_targets), 0},
    {"tcp_tproxy", SS_KIND_SWITCH, SS_FOR_REDIR | SS_OF_SOCKET, AT(tcp_tproxy), 0},
    {"auth", SS_KIND_OTA, SS_FOR_ALL, 0, 0},

    {"pid_file", SS_KIND_TEXT, SS_FOR_ALL | SS_ARGV_ONLY | SS_AT_START, AT(pid_file), 0},
    {"print_plugin_env", SS_KIND_SWITCH, SS_FOR_ALL | SS_ARGV_ONLY, AT(print_plugin_env), 0},
    {"acl_test", SS_KIND_TEXT, SS_FOR_SERVICES | SS_ARGV_ONLY, AT(acl_test), 0},
    {"verbose", SS_KIND_SWITCH, SS_FOR_ALL | SS_ARGV_ONLY | SS_AT_START, AT(verbose), 0},
    {"check", SS_KIND_SWITCH, SS_FOR_ALL | SS_ARGV_ONLY, AT(check), 0},
    {"dump_config", SS_KIND_SWITCH, SS_FOR_ALL | SS_ARGV_ONLY, AT(dump_config), 0},
    {"status", SS_KIND_SWITCH, SS_FOR_ALL | SS_ARGV_ONLY, AT(status), 0},
    {"json", SS_KIND_SWITCH, SS_FOR_ALL | SS_ARGV_ONLY, AT(json), 0},
    {"take_over", SS_KIND_SWITCH, SS_FOR_SERVICES | SS_ARGV_ONLY, AT(take_over), 0},
    {"reload", SS_KIND_SWITCH, SS_FOR_SERVICES | SS_ARGV_ONLY, AT(reload), 0},
    {"export_url", SS_KIND_SWITCH, SS_FOR_ALL | SS_ARGV_ONLY, AT(export_url), 0},
    {"export_qr", SS_KIND_TEXT, SS_FOR_ALL | SS_ARGV_ONLY, AT(export_qr), 0},

    {"dscp", SS_KIND_ELSEWHERE, SS_FOR_ALL, 0, 0},

    {"balancer", SS_KIND_FOREIGN, SS_FOR_ALL, 0, 0},
    {"inbound_udp_allow_fragmentation", SS_KIND_FOREIGN, SS_FOR_ALL, 0, 0},
    {"id", SS_KIND_ELSEWHERE, SS_FOR_ALL, 0, 0},
    {"remarks", SS_KIND_ELSEWHERE, SS_FOR_ALL, 0, 0},
    {"launchd_tcp_socket_name", SS_KIND_FOREIGN, SS_FOR_ALL, 0, 0},
    {"launchd_udp_socket_name", SS_KIND_FOREIGN, SS_FOR_ALL, 0, 0},
    {"dns", SS_KIND_FOREIGN, SS_FOR_ALL, 0, 0},
    {"dns_cache_size", SS_KIND_FOREIGN, SS_FOR_ALL, 0, 0},
    {"log", SS_KIND_FOREIGN, SS_FOR_ALL, 0, 0},
    {"manager_port", SS_KIND_FOREIGN, SS_FOR_ALL, 0, 0},
    {"outbound_proxy", SS_KIND_FOREIGN, SS_FOR_ALL, 0, 0},
    {"outbound_udp_allow_fragmentation", SS_KIND_FOREIGN, SS_FOR_ALL, 0, 0},
    {"outbound_user_cookie", SS_KIND_FOREIGN, SS_FOR_ALL, 0, 0},
    {"plugin_args", SS_KIND_FOREIGN, SS_FOR_ALL, 0, 0},
    {"protocol", SS_KIND_FOREIGN, SS_FOR_ALL, 0, 0},
    {"runtime", SS_KIND_FOREIGN, SS_FOR_ALL, 0, 0},
    {"security", SS_KIND_FOREIGN, SS_FOR_ALL, 0, 0},
    {"udp_mtu", SS_KIND_FOREIGN, SS_FOR_ALL, 0, 0},
    {"version", SS_KIND_FOREIGN, SS_FOR_ALL, 0, 0},
    {0},
};

/* Spellings that users of other programs try. */
static const struct {
    const char *alias, *name;
} aliases[] = {
    {"address", "server"},
    {"cipher", "method"},
    {"data_limit", "limit_bytes"},
    {"encrypt_method", "method"},
    {"encryption", "method"},
    {"listen", "server"},
    {"passwd", "password"},
    {"plugin_options", "plugin_opts"},
    {"port", "server_port"},
    {"server_host", "server"},
    {"security_type", "method"},
    {"speed_limit", "limit_rate"},
    {"speed_limit_per_user", "limit_rate"},
    {"transfer_enable", "limit_bytes"},
};

const struct ss_field *ss_field_find(const char *name)
{
    for (const struct ss_field *field = ss_fields; field->name != NULL; field++) {
        if (strcmp(field->name, name) == 0)
            return field;
    }
    return NULL;
}

const struct ss_field *ss_field_suggest(const char *name)
{
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
        if (ssp__distance(name, aliases[i].alias) == 0)
            return ss_field_find(aliases[i].name);
    }
    const struct ss_field *best = NULL;
    struct ssp__guess guess;
    ssp__guess_begin(&guess, name);
    for (const struct ss_field *field = ss_fields; field->name != NULL; field++) {
        bool key = (field->flags & SS_ARGV_ONLY) == 0 && field->kind < SS_KIND_OTA;
        if (key && ssp__guess_offer(&guess, field->name))
            best = field;
    }
    return best;
}

void *ss_field_member(struct ss_conf *conf, const struct ss_field *field)
{
    return (char *)conf + field->offset;
}

char *const *ss_field_text(const struct ss_conf *conf, const struct ss_field *field)
{
    return (char *const *)((const char *)conf + field->offset);
}

bool ss_field_holds_text(const struct ss_field *field)
{
    return field->kind == SS_KIND_TEXT || field->kind == SS_KIND_PATH ||
           field->kind == SS_KIND_SOCKET || field->kind == SS_KIND_OPTIONS ||
           field->kind == SS_KIND_METHOD || field->kind == SS_KIND_TARGET ||
           field->kind == SS_KIND_HERE || field->kind == SS_KIND_IPV4 ||
           field->kind == SS_KIND_IPV6 || field->kind == SS_KIND_NAMESERVERS ||
           field->kind == SS_KIND_NETWORKS;
}

bool ss_field_outgoing(const struct ss_field *field)
{
    return field->kind == SS_KIND_IPV4 || field->kind == SS_KIND_IPV6 ||
           field->offset == offsetof(struct ss_conf, local_address);
}

/* A bit for each of the first rows. */
static uint64_t place(const struct ss_field *field)
{
    return field - ss_fields < 64 ? UINT64_C(1) << (field - ss_fields) : 0;
}

uint64_t ss_field_bit(const struct ss_field *field)
{
    return (field->flags & SS_ZERO) != 0 ? place(field) : 0;
}

void ss_field_note_refused(struct ss_conf *conf, const struct ss_field *field)
{
    conf->refused |= place(field);
}

bool ss_field_refused(const struct ss_conf *conf, const char *name)
{
    const struct ss_field *field = ss_field_find(name);
    return field != NULL && (conf->refused & place(field)) != 0;
}

bool ss_field_given(const struct ss_conf *conf, const char *name)
{
    const struct ss_field *field = ss_field_find(name);
    return field != NULL && (conf->given & ss_field_bit(field)) != 0;
}
