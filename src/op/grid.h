/* grid.h - what GridSample and its gradient share: how an image is read at the places of a grid. */
#ifndef TN_OP_GRID_H
#define TN_OP_GRID_H

#include "op/op.h"

typedef enum { TN_GRID_ZEROS, TN_GRID_BORDER, TN_GRID_REFLECTION } tn_grid_padding;

typedef struct {
    int rank, per_axis;        /* dimensions of the image; taps per dimension: 1, 2 or 4 */
    int64_t in, out, channels; /* elements of one channel of the image, of the result; channels */
    bool corners;
    tn_grid_padding padding;
} tn_sampling;

typedef struct {
    int n; /* at most 4^3 */
    int64_t at[64];
    double weight[64];
} tn_taps;

/** From a node's attributes and its inputs' shapes. errors TN_E_SHAPE when they do not fit. */
tn_status tn_sampling_read(const tn_node *n, const tn_tensor *x, const tn_tensor *grid, tn_sampling *s);

/** The taps of place i of the grid, in an image shaped like `in`. orders: how often the weights are differentiated with
 *  respect to each number of the place; NULL: not at all. */
void tn_sampling_taps(const tn_sampling *s, const tn_tensor *in, const tn_tensor *grid, int64_t i,
                      const int64_t *orders, tn_taps *t);

/** The sum of the taps in one plane (batch and channel) of x. */
double tn_sampling_tapped(const tn_sampling *s, const tn_tensor *x, int64_t plane, const tn_taps *t);

static inline double tn_sampling_number(const tn_tensor *t, int64_t i) {
    return t->dtype == TN_F32 ? (double)((const float *)t->data)[i] : tn_get_f64(t->dtype, t->data, i);
}

#endif
