/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/merge.h"

#include "conf/accounts.h"
#include "conf/fields.h"
#include "conf/secrets.h"
#include "conf/text.h"

#include <string.h>

static void take_text(char **own, char **other)
{
    if (*own != NULL)
        return;
    *own = *other;
    *other = NULL;
}

/* The bit of a field with SS_ZERO. */
static void take_given(struct ss_conf *conf, struct ss_conf *file, const struct ss_field *field)
{
    bool mode = field->kind == SS_KIND_MODE || field->kind == SS_KIND_PLUGIN_MODE ||
                field->kind == SS_KIND_OUTBOUND;
    bool number = field->kind == SS_KIND_NUMBER || field->kind == SS_KIND_SECONDS;
    size_t size = number ? sizeof(unsigned) : mode ? sizeof(ssp_mode) : sizeof(bool);
    _Static_assert(sizeof(ssp_mode) == sizeof(enum ss_outbound), "both are enumerations");
    if ((conf->given & ss_field_bit(field)) != 0)
        return;
    memcpy(ss_field_member(conf, field), ss_field_member(file, field), size);
    conf->given |= file->given & ss_field_bit(field);
}

static void merge_field(struct ss_conf *conf, struct ss_conf *file, const struct ss_field *field)
{
    void *own = ss_field_member(conf, field), *other = ss_field_member(file, field);
    bool number = field->kind == SS_KIND_NUMBER || field->kind == SS_KIND_SECONDS;
    if ((field->flags & SS_ZERO) != 0)
        take_given(conf, file, field);
    else if (ss_field_holds_text(field))
        take_text(own, other);
    else if (field->kind == SS_KIND_PORT && *(uint16_t *)own == 0)
        *(uint16_t *)own = *(uint16_t *)other;
    else if (number && *(unsigned *)own == 0)
        *(unsigned *)own = *(unsigned *)other;
    else if (field->kind == SS_KIND_AMOUNT && *(uint64_t *)own == 0)
        *(uint64_t *)own = *(uint64_t *)other;
    else if (field->kind == SS_KIND_SWITCH)
        *(bool *)own = *(bool *)own || *(bool *)other;
}

static bool is_key(const struct ss_field *field)
{
    return field->offset == offsetof(struct ss_conf, password) ||
           field->offset == offsetof(struct ss_conf, key) ||
           field->offset == offsetof(struct ss_conf, password_file);
}

void ss_fields_merge(struct ss_conf *conf, struct ss_conf *file)
{
    conf->refused |= file->refused;
    if (conf->servers == 0 && conf->list.n == 0) {
        memcpy(conf->server, file->server, sizeof conf->server);
        conf->servers = file->servers;
        conf->list = file->list;
        file->list = (struct ss_server_list){.n = 0};
        conf->online = file->online;
        file->online = (struct ss_online){.url = NULL};
        memcpy(conf->prefix, file->prefix, file->prefix_len);
        conf->prefix_len = file->prefix_len;
        conf->from_list = file->from_list;
        conf->apart = file->apart;
        conf->many = file->many;
    }
    if (conf->port_count == 0) {
        conf->ports = file->ports;
        conf->port_count = file->port_count;
        file->ports = NULL;
        file->port_count = 0;
    }
    if (conf->local_port == 0) {
        conf->listener = file->listener;
        conf->listeners = file->listeners;
        file->listener = NULL;
        file->listeners = 0;
    }
    /* -b of a server, for one family, also overrides the other family of the file. */
    bool bound = conf->local_ipv4_address != NULL || conf->local_ipv6_address != NULL;
    /* -k, --key and --password-file also override all three in the file. */
    bool keyed = conf->password != NULL || conf->key != NULL || conf->password_file != NULL;
    ss_users_of_conf_move(conf, file);
    ss_conf_accounts_move(conf, file);
    for (const struct ss_field *field = ss_fields; field->name != NULL; field++) {
        if (!(bound && ss_field_outgoing(field)) && !(keyed && is_key(field)))
            merge_field(conf, file, field);
    }
}

void ss_fields_drop_empty(struct ss_conf *conf)
{
    for (const struct ss_field *field = ss_fields; field->name != NULL; field++) {
        char **text = ss_field_holds_text(field) ? ss_field_member(conf, field) : NULL;
        bool empty = text != NULL && *text != NULL && **text == '\0';
        if (empty && (field->flags & SS_EMPTY) == 0)
            ss_text_drop(text, (field->flags & SS_SECRET) != 0);
    }
}
