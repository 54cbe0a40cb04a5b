/* SPDX-License-Identifier: Apache-2.0 */
/* A build without hiredis has no store. */
#include "app/exchange.h"

bool ss_exchange_possible(void)
{
    return false;
}

void ss_exchange_run(struct ss_exchange *x, const atomic_bool *stop, unsigned limit_ms)
{
    (void)x;
    (void)stop;
    (void)limit_ms;
}

void ss_exchange_clear(struct ss_exchange *x)
{
    (void)x;
}

void ss_exchange_close(struct ss_exchange *x)
{
    ss_store_place_release(&x->place);
}
