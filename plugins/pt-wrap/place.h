/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place.h - a numeric address and a port, as the transport protocol writes them.
 */
#ifndef PT_WRAP_PLACE_H
#define PT_WRAP_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PT_IP_MAX = 46, PT_PLACE_MAX = PT_IP_MAX + 2 + 6 };

struct pt_place {
    char ip[PT_IP_MAX]; /* without brackets */
    uint16_t port;
};

/* The address in network order: its length, 4 or 16, or 0 for a name. */
size_t pt_ip_bytes(const char *ip, uint8_t bytes[16]);

/* ip:port or [ip]:port.  Returns 0, or -1 for anything else. */
int pt_place_parse(struct pt_place *place, const char *text);

/* The reverse, with brackets for IPv6. */
void pt_place_format(char out[PT_PLACE_MAX], const struct pt_place *place);

#endif
