/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trip.h - one connection of the application through a testbed: it sends a token and expects an
 * answer.
 */
#ifndef SSP_TOOL_TRIP_H
#define SSP_TOOL_TRIP_H

#include "check/testbed.h"

enum { TOKEN = 32, CONNS_MAX = 64 };

/* One connection of the application, and all that comes out behind meanwhile. */
struct trip {
    struct testbed *testbed;
    uint8_t token[TOKEN], answer[TOKEN];
    size_t sent, heard;
    int fd;
    struct trip_conn {
        int fd;
        size_t heard;
    } conn[CONNS_MAX];
    unsigned conns, came_out;
    uint8_t *flight;
    size_t flight_len, flight_cap;
    int64_t last_us; /* when the last byte came out */
    bool arrived;    /* the token, or in a flight anything */
    const char *ended;
};

/* fd is the connection of the application, owned from now on; -1 with errno: it could not dial.
 * Fields flight and flight_cap may then be set: received bytes are kept, and not answered. */
void trip_begin(struct trip *t, struct testbed *s, int fd);

/* Until the answer is there, or the flight has been quiet for a moment, or the time is over. */
void trip_run(struct trip *t, unsigned ms);

void trip_end(struct trip *t);

#endif
