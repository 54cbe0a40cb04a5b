/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vectors2022.h - requests to 192.0.2.1:80 with VECTOR_2022_PAYLOAD as shadowsocks-rust 1.25.0
 * wrote them.  Keys count up from 0; that of a server with users counts up from 100.
 */
#ifndef VECTORS_2022_H
#define VECTORS_2022_H

#include <stdbool.h>
#include <stdint.h>

#define VECTOR_2022_PAYLOAD "hello from a client"

static const struct vector_2022 {
    const char *method;
    bool user;
    int64_t stamp;
    const char *stream;
} vectors_2022[] = {
    {"2022-blake3-aes-128-gcm", false, 1796028386,
     "ae6d01ee81ed941179c45b9ebed58b8190ad5e02cafa918010959220f562b1794d9b4c9eecb4c6ac46604ee8"
     "499888d8ce41fb51582f2e334e4d65e8a295b20f426e06acb664008dcf2fcc711f2d84a6bc606554cf7871"},
    {"2022-blake3-aes-128-gcm", true, 1796028388,
     "c2391f69b8096dd8d91e2c80fd832d3e602ee428a735f041722c5acc27f7d5ed7bdcf2ae5d5ebbfc708c83ca"
     "6078bcf1141142d8ab80fd452502480e8738da672a975e3e2eb55d4bce4daaebf1c866aa7b91d6ededf6b45e"
     "c548004413e515b7138014d810ae1c"},
    {"2022-blake3-aes-256-gcm", false, 1796028389,
     "c8c006a000d9f5922198966bf4cdc74ea642c924b7ff05bd971226851ab17301bc4d1b1bb2e6064d95d55b1b"
     "109b3e7d7ef24357c1f37b619275d0279af39b447cf003b5d9a3fd21eef368f33e164748f483ac8591aabd91"
     "4999d4bdeb36155f8a7b46b97089d9"},
    {"2022-blake3-aes-256-gcm", true, 1796028390,
     "bd3676d7d13bf263c9bc3b1fad7b66d94ebd6dbbab192aae99ce49053919cf30bc723ea9502d4d92a9d4712a"
     "bc0d77d08b0348415ae4757ca3c3b3fc54243f6cb35975fe65e8d608d38588b0001cbd8c5abc3b194e3375f7"
     "d0043d910349eb2d73d0457961310c1d6f1c5d90dc25a428294ebd935bc4dc"},
    {"2022-blake3-chacha20-poly1305", false, 1796028392,
     "9d59635ccf9277847dd07365840ad0b9c388eb1a03355fc9c38d6b715ff869d3f82e8d210da54f5091999380"
     "91bc4c870b57492fa49caf3917f82121fbd2b844185ff1fb8198055fe894db584ba81c575e9f570b5a4892a4"
     "7910213014a6c12d66bc0bfb7f2d7a"},
};

#endif
