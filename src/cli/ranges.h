/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* ranges.h - --min-shape, --opt-shape and --max-shape: the ranges of shapes that a session is planned for.
 *
 * As --shape they name an input with all its dimensions (x=1x3x640x640) or a symbol with its size (batch=8). What is
 * open in the model and has a largest size varies, from its least size (1 where none is given) on; what has none is as
 * --shape says. What is not named in --shape is run with the usual size, or else the largest. */
#ifndef TN_CLI_RANGES_H
#define TN_CLI_RANGES_H

#include "cli/feed.h"

/* Rows of a sub-command's table of options, for its tn_feed_opts `feed`. */
#define TN_RANGE_OPTIONS(feed)                                                                  \
    { "--min-shape", TN_OPT_LIST, &(feed).least, "NAME=1x3x64x64",                              \
      "the least of a range of shapes that one plan serves (default: 1 in what varies)" },      \
        { "--opt-shape", TN_OPT_LIST, &(feed).usual, "NAME=1x3x224x224",                        \
          "its usual shape, which is made ready before the first run (default: the largest)" }, \
    {                                                                                           \
        "--max-shape", TN_OPT_LIST, &(feed).most, "NAME=8x3x640x640",                           \
            "its largest shape, or a symbol's (sequence=512); memory is laid out for it"        \
    }

typedef struct {
    tn_shape_range *v;
    size_t n;
    int64_t *dims; /* what they point at */
} tn_ranges;

/** The ranges that the options give, none where they give none.
 *  errors   TN_E_INVALID (no such input; a dimension without a largest size; sizes that do not ascend), TN_E_NOMEM */
tn_status tn_ranges_make(const tn_model *m, const tn_feed_opts *o, tn_ranges *out);
void tn_ranges_free(tn_ranges *r);

#endif
