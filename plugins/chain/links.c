/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/links.h"

#include "chain/codecs.h"

#include <ssplugin/log.h>

#include <stdio.h>
#include <string.h>

/* Options of one stage on their way into a run. */
struct moving {
    struct link *link;
    const struct codecs_layer *run;
    unsigned place; /* of the stage, in the run */
};

static bool another_knows(const struct moving *m, const char *key)
{
    for (unsigned i = 0; i < m->link->n; i++) {
        if (i != m->place && codecs_knows(&m->run[i].codec, key))
            return true;
    }
    return false;
}

/* "NAME.key" goes to that codec and no other.  The program itself gets options that no codec knows.
 */
static int move(void *arg, const char *key, const char *value)
{
    const struct moving *m = arg;
    const ssp_codec *codec = &m->run[m->place].codec;
    char qualified[256];
    if (codecs_knows(codec, key)) {
        (void)snprintf(qualified, sizeof qualified, "%s.%s", codec->name, key);
        items_add(&m->link->options, qualified, value);
    } else if (another_knows(m, key)) {
        ssp_info("option %u.%.60s is unknown to %s: ignored", m->link->first + m->place + 1, key,
                 codec->name);
    } else {
        items_add(&m->link->options, key, value);
    }
    return 0;
}

static void stack(struct link *link, const struct stages *stages)
{
    struct codecs_layer run[STAGES_MAX];
    size_t len = 0;
    int at;
    for (unsigned i = 0; i < link->n; i++) {
        const ssp_codec *codec = stages->stage[link->first + i].codec;
        codecs_layer(run, i, codec);
        len += (size_t)snprintf(link->names + len, sizeof link->names - len, "%s%s",
                                i > 0 ? "," : "", codec->name);
    }
    for (unsigned i = 0; i < link->n; i++) {
        struct moving m = {link, run, i};
        const char *options = stages->stage[link->first + i].options.text;
        if (options != NULL && items_each(options, move, &m, &at) != 0)
            link->options.failed = 1;
    }
}

static int copy(void *arg, const char *key, const char *value)
{
    items_add(arg, key, value);
    return 0;
}

/* Returns the first stage behind it. */
static unsigned make_link(struct link *link, const struct stages *stages, unsigned first)
{
    const struct stage *stage = &stages->stage[first];
    int at;
    *link = (struct link){.first = first, .n = 1, .stacked = stage->codec != NULL};
    if (link->stacked) {
        while (first + link->n < stages->n && stages->stage[first + link->n].codec != NULL)
            link->n++;
        stack(link, stages);
    } else if (stage->options.text != NULL &&
               items_each(stage->options.text, copy, &link->options, &at) != 0) {
        link->options.failed = 1;
    }
    return first + link->n;
}

int links_make(struct links *links, const struct stages *stages)
{
    bool failed = false;
    links->n = 0;
    for (unsigned next = 0; next < stages->n; links->n++) {
        next = make_link(&links->link[links->n], stages, next);
        failed = failed || links->link[links->n].options.failed;
    }
    return failed ? -1 : 0;
}

void links_release(struct links *links)
{
    for (unsigned i = 0; i < links->n; i++)
        items_release(&links->link[i].options);
    links->n = 0;
}
