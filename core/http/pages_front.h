/* SPDX-License-Identifier: Apache-2.0 */
/* pages_front.h - the front of a port that has pages and is no proxy: one request, one answer. */
#ifndef SS_HTTP_PAGES_FRONT_H
#define SS_HTTP_PAGES_FRONT_H

#include "base/front.h"

/* Its configuration is a struct ss_entrance. */
extern const struct ssp__front ss_pages_front;

#endif
