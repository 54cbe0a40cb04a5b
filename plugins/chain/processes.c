/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/processes.h"

#include "chain/codecs.h"

#include <ssplugin/log.h>

#include <stdio.h>
#include <string.h>

/* Options of one stage on their way into a run. */
struct moving {
    struct process *process;
    const struct codecs_layer *run;
    unsigned place; /* of the stage, in the run */
};

static bool another_knows(const struct moving *m, const char *key)
{
    for (unsigned i = 0; i < m->process->n; i++) {
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
        items_add(&m->process->options, qualified, value);
    } else if (another_knows(m, key)) {
        ssp_info("option %u.%.60s is unknown to %s: ignored", m->process->first + m->place + 1, key,
                 codec->name);
    } else {
        items_add(&m->process->options, key, value);
    }
    return 0;
}

static void stack(struct process *process, const struct stages *stages)
{
    struct codecs_layer run[STAGES_MAX];
    size_t len = 0;
    int at;
    for (unsigned i = 0; i < process->n; i++) {
        const ssp_codec *codec = stages->stage[process->first + i].codec;
        codecs_layer(run, i, codec);
        len += (size_t)snprintf(process->names + len, sizeof process->names - len, "%s%s",
                                i > 0 ? "," : "", codec->name);
    }
    for (unsigned i = 0; i < process->n; i++) {
        struct moving m = {process, run, i};
        const char *options = stages->stage[process->first + i].options.text;
        if (options != NULL && items_each(options, move, &m, &at) != 0)
            process->options.failed = 1;
    }
}

static int copy(void *arg, const char *key, const char *value)
{
    items_add(arg, key, value);
    return 0;
}

/* Returns the first stage behind it. */
static unsigned make_process(struct process *process, const struct stages *stages, unsigned first)
{
    const struct stage *stage = &stages->stage[first];
    int at;
    *process = (struct process){.first = first, .n = 1, .stacked = stage->codec != NULL};
    if (process->stacked) {
        while (first + process->n < stages->n && stages->stage[first + process->n].codec != NULL)
            process->n++;
        stack(process, stages);
    } else if (stage->options.text != NULL &&
               items_each(stage->options.text, copy, &process->options, &at) != 0) {
        process->options.failed = 1;
    }
    return first + process->n;
}

int processes_make(struct processes *processes, const struct stages *stages)
{
    bool failed = false;
    processes->n = 0;
    for (unsigned next = 0; next < stages->n; processes->n++) {
        next = make_process(&processes->process[processes->n], stages, next);
        failed = failed || processes->process[processes->n].options.failed;
    }
    return failed ? -1 : 0;
}

void processes_release(struct processes *processes)
{
    for (unsigned i = 0; i < processes->n; i++)
        items_release(&processes->process[i].options);
    processes->n = 0;
}
