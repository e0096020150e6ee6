/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* feed.h - a model's inputs from the command line: files, random numbers, zeros; shapes for open dimensions. */
#ifndef TN_CLI_FEED_H
#define TN_CLI_FEED_H

#include "cli/options.h"
#include "graph/graph.h"

typedef struct {
    tn_option_list
        inputs; /* "name=FILE", "name=random", "name=zeros"; a bare FILE or word serves all that are not named */
    tn_option_list shapes;             /* "name=1x3x224x224", or "batch=1": a symbol's size */
    tn_option_list least, usual, most; /* the same for --min-shape, --opt-shape and --max-shape, see ranges.h */
    int seed;
    int dimension; /* for open dimensions nobody has named; 0: refuse */
} tn_feed_opts;

typedef struct {
    tn_datum *data; /* one per model input */
    const tn_datum **list;
    size_t n;
} tn_feed;

/** Makes the inputs. errors TN_E_INVALID (no such input, open dimension, bad shape), TN_E_IO, TN_E_FORMAT, TN_E_TYPE.
 */
tn_status tn_feed_make(const tn_model *m, const tn_feed_opts *o, tn_feed *out);
void tn_feed_free(tn_feed *f);
/** Frees the lists of the options. */
void tn_feed_opts_free(tn_feed_opts *o);

/** The input types for the given shapes without data, for inspection; types[i] stays as declared where nothing is
 * given. fill: open dimensions become `dimension` instead of staying open. */
tn_status tn_feed_types(const tn_model *m, const tn_feed_opts *o, bool fill, tn_type *types);

/** The input types for the shapes of one list alone.
 *  option     its name, for messages: "max-shape"
 *  dimension  for dimensions that it leaves open; 0: they stay so
 *  errors     as tn_feed_make */
tn_status tn_feed_types_of(const tn_model *m, const tn_option_list *shapes, const char *option, int dimension,
                           tn_type *types);

#endif
