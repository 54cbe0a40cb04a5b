/* SPDX-License-Identifier: Apache-2.0 */
/* samples.h - reads what exposition.h writes, a sample at a time. */
#ifndef SS_HTTP_SAMPLES_H
#define SS_HTTP_SAMPLES_H

#include <stddef.h>

enum { SS_SAMPLE_LABELS = 4 };

/* Texts are parts of the line that was read. */
struct ss_sample {
    const char *name;
    struct {
        const char *name, *value;
    } label[SS_SAMPLE_LABELS];
    size_t labels;
    double value;
};

/* Reads the line, which it changes; without its newline.  Returns 1, 0 for a comment or an empty
 * line, or -1 for one that is no sample. */
int ss_sample_read(struct ss_sample *sample, char *line);

/* The value of that label; "" without one. */
const char *ss_sample_label(const struct ss_sample *sample, const char *name);

#endif
