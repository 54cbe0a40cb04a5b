/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/options.h"

/* clang-format off */
#define GROUP(title) {0, NULL, NULL, SS_FOR_ALL, SS_ACT_IGNORE, NULL, NULL, title}
#define VALUE(letter, name, argument, programs, field, help) \
    {letter, name, argument, programs, SS_ACT_SET, field, NULL, help}
#define CONSTANT(letter, name, programs, field, constant, help) \
    {letter, name, NULL, programs, SS_ACT_SET, field, constant, help}
#define SWITCH(letter, name, programs, field, help) \
    CONSTANT(letter, name, programs, field, "true", help)
#define ACT(letter, name, argument, programs, act, help) \
    {letter, name, argument, programs, act, NULL, NULL, help}

const struct ss_option ss_options[] = {
    GROUP("Connection"),
    VALUE('s', NULL, "host", SS_FOR_CLIENTS, "server",
          "server to use: host, host:port or [ipv6]:port;\nup to 10 times"),
    VALUE('s', NULL, "host", SS_FOR_SERVER, "server",
          "address to listen on (0.0.0.0); up to 10 times"),
    VALUE('p', NULL, "port", SS_FOR_CLIENTS, "server_port", "port of the server"),
    VALUE('p', NULL, "port", SS_FOR_SERVER, "server_port", "port to listen on"),
    VALUE('b', NULL, "address", SS_FOR_CLIENTS, "local_address",
          "address to listen on (127.0.0.1)"),
    VALUE('l', NULL, "port", SS_FOR_CLIENTS, "local_port", "port to listen on"),
    ACT('l', NULL, "port", SS_FOR_SERVER, SS_ACT_IGNORE, NULL),
    VALUE('L', NULL, "target", SS_FOR_TUNNEL, "tunnel_address",
          "where the tunnel ends: host:port or\n[ipv6]:port; the server looks up a name"),
    VALUE('k', "password", "password", SS_FOR_ALL, "password", "password of the server"),
    VALUE(0, "key", "base64", SS_FOR_ALL, "key", "key itself, URL-safe base64, instead of -k"),
    VALUE('m', NULL, "method", SS_FOR_ALL, "method",
          "cipher, see below (chacha20-ietf-poly1305)"),
    VALUE('t', NULL, "sec", SS_FOR_ALL, "timeout", "timeout (60)"),
    VALUE(0, "handshake-timeout", "sec", SS_FOR_SERVER, "handshake_timeout",
          "life of a connection that has not\nauthenticated (derived from the key)"),
    CONSTANT('u', NULL, SS_FOR_ALL, "mode", "tcp_and_udp", "TCP and UDP"),
    CONSTANT('U', NULL, SS_FOR_ALL, "mode", "udp_only", "UDP only"),

    GROUP("Plugin"),
    VALUE(0, "plugin", "command", SS_FOR_ALL, "plugin", "SIP003 plugin to run"),
    VALUE(0, "plugin-opts", "options", SS_FOR_ALL, "plugin_opts",
          "its options, as key=value;key=value"),
    VALUE(0, "plugin-dir", "dir", SS_FOR_ALL, "plugin_dir",
          "look for the plugin in this directory first\n(absolute path)"),
    VALUE(0, "plugin-user", "user", SS_FOR_ALL, "plugin_user",
          "user of the plugin (default: of the program)"),
    VALUE(0, "plugin-restart", "policy", SS_FOR_ALL, "plugin_restart",
          "restart of a plugin that ends: never (default,\nthe program ends too) or on-failure"),
    VALUE(0, "plugin-ready", "sec", SS_FOR_ALL, "plugin_ready",
          "time within which the plugin must listen (10)"),
    VALUE(0, "plugin-grace", "sec", SS_FOR_ALL, "plugin_grace",
          "time between SIGTERM and SIGKILL (2)"),
    VALUE(0, "plugin-mode", "mode", SS_FOR_ALL, "plugin_mode",
          "part that the plugin carries: tcp_only\n(default), tcp_and_udp or udp_only"),
    VALUE(0, "plugin-udp", "what", SS_FOR_ALL, "plugin_udp",
          "UDP that the plugin does not carry: direct\n(default, without the plugin) or off"),
    CONSTANT(0, "no-plugin-sandbox", SS_FOR_ALL, "plugin_sandbox", "false",
             "run the plugin without Landlock and seccomp"),
    VALUE(0, "plugin-writable", "paths", SS_FOR_ALL, "plugin_writable",
          "paths that the sandboxed plugin may change\n(absolute, joined by \":\")"),
    SWITCH(0, "print-plugin-env", SS_FOR_ALL, "print_plugin_env",
           "print the environment of the plugin, then exit"),

    GROUP("Network"),
    VALUE('b', NULL, "address", SS_FOR_SERVER, "outgoing",
          "address that outgoing connections come from;\nonce for IPv4, once for IPv6"),
    VALUE('i', NULL, "interface", SS_FOR_ALL, "interface",
          "interface that outgoing connections use"),
    VALUE('d', NULL, "addresses", SS_FOR_SERVER, "nameserver",
          "name servers: IP addresses and commas"),
    SWITCH('6', NULL, SS_FOR_ALL, "ipv6_first", "prefer IPv6 addresses of a name"),
    VALUE(0, "acl", "file", SS_FOR_LOCAL | SS_FOR_SERVER, "acl", "access control list (not supported: refused)"),
    VALUE(0, "mtu", "bytes", SS_FOR_ALL, "mtu", "MTU of the network (of UDP: no effect)"),
    SWITCH(0, "mptcp", SS_FOR_ALL, "mptcp", "Multipath TCP"),
    SWITCH(0, "no-delay", SS_FOR_ALL, "no_delay", "TCP_NODELAY, which is always on"),
    SWITCH(0, "fast-open", SS_FOR_ALL, "fast_open", "TCP Fast Open"),
    SWITCH(0, "reuse-port", SS_FOR_ALL, "reuse_port", "SO_REUSEPORT"),
    VALUE(0, "tcp-incoming-sndbuf", "n", SS_FOR_ALL, "tcp_incoming_sndbuf",
          "send buffer, accepted connections"),
    VALUE(0, "tcp-incoming-rcvbuf", "n", SS_FOR_ALL, "tcp_incoming_rcvbuf",
          "receive buffer, accepted connections"),
    VALUE(0, "tcp-outgoing-sndbuf", "n", SS_FOR_ALL, "tcp_outgoing_sndbuf",
          "send buffer, outgoing connections"),
    VALUE(0, "tcp-outgoing-rcvbuf", "n", SS_FOR_ALL, "tcp_outgoing_rcvbuf",
          "receive buffer, outgoing connections"),

    GROUP("Process"),
    ACT('c', NULL, "file", SS_FOR_ALL, SS_ACT_FILE, "configuration file (JSON)"),
    VALUE('a', NULL, "user", SS_FOR_ALL, "user", "run as this user"),
    VALUE('f', NULL, "file", SS_FOR_ALL, "pid_file",
          "go to background, write the process id here,\nlog to syslog"),
    VALUE('n', NULL, "number", SS_FOR_ALL, "nofile", "limit of open files"),
    VALUE(0, "manager-address", "addr", SS_FOR_SERVER, "manager_address",
          "host:port or path to report traffic to\n(not supported: a warning)"),
    SWITCH('v', NULL, SS_FOR_ALL, "verbose", "log every connection"),
    ACT('h', "help", NULL, SS_FOR_ALL, SS_ACT_HELP, "print this help"),
    ACT(0, "version", NULL, SS_FOR_ALL, SS_ACT_VERSION, "print the version"),
    ACT('A', NULL, NULL, SS_FOR_ALL, SS_ACT_OTA, NULL),
    {0},
};
/* clang-format on */
