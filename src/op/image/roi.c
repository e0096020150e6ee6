/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* roi.c - RoiAlign, MaxRoiPool: features read inside boxes; and their gradients, of any order, as operators that are
 * each other's gradients:
 *
 *   tenon.RoiSlope(V, X, rois, batch_indices)    what RoiAlign reads from V, differentiated `orders` times by the four
 *                                                numbers of a box; for the mode max, X says which element is read
 *   tenon.RoiSpread(dY, X, rois, batch_indices)  the opposite way: dY added up where RoiSlope reads, in X's shape
 *   tenon.RoiPick(V, X, rois)                    what MaxRoiPool reads from V, choosing by X; its opposite:
 *   tenon.MaxRoiPoolBack(dY, X, rois)
 *
 * MaxRoiPool rounds its boxes: to them nothing flows back. */
#include "op/core/grad.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include <math.h>
#include <string.h>

enum { ROI_SAMPLES_MAX = 1 << 20 }; /* per bin; more means boxes that are not numbers of this world */
enum { FORWARD, READ, SPREAD };     /* members of both families: the arg of a row */

/* Of both families; what a row does not have is 0. */
typedef struct {
    int coordinate_transformation_mode, mode;
    int64_t output_height, output_width, sampling_ratio;
    float spatial_scale;
    tn_ints pooled_shape; /* MaxRoiPool's two numbers */
    tn_ints orders;       /* how often by each of a box's four numbers */
} roi;
enum { HALF_PIXEL, OUTPUT_HALF_PIXEL };
enum { AVERAGE, LARGEST };

/* ------------------------------------------------------------------------------------------------------- inference */

static tn_status roi_infer(tn_infer *c) {
    const roi *a = c->attrs;
    int first = c->node->op->arg == READ; /* the index of X */
    tn_dim h = a->output_height, w = a->output_width;
    int x = tn_infer_rank(c, first), boxes = tn_infer_rank(c, first + 1);
    if (a->pooled_shape.v && a->pooled_shape.n != 2)
        return tn_infer_fail(c, TN_E_INVALID, "pooled_shape has %zu numbers, 2 are needed", a->pooled_shape.n);
    if (a->orders.v && a->orders.n != 4)
        return tn_infer_fail(c, TN_E_INVALID, "orders has %zu numbers, 4 are needed", a->orders.n);
    if (a->pooled_shape.v) h = a->pooled_shape.v[0], w = a->pooled_shape.v[1];
    if ((x >= 0 && x != 4) || (boxes >= 0 && boxes != 2))
        return tn_infer_fail(c, TN_E_SHAPE, "X must have 4 dimensions and rois 2");
    tn_dim rois = boxes == 2 ? c->in[first + 1]->dims[0] : TN_DIM_UNKNOWN;
    tn_dim channels = x == 4 ? c->in[first]->dims[1] : TN_DIM_UNKNOWN;
    tn_infer_out(c, 0, tn_infer_dtype(c, first), 4, (tn_dim[]){ rois, channels, h, w });
    return TN_OK;
}

static tn_status back_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 1);
    tn_infer_out(c, 0, tn_infer_dtype(c, 1), rank, rank < 0 ? NULL : c->in[1]->dims);
    return TN_OK;
}

/* What a node reads and writes. Sums of what is spread are kept in float64. */
typedef struct {
    const tn_tensor *x, *rois, *which; /* X, which chooses; boxes; their images (RoiAlign) */
    const tn_tensor *v;                /* what is read, or spread */
    tn_tensor *y;                      /* NULL: spread.. */
    double *dx;                        /* ..to this */
} roi_way;

static tn_status way_of(tn_run *r, roi_way *w) {
    int first = r->node->op->arg != FORWARD;
    *w = (roi_way){ .v = tn_in(r, 0), .x = tn_in(r, first), .rois = tn_in(r, first + 1), .which = tn_in(r, first + 2) };
    if (r->node->op->arg != SPREAD) {
        w->y = tn_out(r, 0);
        return TN_OK;
    }
    size_t bytes = (size_t)tn_count(w->x) * sizeof *w->dx;
    if (!(w->dx = tn_run_scratch(r, bytes + 64))) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for its sums");
    memset(w->dx, 0, bytes);
    return TN_OK;
}

static tn_status way_finish(tn_run *r, const roi_way *w) {
    tn_tensor *y = tn_out(r, 0);
    return w->y ? TN_OK : tn_convert(TN_F64, w->dx, y->dtype, y->data, tn_count(y), true, TN_ROUND_NEAREST);
}

static const tn_tensor *result_of(const roi_way *w) { return w->y ? w->y : w->v; }

/* -------------------------------------------------------------------------------------------------------- RoiAlign */

/* One axis of a box: its bins, and how often they are differentiated by its two ends. */
typedef struct {
    double start, bin; /* of the box in the image; size of a bin */
    int64_t bins, n;   /* bins, samples in each */
    int64_t orders[2]; /* by the start, by the end */
    double scale;      /* of the box's numbers */
    bool fixed;        /* too small a box: it has size 1, wherever it ends */
} roi_axis;

/* A sample between two elements; w: their weights, slope: differentiated ones. */
typedef struct {
    int64_t at[2];
    double w[2], slope[2];
} roi_sample;

/* Sample i of a bin along an axis of len elements; false outside (-1, len). */
static bool sample_axis(const roi_axis *a, int64_t bin, int64_t i, int64_t len, roi_sample *s) {
    double place = ((double)i + 0.5) * a->bin / (double)a->n, v = a->start + (double)bin * a->bin + place;
    if (!(v >= -1 && v <= (double)len)) return false;
    bool inside = v > 0 && v < (double)(len - 1);
    v = v < 0 ? 0 : v;
    int64_t lo = (int64_t)v;
    if (lo >= len - 1) lo = len - 1, v = (double)lo;
    double t = v - (double)lo;
    *s = (roi_sample){ { lo, lo + 1 < len ? lo + 1 : lo }, { 1 - t, t }, { 1 - t, t } };
    int64_t order = a->orders[0] + a->orders[1];
    if (order == 0) return true;
    double end = a->fixed ? 0 : ((double)bin + ((double)i + 0.5) / (double)a->n) / (double)a->bins; /* v follows it */
    double by = order > 1 || !inside ? 0 : a->scale * (a->orders[0] ? 1 - end : end);
    s->slope[0] = -by, s->slope[1] = by; /* linear between two elements: second derivatives vanish */
    return true;
}

typedef struct {
    const roi_way *way;
    roi_axis axis[2]; /* down, across */
    bool max;
    int64_t first, plane; /* bin of the result; the image's first channel */
} align_job;

typedef struct {
    bool inside; /* else all weights are 0, and nothing is read */
    int64_t at[4];
    double w[4], slope[4];
} corners;

static void corners_of(const align_job *j, int64_t base, const int64_t *bin, int64_t a, int64_t b, corners *c) {
    const int64_t *len = j->way->x->dims + 2;
    roi_sample y, x;
    *c = (corners){ false, { base, base, base, base }, { 0 }, { 0 } };
    if (!sample_axis(&j->axis[0], bin[0], a, len[0], &y) || !sample_axis(&j->axis[1], bin[1], b, len[1], &x)) return;
    c->inside = true;
    for (int k = 0; k < 4; k++) {
        c->at[k] = base + y.at[k >> 1] * len[1] + x.at[k & 1];
        c->w[k] = y.w[k >> 1] * x.w[k & 1], c->slope[k] = y.slope[k >> 1] * x.slope[k & 1];
    }
}

static void spread(const roi_way *w, const corners *c, int from, int to, double flow) {
    for (int k = from; k < to; k++) w->dx[c->at[k]] += c->slope[k] * flow;
}

static double align_average(const align_job *j, int64_t base, const int64_t *bin, double flow) {
    int64_t gh = j->axis[0].n, gw = j->axis[1].n;
    const roi_way *w = j->way;
    double sum = 0;
    corners c;
    for (int64_t i = 0; i < gh * gw; i++) {
        corners_of(j, base, bin, i / gw, i % gw, &c);
        if (!w->y) spread(w, &c, 0, 4, flow / (double)(gh * gw));
        for (int k = 0; w->y && c.inside && k < 4; k++)
            sum += c.slope[k] * tn_get_f64(w->v->dtype, w->v->data, c.at[k]);
    }
    return gh * gw > 0 ? sum / (double)(gh * gw) : 0;
}

/* The largest of weighted corners, as the standard has it. */
static double align_largest(const align_job *j, int64_t base, const int64_t *bin, double flow) {
    int64_t gh = j->axis[0].n, gw = j->axis[1].n;
    const roi_way *w = j->way;
    double most = -INFINITY;
    corners c, best;
    int which = -1;
    for (int64_t i = 0; i < gh * gw; i++) {
        corners_of(j, base, bin, i / gw, i % gw, &c);
        for (int k = 0; k < 4; k++) {
            double v = c.inside ? c.w[k] * tn_get_f64(w->x->dtype, w->x->data, c.at[k]) : 0;
            if (!(v <= most || isnan(most))) most = v, best = c, which = k;
        }
    }
    if (which < 0) return gh * gw > 0 ? most : 0;
    if (!w->y) spread(w, &best, which, which + 1, flow);
    return w->y && best.inside ? best.slope[which] * tn_get_f64(w->v->dtype, w->v->data, best.at[which]) : 0;
}

static void align_part(void *arg, int64_t begin, int64_t end, int thread) {
    const align_job *j = arg;
    const roi_way *w = j->way;
    int64_t oh = j->axis[0].bins, ow = j->axis[1].bins, size = w->x->dims[2] * w->x->dims[3];
    for (int64_t i = begin; i < end; i++) {
        int64_t bin[2] = { i / ow % oh, i % ow }, base = (j->plane + i / (oh * ow)) * size;
        double flow = w->y ? 0 : tn_get_f64(w->v->dtype, w->v->data, j->first + i);
        double v = (j->max ? align_largest : align_average)(j, base, bin, flow);
        if (w->y) tn_set_f64(w->y->dtype, w->y->data, j->first + i, v);
    }
}

/* The axes of box k. */
static tn_status read_box(const tn_run *r, const roi_way *w, int64_t k, roi_axis *axis) {
    static const int64_t none[4] = { 0 };
    const roi *a = r->attrs;
    bool half = a->coordinate_transformation_mode == HALF_PIXEL;
    double scale = (double)a->spatial_scale, p[4];
    int64_t ratio = a->sampling_ratio;
    const int64_t *orders = a->orders.n == 4 ? a->orders.v : none;
    for (int i = 0; i < 4; i++) p[i] = tn_get_f64(w->rois->dtype, w->rois->data, k * 4 + i) * scale - (half ? 0.5 : 0);
    for (int d = 0; d < 2; d++) {
        int at = 1 - d; /* boxes are x1, y1, x2, y2 */
        double size = p[at + 2] - p[at];
        axis[d] = (roi_axis){ .start = p[at], .bins = result_of(w)->dims[2 + d], .scale = scale };
        axis[d].fixed = !half && !(size > 1);
        if (!half) size = fmax(size, 1);
        axis[d].bin = size / (double)axis[d].bins;
        axis[d].orders[0] = orders[at], axis[d].orders[1] = orders[at + 2];
        double n = ratio > 0 ? (double)ratio : ceil(axis[d].bin);
        if (!(n <= ROI_SAMPLES_MAX)) n = ROI_SAMPLES_MAX + 1;
        axis[d].n = n > 0 ? (int64_t)n : 0;
    }
    if (axis[0].n > ROI_SAMPLES_MAX || axis[1].n > ROI_SAMPLES_MAX || axis[0].n * axis[1].n > ROI_SAMPLES_MAX)
        return tn_op_fail(r->node, TN_E_LIMIT, "roi %lld needs more than %d samples per bin", (long long)k,
                          ROI_SAMPLES_MAX);
    return TN_OK;
}

static tn_status align_run(tn_run *r) {
    roi_way w;
    TN_TRY(way_of(r, &w));
    int64_t bins = tn_op_product(result_of(&w)->dims, 2, 4), channels = w.x->dims[1], *batch;
    if (w.rois->dims[1] != 4 || tn_count(w.which) != w.rois->dims[0])
        return tn_op_fail(r->node, TN_E_SHAPE, "rois must be [n, 4] and batch_indices [n]");
    TN_TRY(tn_op_indices(r, w.which, w.x->dims[0], &batch));
    if (tn_count(result_of(&w)) == 0) return way_finish(r, &w);
    if (w.x->dims[2] == 0 || w.x->dims[3] == 0) return tn_op_fail(r->node, TN_E_SHAPE, "X is empty");
    for (int64_t k = 0; k < w.rois->dims[0]; k++) {
        align_job j = { .way = &w, .max = ((const roi *)r->attrs)->mode == LARGEST };
        TN_TRY(read_box(r, &w, k, j.axis));
        j.first = k * channels * bins, j.plane = batch[k] * channels;
        /* what is spread is summed, so by one thread */
        tn_parallel(w.y ? r->pool : NULL, channels * bins, 1 + 256 / (j.axis[0].n * j.axis[1].n + 1), align_part, &j);
    }
    return way_finish(r, &w);
}

/* ------------------------------------------------------------------------------------------------------ MaxRoiPool */

static int64_t clamp_index(double v, int64_t len) { return !(v > 0) ? 0 : v >= (double)len ? len : (int64_t)v; }

typedef struct {
    const roi_way *way;
    double top, left, bh, bw;
    int64_t oh, ow, first, plane;
} pool_job;

static void roi_pool_part(void *arg, int64_t begin, int64_t end, int thread) {
    const pool_job *j = arg;
    const roi_way *way = j->way;
    const tn_tensor *x = way->x, *v = way->v;
    int64_t h = x->dims[2], w = x->dims[3];
    for (int64_t i = begin; i < end; i++) {
        double py = (double)(i / j->ow % j->oh), px = (double)(i % j->ow), most = -INFINITY;
        int64_t y0 = clamp_index(floor(py * j->bh) + j->top, h), y1 = clamp_index(ceil((py + 1) * j->bh) + j->top, h);
        int64_t x0 = clamp_index(floor(px * j->bw) + j->left, w), x1 = clamp_index(ceil((px + 1) * j->bw) + j->left, w);
        int64_t row = (j->plane + i / (j->oh * j->ow)) * h, best = -1;
        for (int64_t a = y0; a < y1; a++)
            for (int64_t b = x0; b < x1; b++) {
                double e = tn_get_f64(x->dtype, x->data, (row + a) * w + b);
                if (!(e <= most || isnan(most))) most = e, best = (row + a) * w + b;
            }
        double none = y1 > y0 && x1 > x0 && v == x ? most : 0;
        if (way->y)
            tn_set_f64(way->y->dtype, way->y->data, j->first + i,
                       best >= 0 ? tn_get_f64(v->dtype, v->data, best) : none);
        else if (best >= 0)
            way->dx[best] += tn_get_f64(v->dtype, v->data, j->first + i);
    }
}

static tn_status roi_pool_run(tn_run *r) {
    roi_way w;
    TN_TRY(way_of(r, &w));
    double scale = (double)((const roi *)r->attrs)->spatial_scale;
    int64_t oh = result_of(&w)->dims[2], ow = result_of(&w)->dims[3], channels = w.x->dims[1];
    if (w.rois->dims[1] != 5) return tn_op_fail(r->node, TN_E_SHAPE, "rois must be [n, 5]");
    for (int64_t k = 0; k < w.rois->dims[0]; k++) {
        double p[5];
        for (int i = 0; i < 5; i++) p[i] = round(tn_get_f64(w.rois->dtype, w.rois->data, k * 5 + i) * (i ? scale : 1));
        if (!(p[0] >= 0 && p[0] < (double)w.x->dims[0]))
            return tn_op_fail(r->node, TN_E_INVALID, "roi %lld names image %g of %lld", (long long)k, p[0],
                              (long long)w.x->dims[0]);
        double bw = fmax(p[3] - p[1] + 1, 1) / (double)ow, bh = fmax(p[4] - p[2] + 1, 1) / (double)oh;
        pool_job j = { .way = &w, .bh = bh, .bw = bw, .left = p[1], .top = p[2], .oh = oh, .ow = ow };
        j.first = k * channels * oh * ow, j.plane = (int64_t)p[0] * channels;
        tn_parallel(w.y ? r->pool : NULL, channels * oh * ow, 64, roi_pool_part, &j);
    }
    return way_finish(r, &w);
}

/* ------------------------------------------------------------------------------------------------------- gradients */

/* (v, X, boxes, images) by `type`, with the orders of the node differentiated, one more by number d of the box (-1: no
 * more). */
static tn_value *derived(tn_grad *g, const char *type, tn_value *v, int first, int d) {
    roi a = { 0 };
    int64_t orders[4];
    if (g->st == TN_OK) g->st = tn_op_fill_attrs(g->node, g->node->op->attrs, &a);
    tn_value *in[] = { v, tn_grad_x(g, first), tn_grad_x(g, first + 1), tn_grad_x(g, first + 2) };
    for (int k = 0; k < 4; k++) orders[k] = (a.orders.n == 4 ? a.orders.v[k] : 0) + (k == d);
    tn_node *node = tn_build_node(&g->build, "tenon", type, in, 4, 1);
    tn_build_keep(&g->build, node, g->node, NULL);
    if (node && g->st == TN_OK && strstr(type, "RoiS")) g->st = tn_attr_set_ints(node, "orders", orders, 4);
    return tn_build_typed(&g->build, node);
}

/* What flows back to the boxes when what is read from v flows `flow`. */
static tn_value *to_boxes(tn_grad *g, tn_value *flow, tn_value *v, int first) {
    tn_value *parts[4];
    for (int d = 0; d < 4; d++) {
        tn_grad_let(g, "flow", flow);
        tn_grad_let(g, "slope", derived(g, "RoiSlope", v, first, d));
        parts[d] = tn_grad_formula(g, "Unsqueeze(ReduceSum{keepdims=0}(flow * slope, [1, 2, 3]), [1])");
    }
    return tn_build_typed_with(&g->build, tn_build_node(&g->build, "", "Concat", parts, 4, 1),
                               tn_attr_of_int("axis", 1));
}

/* Of all three: the image is in front of the boxes, what is read or spread is input 0. */
static tn_status tn_grad_roi_align(tn_grad *g) {
    int arg = g->node->op->arg, first = arg != FORWARD;
    tn_value *dy = tn_grad_dy(g, 0), *v = tn_grad_x(g, 0);
    if (tn_grad_wants(g, 0)) g->dx[0] = derived(g, arg == SPREAD ? "RoiSlope" : "RoiSpread", dy, first, -1);
    if (tn_grad_wants(g, first + 1))
        g->dx[first + 1] = arg == SPREAD ? to_boxes(g, v, dy, first) : to_boxes(g, dy, v, first);
    return g->st;
}

static tn_status tn_grad_max_roi_pool(tn_grad *g) {
    int arg = g->node->op->arg;
    if (tn_grad_wants(g, 0))
        g->dx[0] = derived(g, arg == SPREAD ? "RoiPick" : "MaxRoiPoolBack", tn_grad_dy(g, 0), arg != FORWARD, -1);
    return g->st;
}

/* ------------------------------------------------------------------------------------------------------------ rows */

static const tn_port align_in[] = {
    { "X", TN_FLOATS, 'T' }, { "rois", TN_FLOATS, 'T' }, { "batch_indices", tn_dtype_bit(TN_I64), 0 }, { 0 }
};
#define COORDINATES "half_pixel|output_half_pixel"
#define ALIGN_ATTRS                                                                                              \
    { TN_WORD(roi, coordinate_transformation_mode, COORDINATES, "half_pixel") },                                 \
        { TN_WORD(roi, mode, "avg|max", "avg") }, { TN_INT(roi, output_height, 1), .min = 1, .max = INT32_MAX }, \
        { TN_INT(roi, output_width, 1), .min = 1, .max = INT32_MAX },                                            \
        { TN_INT(roi, sampling_ratio, 0), .min = 0, .max = 1024 }, {                                             \
        TN_FLOAT(roi, spatial_scale, 1)                                                                          \
    }
static const tn_attr_spec align_attrs[] = { ALIGN_ATTRS, { 0 } };
static const tn_attr_spec slope_attrs[] = { ALIGN_ATTRS, { TN_INTS_OF(roi, orders) }, { 0 } };
static const tn_port roi_in[] = { { "X", TN_FLOATS, 'T' }, { "rois", TN_FLOATS, 'T' }, { 0 } };
static const tn_attr_spec roi_attrs[] = { { TN_INTS_OF(roi, pooled_shape), .required = true, .min = 1,
                                            .max = INT32_MAX },
                                          { TN_FLOAT(roi, spatial_scale, 1) },
                                          { 0 } };

static const tn_port align_back_in[] = { { "V", TN_FLOATS, 'T' },
                                         { "X", TN_FLOATS, 'T' },
                                         { "rois", TN_FLOATS, 'T' },
                                         { "batch_indices", tn_dtype_bit(TN_I64), 0 },
                                         { 0 } };
static const tn_port roi_back_in[] = {
    { "V", TN_FLOATS, 'T' }, { "X", TN_FLOATS, 'T' }, { "rois", TN_FLOATS, 'T' }, { 0 }
};

/* Samples of all bins: as many as are asked for, or about one for each element of the picture. */
static tn_status roi_cost(const tn_infer *c, tn_cost *out) {
    tn_dim bins = c->out[0].rank < 0 ? TN_DIM_UNKNOWN : tn_type_count(c->syms, &c->out[0]);
    double ratio = (double)((const roi *)c->attrs)->sampling_ratio, samples = ratio > 0 ? ratio * ratio : 0;
    if (!tn_dim_known(bins)) return TN_OK;
    const tn_type *x = c->in[0];
    if (!(samples > 0) && x->rank == 4 && tn_dim_known(x->dims[2]) && tn_dim_known(x->dims[3]))
        samples = (double)x->dims[2] * (double)x->dims[3];
    out->flops = 8 * (double)bins * (samples < ROI_SAMPLES_MAX ? samples : ROI_SAMPLES_MAX);
    return TN_OK;
}

#define ROW(name_, domain_, since_, flags_, family, in_, attrs_, infer_, grad_, arg_, doc_)                     \
    {                                                                                                           \
        .name = name_, .domain = domain_, .since = since_, .flags = flags_, .in = in_, .out = tn_ports_float_t, \
        TN_ATTRS(attrs_, roi), .infer = infer_, .cost = roi_cost, .run = family, .grad = grad_, .arg = arg_,    \
        .doc = doc_                                                                                             \
    }
#define ALIGN(name, domain, since, flags, in, attrs, infer, arg, doc) \
    ROW(name, domain, since, flags, align_run, in, attrs, infer, tn_grad_roi_align, arg, doc)
#define POOL(name, domain, since, flags, in, infer, arg, doc) \
    ROW(name, domain, since, flags, roi_pool_run, in, roi_attrs, infer, tn_grad_max_roi_pool, arg, doc)
const tn_op tn_ops_roi[] = {
    ALIGN("RoiAlign", NULL, 22, 0, align_in, align_attrs, roi_infer, FORWARD,
          "boxes of an image interpolated to one size"),
    POOL("MaxRoiPool", NULL, 22, 0, roi_in, roi_infer, FORWARD,
         "boxes of an image reduced to one size by the largest element of each bin"),
    ALIGN("RoiSlope", "tenon", 1, TN_OP_INTERNAL, align_back_in, slope_attrs, roi_infer, READ,
          "a derivative of RoiAlign with respect to its boxes"),
    ALIGN("RoiSpread", "tenon", 1, TN_OP_INTERNAL, align_back_in, slope_attrs, back_infer, SPREAD,
          "the gradient of RoiAlign's image"),
    POOL("RoiPick", "tenon", 1, TN_OP_INTERNAL, roi_back_in, roi_infer, READ,
         "the elements that MaxRoiPool chooses, of another image"),
    POOL("MaxRoiPoolBack", "tenon", 1, TN_OP_INTERNAL, roi_back_in, back_infer, SPREAD,
         "the gradient of MaxRoiPool's image"),
    { 0 },
};
