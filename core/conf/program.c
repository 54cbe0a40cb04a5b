/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/program.h"

const struct ss_program_row ss_programs[SS_PROGRAMS] = {
    [SS_LOCAL] =
        {
            .name = "ss-local",
            .role = SSP_CLIENT,
            .summary = "a SOCKS proxy that uses a Shadowsocks server",
            .examples =
                "  ss-local -s 192.0.2.1 -p 443 -l 1080 -k password -m aes-256-gcm \\\n"
                "           --plugin obfs-local --plugin-opts \"obfs=tls;obfs-host=example.com\"\n"
                "  ss-local -c config.json\n"
                "  ss-local -c config.json --metrics 9150\n"
                "  ss-local ss://YWVzLTI1Ni1nY206c2VjcmV0@192.0.2.1:443\n",
        },
    [SS_SERVER] =
        {
            .name = "ss-server",
            .role = SSP_SERVER,
            .summary = "a Shadowsocks server",
            .examples = "  ss-server -s 0.0.0.0 -p 443 -k password -m aes-256-gcm \\\n"
                        "            --plugin obfs-server --plugin-opts \"obfs=tls\"\n"
                        "  ss-server -c config.json\n"
                        "  ss-server -c config.json --metrics 9150 --outbound all\n",
        },
    [SS_TUNNEL] =
        {
            .name = "ss-tunnel",
            .role = SSP_CLIENT,
            .summary =
                "a port of this machine that leads to one target behind a Shadowsocks server",
            .examples = "  ss-tunnel -s 192.0.2.1 -p 443 -l 5353 -k password -m aes-256-gcm -u \\\n"
                        "            -L 198.51.100.53:53\n"
                        "  ss-tunnel -c config.json -L intranet.example.com:80\n",
        },
    [SS_REDIR] =
        {
            .name = "ss-redir",
            .role = SSP_CLIENT,
            .summary = "a transparent proxy that uses a Shadowsocks server",
            .examples = "  ss-redir -s 192.0.2.1 -p 443 -b 0.0.0.0 -l 1081 -k password "
                        "-m aes-256-gcm -u\n"
                        "  ss-redir -c config.json -T\n"
                        "  ss-nftables up -l 1081 -u -s 192.0.2.1\n",
        },
    [SS_MANAGER] =
        {
            .name = "ss-manager",
            .role = SSP_SERVER,
            .summary = "Shadowsocks servers that are added and removed while others go on",
            .examples = "  ss-manager --manager-address /run/ss-manager.sock -m aes-256-gcm -u\n"
                        "  ss-manager --manager-address 127.0.0.1:6001 -c ports.json\n"
                        "  printf 'add: "
                        "{\"server_port\":8388,\"password\":\"secret\",\"limit_rate\":\"2M\"}' |\n"
                        "    socat - UNIX-SENDTO:/run/ss-manager.sock,bind=/run/me.sock\n",
        },
};
