/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* grid.h - what GridSample and its gradient share: how an image is read at the places of a grid. */
#ifndef TN_OP_IMAGE_GRID_H
#define TN_OP_IMAGE_GRID_H

#include "op/core/op.h"

typedef enum { TN_GRID_ZEROS, TN_GRID_BORDER, TN_GRID_REFLECTION } tn_grid_padding;

/** The attributes of the three operators; orders: GridSlope and GridSpread alone. */
typedef struct {
    bool align_corners;
    int mode, padding_mode; /* TN_GRID_LINEAR ..., a tn_grid_padding */
    tn_ints orders;
} tn_grid_attrs;
enum { TN_GRID_LINEAR, TN_GRID_NEAREST, TN_GRID_CUBIC };

/* The attribute rows, for a tn_attr_spec table. */
#define TN_GRID_SPECS                                                            \
    { TN_FLAG(tn_grid_attrs, align_corners, false) },                            \
        { TN_WORD(tn_grid_attrs, mode, "linear|nearest|cubic", "linear") }, {    \
        TN_WORD(tn_grid_attrs, padding_mode, "zeros|border|reflection", "zeros") \
    }

typedef struct {
    int rank, per_axis;        /* dimensions of the image; taps per dimension: 1, 2 or 4 */
    int64_t in, out, channels; /* elements of one channel of the image, of the result; channels */
    bool corners;
    tn_grid_padding padding;
    int64_t most; /* taps of a place */
    char *room;   /* for the taps of each thread, when they are more than TN_TAPS; else NULL */
} tn_sampling;

enum { TN_TAPS = 64 }; /* 4^3 */

typedef struct {
    int64_t n, *at; /* elements of a channel, and what they count */
    double *weight;
    int64_t own_at[2][TN_TAPS];
    double own_weight[2][TN_TAPS];
} tn_taps;

/** From a node's attributes and its inputs' shapes, with memory for as many threads as the node has.
 *  errors TN_E_SHAPE when they do not fit, TN_E_LIMIT: too many taps, TN_E_NOMEM */
tn_status tn_sampling_read(tn_run *r, const tn_tensor *x, const tn_tensor *grid, tn_sampling *s);

/** The taps of place i of the grid, in an image shaped like `in`; valid until the thread's next call. orders: how often
 *  the weights are differentiated with respect to each number of the place; NULL: not at all. */
void tn_sampling_taps(const tn_sampling *s, const tn_tensor *in, const tn_tensor *grid, int64_t i,
                      const int64_t *orders, int thread, tn_taps *t);

/** The sum of the taps in one plane (batch and channel) of x. */
double tn_sampling_tapped(const tn_sampling *s, const tn_tensor *x, int64_t plane, const tn_taps *t);

static inline double tn_sampling_number(const tn_tensor *t, int64_t i) {
    return t->dtype == TN_F32 ? (double)((const float *)t->data)[i] : tn_get_f64(t->dtype, t->data, i);
}

#endif
