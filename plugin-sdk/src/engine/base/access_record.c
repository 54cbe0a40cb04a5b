/* SPDX-License-Identifier: Apache-2.0 */
#include "base/access_record.h"

#include "base/io.h"

void ssp__conn_user(ssp_conn *conn, const char *name)
{
    conn->user = name;
}
