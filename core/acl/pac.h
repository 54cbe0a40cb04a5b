/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pac.h - an access list of a client as JavaScript, for a file of proxy configuration (PAC).
 */
#ifndef SS_ACL_PAC_H
#define SS_ACL_PAC_H

#include "acl/acl.h"

/* Browsers refuse files of more than 1 MiB; the rest is for what is around the list. */
enum { SS_PAC_MAX = 1000 * 1000 };

/*
 * Writes the function direct(host), whose host is in lower case, without brackets and without the
 * dot at its end.  It is true only where ss_acl_name() says AROUND, and looks nothing up: a name
 * whose addresses or whose expressions decide is left to the proxy, and so are IPv6 addresses.
 *
 * Returns a text, to be freed, with its length; NULL when memory is out.  *whole is false when the
 * names are left to the proxy, because they do not fit.
 */
char *ss_acl_pac(const struct ss_acl *acl, size_t *len, bool *whole);

#endif
