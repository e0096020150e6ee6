/* grid.c - GridSample, AffineGrid: an image read at computed places, and the places an affine map makes. */
#include "op/grad.h"
#include "op/ports.h"
#include "op/support.h"
#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------------------- GridSample */

static tn_status sample_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0), grid = tn_infer_rank(c, 1);
    tn_dim dims[TN_MAX_RANK];
    if (rank >= 0 && (rank < 3 || rank > 5))
        return tn_infer_fail(c, TN_E_SHAPE, "X has %d dimensions; 3 to 5 are known", rank);
    if (rank >= 0 && grid >= 0 && rank != grid) return tn_infer_fail(c, TN_E_SHAPE, "X and grid differ in rank");
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank, NULL);
    if (rank < 0 || grid < 0) return TN_OK;
    memcpy(dims, c->in[1]->dims, sizeof dims);
    for (int d = rank - 1; d >= 2; d--) dims[d] = c->in[1]->dims[d - 1];
    dims[0] = c->in[0]->dims[0], dims[1] = c->in[0]->dims[1];
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank, dims);
    return TN_OK;
}

typedef enum { PAD_ZEROS, PAD_BORDER, PAD_REFLECTION } padding;

/* A place outside 0 .. len-1 as the padding sees it, or -1 for a zero. */
static int64_t pad_index(int64_t i, int64_t len, padding p, bool corners) {
    if (i >= 0 && i < len) return i;
    if (p == PAD_ZEROS) return -1;
    if (p == PAD_BORDER) return i < 0 ? 0 : len - 1;
    int64_t period = corners ? 2 * (len - 1) : 2 * len; /* mirrored at the pixels' centres, or at their outer edges */
    if (period == 0) return 0;
    int64_t k = i % period;
    if (k < 0) k += period;
    return k < len ? k : corners ? period - k : period - 1 - k;
}

/* Weights of the `n` taps around a coordinate with fraction t. */
static void tap_weights(int n, double t, double *w) {
    const double a = -0.75; /* the constant of the cubic (Keys, IEEE TASSP 29(6), 1981) */
    if (n == 1) w[0] = 1;
    if (n == 2) w[0] = 1 - t, w[1] = t;
    if (n < 4) return;
    double d[4] = { 1 + t, t, 1 - t, 2 - t };
    w[0] = ((a * d[0] - 5 * a) * d[0] + 8 * a) * d[0] - 4 * a;
    w[1] = ((a + 2) * d[1] - (a + 3)) * d[1] * d[1] + 1;
    w[2] = ((a + 2) * d[2] - (a + 3)) * d[2] * d[2] + 1;
    w[3] = ((a * d[3] - 5 * a) * d[3] + 8 * a) * d[3] - 4 * a;
}

/* The derivatives of those weights with respect to t. */
static void tap_slopes(int n, double t, double *w) {
    const double a = -0.75;
    if (n == 1) w[0] = 0;
    if (n == 2) w[0] = -1, w[1] = 1;
    if (n < 4) return;
    double d[4] = { 1 + t, t, 1 - t, 2 - t };
    w[0] = (3 * a * d[0] - 10 * a) * d[0] + 8 * a;
    w[1] = (3 * (a + 2) * d[1] - 2 * (a + 3)) * d[1];
    w[2] = -(3 * (a + 2) * d[2] - 2 * (a + 3)) * d[2];
    w[3] = -((3 * a * d[3] - 10 * a) * d[3] + 8 * a);
}

typedef struct {
    int n; /* at most 4^3 */
    int64_t at[64];
    double weight[64];
} taps;

/* All taps of the place that g[0 .. rank-1] names (the last dimension first), in a volume of these lengths. slope >= 0:
 * the weights' derivatives with respect to g[slope] instead. */
static void find_taps(const double *g, int rank, const int64_t *len, int per_axis, padding p, bool corners, int slope,
                      taps *t) {
    t->n = 1, t->at[0] = 0, t->weight[0] = 1;
    for (int d = 0; d < rank; d++) {
        double x = g[rank - 1 - d], w[4], old_weight[16];
        int64_t old_at[16];
        int n = t->n;
        x = corners ? (x + 1) / 2 * (double)(len[d] - 1) : ((x + 1) * (double)len[d] - 1) / 2;
        x = x == x ? fmin(fmax(x, -1e9), 1e9) : -1e9;
        double base = per_axis == 1 ? nearbyint(x) : floor(x);
        double unit = corners ? (double)(len[d] - 1) / 2 : (double)len[d] / 2;
        (slope == rank - 1 - d ? tap_slopes : tap_weights)(per_axis, x - base, w);
        for (int j = 0; slope == rank - 1 - d && j < per_axis; j++) w[j] *= unit;
        memcpy(old_at, t->at, sizeof *old_at * (size_t)n);
        memcpy(old_weight, t->weight, sizeof *old_weight * (size_t)n);
        t->n = 0;
        for (int i = 0; i < n; i++)
            for (int j = 0; j < per_axis; j++) {
                int64_t k = pad_index((int64_t)base + j - (per_axis == 4), len[d], p, corners);
                if (k < 0) continue;
                t->at[t->n] = old_at[i] * len[d] + k, t->weight[t->n++] = old_weight[i] * w[j];
            }
    }
}

typedef struct {
    int rank, per_axis;
    int64_t in, out, channels;
    bool corners;
    padding padding;
} sampling;

static tn_status read_sampling(const tn_node *n, const tn_tensor *x, const tn_tensor *grid, sampling *s) {
    bool cubic = tn_attr_is(n, "mode", "cubic", "linear");
    *s = (sampling){ .rank = x->rank - 2,
                     .per_axis = cubic                                        ? 4
                                 : tn_attr_is(n, "mode", "nearest", "linear") ? 1
                                                                              : 2,
                     .in = tn_op_product(x->dims, 2, x->rank),
                     .out = tn_op_product(grid->dims, 1, grid->rank - 1),
                     .channels = x->dims[1],
                     .corners = tn_attr_int(n, "align_corners", 0) != 0,
                     .padding = tn_attr_is(n, "padding_mode", "border", "zeros")       ? PAD_BORDER
                                : tn_attr_is(n, "padding_mode", "reflection", "zeros") ? PAD_REFLECTION
                                                                                       : PAD_ZEROS };
    if (grid->dims[s->rank + 1] != s->rank || grid->dims[0] != x->dims[0])
        return tn_op_fail(n, TN_E_SHAPE, "grid must be [N, ..., %d] with X's N", s->rank);
    return TN_OK;
}

static double number(const tn_tensor *t, int64_t i) {
    return t->dtype == TN_F32 ? (double)((const float *)t->data)[i] : tn_get_f64(t->dtype, t->data, i);
}

static void taps_at(const sampling *s, const tn_tensor *x, const tn_tensor *grid, int64_t i, int slope, taps *t) {
    double g[3];
    for (int d = 0; d < s->rank; d++) g[d] = number(grid, i * s->rank + d);
    find_taps(g, s->rank, x->dims + 2, s->per_axis, s->padding, s->corners, slope, t);
}

static double tapped(const sampling *s, const tn_tensor *x, int64_t plane, const taps *t) {
    double sum = 0;
    for (int k = 0; k < t->n; k++) sum += t->weight[k] * number(x, plane * s->in + t->at[k]);
    return sum;
}

typedef struct {
    const sampling *s;
    const tn_tensor *x, *grid;
    tn_tensor *y;
} sample_job;

static void sample_part(void *arg, int64_t begin, int64_t end, int thread) {
    const sample_job *j = arg;
    const sampling *s = j->s;
    for (int64_t i = begin; i < end; i++) {
        taps t;
        taps_at(s, j->x, j->grid, i, -1, &t);
        for (int64_t c = 0; c < s->channels; c++) {
            int64_t plane = i / s->out * s->channels + c, to = plane * s->out + i % s->out;
            double v = tapped(s, j->x, plane, &t);
            if (j->y->dtype == TN_F32)
                ((float *)j->y->data)[to] = (float)v;
            else
                tn_set_f64(j->y->dtype, j->y->data, to, v);
        }
    }
}

/* The nearest element as it is, of whatever type; outside, zero bits (of strings the empty one). */
static void copy_part(void *arg, int64_t begin, int64_t end, int thread) {
    const sample_job *j = arg;
    const sampling *s = j->s;
    size_t each = (size_t)tn_dtypes[j->x->dtype].bytes;
    for (int64_t i = begin; i < end; i++) {
        taps t;
        taps_at(s, j->x, j->grid, i, -1, &t);
        for (int64_t c = 0; c < s->channels; c++) {
            int64_t plane = i / s->out * s->channels + c, to = plane * s->out + i % s->out;
            if (t.n)
                tn_op_copy_element(j->y, to, j->x, plane * s->in + t.at[0]);
            else
                memset((char *)j->y->data + (size_t)to * each, 0, each);
        }
    }
}

/* Real and imaginary parts each by themselves. */
static void complex_part(void *arg, int64_t begin, int64_t end, int thread) {
    const sample_job *j = arg;
    const sampling *s = j->s;
    tn_dtype half = j->x->dtype == TN_C64 ? TN_F32 : TN_F64;
    for (int64_t i = begin; i < end; i++) {
        taps t;
        taps_at(s, j->x, j->grid, i, -1, &t);
        for (int64_t c = 0; c < 2 * s->channels; c++) {
            int64_t plane = i / s->out * s->channels + c / 2, to = plane * s->out + i % s->out;
            double sum = 0;
            for (int k = 0; k < t.n; k++)
                sum += t.weight[k] * tn_get_f64(half, j->x->data, 2 * (plane * s->in + t.at[k]) + c % 2);
            tn_set_f64(half, j->y->data, 2 * to + c % 2, sum);
        }
    }
}

static tn_status sample_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0), *grid = tn_in(r, 1);
    tn_tensor *y = tn_out(r, 0);
    sampling s;
    TN_TRY(read_sampling(r->node, x, grid, &s));
    if (tn_count(y) == 0) return TN_OK;
    if (s.in == 0) return tn_op_fail(r->node, TN_E_SHAPE, "X is empty");
    if (x->dtype == TN_STRING && s.per_axis > 1)
        return tn_op_fail(r->node, TN_E_TYPE, "strings cannot be interpolated, only taken (mode nearest)");
    bool real = x->dtype != TN_STRING && !tn_dtype_is_complex(x->dtype);
    sample_job j = { &s, x, grid, y };
    tn_parallel(r->pool, x->dims[0] * s.out, 1 + 512 / s.channels,
                real              ? sample_part
                : s.per_axis == 1 ? copy_part
                                  : complex_part,
                &j);
    return tn_op_own_strings(y);
}

/* ------------------------------------------------------------------------------------------------------- gradients */

static tn_status sample_back_infer(tn_infer *c) {
    for (int i = 0; i < c->n_out; i++) {
        int rank = tn_infer_rank(c, i + 1);
        tn_infer_out(c, i, tn_infer_dtype(c, i + 1), rank, rank < 0 ? NULL : c->in[i + 1]->dims);
    }
    return TN_OK;
}

/* (dY, X, grid) to the gradients of X and of the grid. */
static tn_status sample_back_run(tn_run *r) {
    const tn_tensor *dy = tn_in(r, 0), *x = tn_in(r, 1), *grid = tn_in(r, 2);
    tn_tensor *dx = tn_out(r, 0), *dgrid = tn_out(r, 1);
    sampling s;
    TN_TRY(read_sampling(r->node, x, grid, &s));
    double *sums = tn_run_scratch(r, (size_t)tn_count(x) * sizeof *sums + 64);
    if (!sums) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for its sums");
    memset(sums, 0, (size_t)tn_count(x) * sizeof *sums);
    for (int64_t i = 0; i < x->dims[0] * s.out && s.in > 0; i++) {
        taps t;
        int64_t first = i / s.out * s.channels;
        taps_at(&s, x, grid, i, -1, &t);
        for (int64_t c = first; c < first + s.channels; c++)
            for (int k = 0; k < t.n; k++)
                sums[c * s.in + t.at[k]] += t.weight[k] * tn_get_f64(dy->dtype, dy->data, c * s.out + i % s.out);
        for (int d = 0; dgrid && d < s.rank; d++) {
            double sum = 0;
            taps_at(&s, x, grid, i, d, &t);
            for (int64_t c = first; c < first + s.channels; c++)
                sum += tapped(&s, x, c, &t) * tn_get_f64(dy->dtype, dy->data, c * s.out + i % s.out);
            tn_set_f64(dgrid->dtype, dgrid->data, i * s.rank + d, sum);
        }
    }
    return dx ? tn_convert(TN_F64, sums, dx->dtype, dx->data, tn_count(x), true, TN_ROUND_NEAREST) : TN_OK;
}

tn_status tn_grad_grid_sample(tn_grad *g) {
    tn_value *in[] = { tn_grad_dy(g, 0), tn_grad_x(g, 0), tn_grad_x(g, 1) };
    tn_node *n = tn_grad_node_n(g, "tenon", "GridSampleBack", in, 3, 2);
    tn_grad_copy_attrs(g, n, g->node);
    g->dx[0] = tn_grad_made(g, n);
    if (g->st == TN_OK) g->dx[1] = n->outputs[1];
    return g->st;
}

/* The places are linear in theta: what they are for the unit map, with a one behind, are the factors. */
tn_status tn_grad_affine_grid(tn_grad *g) {
    int rank = tn_grad_rank(g, tn_grad_y(g, 0)) - 2;
    tn_grad_formula(g, "unit = Reshape(CastLike(%s, x), [1, %d, %d])",
                    rank == 3 ? "[1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]" : "[1, 0, 0, 0, 1, 0]", rank, rank + 1);
    tn_grad_formula(g,
                    "base = AffineGrid{align_corners=%d}(Expand(unit, Shape(x)), x1);"
                    "places = Pad(Reshape(base, [0, -1, %d]), [0, 0, 0, 0, 0, 1], CastLike(1, x));"
                    "dx0 = MatMul(Transpose{perm=[0, 2, 1]}(Reshape(dy, [0, -1, %d])), places)",
                    tn_attr_int(g->node, "align_corners", 0) != 0, rank, rank);
    return g->st;
}

/* ---------------------------------------------------------------------------------------------------- AffineGrid */

static tn_status affine_infer(tn_infer *c) {
    int n;
    const tn_dim *size = tn_infer_ints(c, 1, &n);
    if (!size) { /* its length says the rank, the transform the batch */
        tn_dim shape[5] = { tn_infer_rank(c, 0) == 3 ? c->in[0]->dims[0] : TN_DIM_UNKNOWN };
        n = tn_infer_length(c, 1);
        for (int d = 1; d < 5; d++) shape[d] = d == n - 1 ? n - 2 : TN_DIM_UNKNOWN;
        tn_infer_out(c, 0, tn_infer_dtype(c, 0), n == 4 || n == 5 ? n : -1, shape);
        return TN_OK;
    }
    if (n != 4 && n != 5) return tn_infer_fail(c, TN_E_SHAPE, "size has %d elements; 4 or 5 are needed", n);
    tn_dim dims[5] = { size[0] };
    for (int d = 2; d < n; d++) dims[d - 1] = size[d];
    dims[n - 1] = n - 2;
    for (int d = 0; d < n; d++)
        if (tn_dim_known(dims[d]) && dims[d] < 0) return tn_infer_fail(c, TN_E_INVALID, "size is negative");
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), n, dims);
    return TN_OK;
}

typedef struct {
    const tn_tensor *theta;
    tn_tensor *y;
    bool corners;
    int64_t places;
} affine_job;

static void affine_part(void *arg, int64_t begin, int64_t end, int thread) {
    const affine_job *j = arg;
    const tn_tensor *theta = j->theta;
    int rank = j->y->rank - 2;
    for (int64_t i = begin; i < end; i++) {
        double at[3];
        int64_t rest = i % j->places;
        for (int d = 0; d < rank; d++) { /* x first, y, z: the last dimension first */
            int64_t len = j->y->dims[rank - d], k = rest % len;
            rest /= len;
            at[d] = !j->corners ? (double)(2 * k + 1) / (double)len - 1
                    : len > 1   ? 2 * (double)k / (double)(len - 1) - 1
                                : 0;
        }
        for (int row = 0; row < rank; row++) {
            int64_t base = (i / j->places * rank + row) * (rank + 1);
            double v = number(theta, base + rank);
            for (int d = 0; d < rank; d++) v += number(theta, base + d) * at[d];
            tn_set_f64(j->y->dtype, j->y->data, i * rank + row, v);
        }
    }
}

static tn_status affine_run(tn_run *r) {
    const tn_tensor *theta = tn_in(r, 0);
    tn_tensor *y = tn_out(r, 0);
    int rank = y->rank - 2;
    affine_job j = { theta, y, tn_attr_int(r->node, "align_corners", 0) != 0, tn_op_product(y->dims, 1, rank + 1) };
    if (theta->rank != 3 || theta->dims[0] != y->dims[0] || theta->dims[1] != rank || theta->dims[2] != rank + 1)
        return tn_op_fail(r->node, TN_E_SHAPE, "theta must be [N, %d, %d] with size's N", rank, rank + 1);
    tn_parallel(r->pool, y->dims[0] * j.places, 512, affine_part, &j);
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- rows */

static const tn_port sample_in[] = { { "X", TN_ANY_TYPE & ~TN_PACKED, 'T' }, { "grid", TN_FLOATS, 0 }, { 0 } };
static const tn_attr_spec sample_attrs[] = { { "align_corners", TN_ATTR_INT },
                                             { "mode", TN_ATTR_STRING, .words = "linear|nearest|cubic" },
                                             { "padding_mode", TN_ATTR_STRING, .words = "zeros|border|reflection" },
                                             { 0 } };
static const tn_port affine_in[] = { { "theta", TN_FLOATS, 'T' }, { "size", tn_dtype_bit(TN_I64), 0 }, { 0 } };
static const tn_attr_spec affine_attrs[] = { { "align_corners", TN_ATTR_INT }, { 0 } };

static const tn_port sample_back_in[] = {
    { "dY", TN_FLOATS, 'T' }, { "X", TN_FLOATS, 'T' }, { "grid", TN_FLOATS, 0 }, { 0 }
};
static const tn_port sample_back_out[] = { { "dX", TN_FLOATS, 'T' },
                                           { "dgrid", TN_FLOATS, 0, .optional = true },
                                           { 0 } };

const tn_op tn_ops_grid[] = {
    { .name = "GridSample",
      .since = 22,
      .in = sample_in,
      .out = tn_ports_any_t,
      .attrs = sample_attrs,
      .infer = sample_infer,
      .run = sample_run,
      .grad = tn_grad_grid_sample,
      .doc = "an image or volume interpolated at the places of a grid" },
    { .name = "AffineGrid",
      .since = 20,
      .in = affine_in,
      .out = tn_ports_float_t,
      .attrs = affine_attrs,
      .infer = affine_infer,
      .run = affine_run,
      .grad = tn_grad_affine_grid,
      .doc = "where an affine map takes the pixels of an image" },
    { .name = "GridSampleBack",
      .domain = "tenon",
      .since = 1,
      .flags = TN_OP_INTERNAL,
      .in = sample_back_in,
      .out = sample_back_out,
      .attrs = sample_attrs,
      .infer = sample_back_infer,
      .run = sample_back_run,
      .doc = "what flows back through GridSample to the image and to the grid" },
    { 0 },
};
