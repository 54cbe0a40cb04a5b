/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/compare.h"

#include "conf/fields.h"

#include <sodium.h>
#include <string.h>

/* A value as it lies in a conf; a text with the zero behind it. */
struct value {
    const void *bytes;
    size_t n;
};

static struct value value_of(const struct ss_conf *conf, const struct ss_field *field)
{
    const void *at = (const char *)conf + field->offset;
    if (ss_field_holds_text(field)) {
        const char *text = *ss_field_text(conf, field);
        return (struct value){text, text != NULL ? strlen(text) + 1 : 0};
    }
    switch (field->kind) {
    case SS_KIND_PORT:
        return (struct value){at, sizeof(uint16_t)};
    case SS_KIND_NUMBER:
    case SS_KIND_SECONDS:
        return (struct value){at, sizeof(unsigned)};
    case SS_KIND_AMOUNT:
        return (struct value){at, sizeof(uint64_t)};
    case SS_KIND_SWITCH:
    case SS_KIND_RESTART:
    case SS_KIND_UDP:
        return (struct value){at, sizeof(bool)};
    case SS_KIND_MODE:
    case SS_KIND_PLUGIN_MODE:
        return (struct value){at, sizeof(ssp_mode)};
    case SS_KIND_OUTBOUND:
        return (struct value){at, sizeof(enum ss_outbound)};
    default:
        return (struct value){NULL, 0};
    }
}

static bool is_of(const struct ss_field *field, unsigned groups)
{
    unsigned own = field->flags & SS_GROUPS;
    return ((own != 0 ? own : SS_OF_SETTINGS) & groups) != 0;
}

const char *ss_conf_differs(const struct ss_conf *a, const struct ss_conf *b, unsigned groups)
{
    for (const struct ss_field *field = ss_fields; field->name != NULL; field++) {
        struct value of_a = value_of(a, field), of_b = value_of(b, field);
        if (is_of(field, groups) &&
            (of_a.n != of_b.n || (of_a.n > 0 && memcmp(of_a.bytes, of_b.bytes, of_a.n) != 0)))
            return field->name;
    }
    return NULL;
}

bool ss_endpoint_same(const struct ssp__endpoint *a, const struct ssp__endpoint *b)
{
    if (a->port != b->port || a->named != b->named)
        return false;
    return a->named ? strcmp(a->u.name, b->u.name) == 0
                    : ssp__address_same_host(&a->u.address, &b->u.address);
}

bool ss_conf_same_servers(const struct ss_conf *a, const struct ss_conf *b)
{
    if (a->servers != b->servers)
        return false;
    for (unsigned i = 0; i < a->servers; i++) {
        if (!ss_endpoint_same(&a->server[i], &b->server[i]))
            return false;
    }
    return true;
}

bool ss_conf_same_accounts(const struct ss_conf *a, const struct ss_conf *b)
{
    if (a->accounts != b->accounts)
        return false;
    for (size_t i = 0; i < a->accounts; i++) {
        if (strcmp(a->account[i].name, b->account[i].name) != 0 ||
            strcmp(a->account[i].password, b->account[i].password) != 0)
            return false;
    }
    return true;
}

static void add(crypto_generichash_state *hash, struct value value)
{
    (void)crypto_generichash_update(hash, (const unsigned char *)&value.n, sizeof value.n);
    if (value.n > 0)
        (void)crypto_generichash_update(hash, value.bytes, value.n);
}

void ss_conf_key_print(uint8_t print[SS_KEY_PRINT], const struct ss_conf *conf,
                       const uint8_t secret[SS_KEY_PRINT])
{
    crypto_generichash_state hash;
    (void)crypto_generichash_init(&hash, secret, SS_KEY_PRINT, SS_KEY_PRINT);
    for (const struct ss_field *field = ss_fields; field->name != NULL; field++) {
        if (is_of(field, SS_OF_KEY))
            add(&hash, value_of(conf, field));
    }
    add(&hash, (struct value){conf->prefix, conf->prefix_len});
    add(&hash, (struct value){&conf->has_users, sizeof conf->has_users});
    (void)crypto_generichash_final(&hash, print, SS_KEY_PRINT);
    sodium_memzero(&hash, sizeof hash);
}
