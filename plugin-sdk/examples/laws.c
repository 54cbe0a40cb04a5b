/* SPDX-License-Identifier: Apache-2.0 */
/* laws - an example of an author's test: the codec of http-upgrade.c keeps every law. */
#include <ssplugin/testing.h>

extern const ssp_codec http_upgrade;

int main(void)
{
    return ssp_laws_main(&http_upgrade, "host=a.example;path=/p", "path=/p");
}
