/* detection.c - NonMaxSuppression, RoiAlign, MaxRoiPool: boxes chosen by score and overlap, and features read inside
 * boxes. */
#include "op/grad.h"
#include "op/ports.h"
#include "op/support.h"
#include <math.h>
#include <stdlib.h>

/* --------------------------------------------------------------------------------------------- NonMaxSuppression */

typedef struct {
    float score;
    int64_t box;
} candidate;

typedef struct {
    float y0, x0, y1, x1, area;
} corners;

static tn_status nms_infer(tn_infer *c) {
    int boxes = tn_infer_rank(c, 0), scores = tn_infer_rank(c, 1);
    if ((boxes >= 0 && boxes != 3) || (scores >= 0 && scores != 3))
        return tn_infer_fail(c, TN_E_SHAPE, "boxes and scores must have 3 dimensions");
    tn_infer_out(c, 0, TN_I64, 2, (tn_dim[]){ TN_DIM_UNKNOWN, 3 });
    return TN_OK;
}

/* Higher scores first; equal ones in the order of the boxes. */
static int by_score(const void *a, const void *b) {
    const candidate *p = a, *q = b;
    if (p->score != q->score) return p->score > q->score ? -1 : 1;
    return (p->box > q->box) - (p->box < q->box);
}

static corners corners_of(const float *b, bool centre) {
    corners k;
    if (centre) {
        k = (corners){ b[1] - b[3] / 2, b[0] - b[2] / 2, b[1] + b[3] / 2, b[0] + b[2] / 2, 0 };
    } else {
        k = (corners){ fminf(b[0], b[2]), fminf(b[1], b[3]), fmaxf(b[0], b[2]), fmaxf(b[1], b[3]), 0 };
    }
    k.area = (k.y1 - k.y0) * (k.x1 - k.x0);
    return k;
}

static bool overlaps(const corners *a, const corners *b, float threshold) {
    float h = fminf(a->y1, b->y1) - fmaxf(a->y0, b->y0), w = fminf(a->x1, b->x1) - fmaxf(a->x0, b->x0);
    if (!(h > 0) || !(w > 0) || !(a->area > 0) || !(b->area > 0)) return false;
    return h * w / (a->area + b->area - h * w) > threshold;
}

static double scalar_or(const tn_run *r, int i, double dflt) {
    const tn_tensor *t = tn_in(r, i);
    return t && tn_count(t) > 0 ? tn_get_f64(t->dtype, t->data, 0) : dflt;
}

/* Keeps boxes of one class; kept[] receives their numbers. returns how many */
static int64_t suppress(const corners *box, candidate *c, int64_t n, int64_t most, float threshold, int64_t *kept) {
    int64_t count = 0;
    qsort(c, (size_t)n, sizeof *c, by_score);
    for (int64_t i = 0; i < n && count < most; i++) {
        bool free_of_others = true;
        for (int64_t k = 0; k < count && free_of_others; k++)
            free_of_others = !overlaps(&box[c[i].box], &box[kept[k]], threshold);
        if (free_of_others) kept[count++] = c[i].box;
    }
    return count;
}

typedef struct {
    const float *boxes, *scores;
    int64_t n, classes, most, *kept, *count;
    float overlap, least;
    bool bounded;
    corners *box;
    candidate *room; /* n per thread */
} nms_job;

/* Classes begin .. end - 1 of all images. */
static void nms_part(void *arg, int64_t begin, int64_t end, int thread) {
    const nms_job *j = arg;
    candidate *c = j->room + thread * j->n;
    for (int64_t k = begin; k < end; k++) {
        const float *s = j->scores + k * j->n;
        int64_t m = 0;
        for (int64_t i = 0; i < j->n; i++)
            if (j->bounded ? s[i] > j->least : s[i] == s[i]) c[m++] = (candidate){ s[i], i };
        j->count[k] = suppress(j->box + k / j->classes * j->n, c, m, j->most, j->overlap, j->kept + k * j->most);
    }
}

static tn_status nms_run(tn_run *r) {
    const tn_tensor *boxes = tn_in(r, 0), *scores = tn_in(r, 1), *limit = tn_in(r, 2);
    int64_t batch = boxes->dims[0], n = boxes->dims[1], classes = scores->dims[1];
    if (boxes->dims[2] != 4 || scores->dims[0] != batch || scores->dims[2] != n)
        return tn_op_fail(r->node, TN_E_SHAPE, "boxes must be [batch, n, 4] and scores [batch, classes, n]");
    int64_t most = limit && tn_count(limit) ? tn_get_i64(limit->dtype, limit->data, 0) : 0, total = 0;
    most = most < 0 ? 0 : most > n ? n : most;
    float overlap = (float)scalar_or(r, 3, 0), least = (float)scalar_or(r, 4, -INFINITY);
    bool centre = tn_attr_int(r->node, "center_point_box", 0) != 0;
    size_t kept_bytes;
    if (!tn_mul_size((size_t)(batch * classes), (size_t)most * sizeof(int64_t), &kept_bytes))
        return tn_fail(TN_E_LIMIT, "too many boxes");
    int64_t *kept = tn_run_scratch(r, kept_bytes);
    int64_t *count = tn_run_scratch(r, (size_t)(batch * classes) * sizeof *count);
    nms_job j = { .boxes = boxes->data, .scores = scores->data, .n = n, .classes = classes, .most = most };
    j.overlap = overlap, j.least = least, j.bounded = tn_run_has(r, 4);
    j.kept = kept, j.count = count;
    j.box = tn_run_scratch(r, (size_t)(batch * n) * sizeof *j.box);
    j.room = tn_run_scratch(r, (size_t)(n * tn_pool_threads(r->pool)) * sizeof *j.room);
    if (!kept || !count || !j.box || !j.room) return tn_fail(TN_E_NOMEM, "no memory for boxes");
    for (int64_t i = 0; i < batch * n; i++) j.box[i] = corners_of(j.boxes + i * 4, centre);
    tn_parallel(r->pool, batch * classes, 1 + 256 / (n + 1), nms_part, &j);
    for (int64_t k = 0; k < batch * classes; k++) total += count[k];
    TN_TRY(tn_run_alloc(r, 0, TN_I64, 2, (int64_t[]){ total, 3 }));
    int64_t *out = tn_out(r, 0)->data;
    for (int64_t k = 0; k < batch * classes; k++)
        for (int64_t i = 0; i < count[k]; i++, out += 3)
            out[0] = k / classes, out[1] = k % classes, out[2] = kept[k * most + i];
    return TN_OK;
}

/* --------------------------------------------------------------------------------------------- regions of interest */

enum { ROI_SAMPLES_MAX = 1 << 20 }; /* per bin; more means boxes that are not numbers of this world */

static tn_status roi_infer(tn_infer *c) {
    tn_dim h = tn_attr_int(c->node, "output_height", 1), w = tn_attr_int(c->node, "output_width", 1);
    int n;
    const int64_t *pooled = tn_attr_ints(c->node, "pooled_shape", &n);
    if (pooled && n != 2) return tn_infer_fail(c, TN_E_INVALID, "pooled_shape needs 2 numbers");
    if (pooled) h = pooled[0], w = pooled[1];
    if ((tn_infer_rank(c, 0) >= 0 && tn_infer_rank(c, 0) != 4) ||
        (tn_infer_rank(c, 1) >= 0 && tn_infer_rank(c, 1) != 2))
        return tn_infer_fail(c, TN_E_SHAPE, "X must have 4 dimensions and rois 2");
    tn_dim rois = tn_infer_rank(c, 1) == 2 ? c->in[1]->dims[0] : TN_DIM_UNKNOWN;
    tn_dim channels = tn_infer_rank(c, 0) == 4 ? c->in[0]->dims[1] : TN_DIM_UNKNOWN;
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), 4, (tn_dim[]){ rois, channels, h, w });
    return TN_OK;
}

/* The two neighbours of a coordinate and the weight of the second; false outside (-1, len). */
static bool neighbours(double v, int64_t len, int64_t *lo, int64_t *hi, double *t) {
    if (!(v >= -1 && v <= (double)len)) return false;
    v = v < 0 ? 0 : v;
    *lo = (int64_t)v;
    if (*lo >= len - 1) *lo = len - 1, v = (double)*lo;
    *hi = *lo + 1 < len ? *lo + 1 : *lo;
    *t = v - (double)*lo;
    return true;
}

typedef struct {
    double y, x, bin_h, bin_w; /* of the bin: its corner and size */
    int64_t gh, gw;            /* samples in it */
    bool max;
    double *back; /* the image's gradient, when what flows back to it is wanted: `flow` of this bin */
    double flow;
} roi_bin;

/* What a bin gives back to the four neighbours of a sample, with weights w. */
static void give_back(const roi_bin *b, const int64_t *at, const double *w, double by) {
    for (int k = 0; k < 4; k++) b->back[at[k]] += w[k] * by;
}

static double sample_bin(const tn_tensor *x, int64_t plane, const roi_bin *b) {
    int64_t h = x->dims[2], w = x->dims[3], y0, y1, x0, x1, base = plane * h * w, best = -1;
    double sum = 0, most = -INFINITY, ty, tx, best_weight = 0;
    for (int64_t i = 0; i < b->gh; i++)
        for (int64_t j = 0; j < b->gw; j++) {
            double v[4] = { 0 }, weight[4] = { 0 };
            int64_t at[4] = { base, base, base, base };
            if (neighbours(b->y + ((double)i + 0.5) * b->bin_h / (double)b->gh, h, &y0, &y1, &ty) &&
                neighbours(b->x + ((double)j + 0.5) * b->bin_w / (double)b->gw, w, &x0, &x1, &tx)) {
                int64_t rows[4] = { y0, y0, y1, y1 }, columns[4] = { x0, x1, x0, x1 };
                double wy[4] = { 1 - ty, 1 - ty, ty, ty }, wx[4] = { 1 - tx, tx, 1 - tx, tx };
                for (int k = 0; k < 4; k++) {
                    at[k] = base + rows[k] * w + columns[k], weight[k] = wy[k] * wx[k];
                    v[k] = weight[k] * tn_get_f64(x->dtype, x->data, at[k]);
                }
            }
            sum += v[0] + v[1] + v[2] + v[3];
            if (b->back && !b->max) give_back(b, at, weight, b->flow / (double)(b->gh * b->gw));
            for (int k = 0; k < 4; k++) /* of weighted corners, as the standard has it */
                if (v[k] > most) most = v[k], best = at[k], best_weight = weight[k];
        }
    if (b->back && b->max && best >= 0) b->back[best] += best_weight * b->flow;
    if (b->gh * b->gw == 0) return 0;
    return b->max ? most : sum / (double)(b->gh * b->gw);
}

/* The back rows take the flow as a first input and give the image's gradient, summed in float64. */
typedef struct {
    int first;             /* index of X among the inputs */
    const tn_tensor *flow; /* NULL: forward */
    double *dx;
} roi_way;

static tn_status way_of(tn_run *r, roi_way *w) {
    *w = (roi_way){ 0 };
    if (!(r->node->op->flags & TN_OP_INTERNAL)) return TN_OK;
    w->first = 1, w->flow = tn_in(r, 0);
    size_t bytes = (size_t)tn_count(tn_in(r, 1)) * sizeof *w->dx;
    if (!(w->dx = tn_run_scratch(r, bytes + 64))) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for its sums");
    memset(w->dx, 0, bytes);
    return TN_OK;
}

static tn_status way_finish(tn_run *r, const roi_way *w) {
    tn_tensor *y = tn_out(r, 0);
    if (!w->flow) return TN_OK;
    return tn_convert(TN_F64, w->dx, y->dtype, y->data, tn_count(y), true, TN_ROUND_NEAREST);
}

typedef struct {
    const tn_tensor *x, *flow;
    tn_tensor *y;
    double *dx, top, left;
    int64_t oh, ow, first, plane; /* first: bin of the result; plane: of the image's first channel */
    roi_bin bin;
} align_job;

static void align_part(void *arg, int64_t begin, int64_t end, int thread) {
    const align_job *j = arg;
    roi_bin b = j->bin;
    b.back = j->dx;
    for (int64_t i = begin; i < end; i++) {
        b.y = j->top + (double)(i / j->ow % j->oh) * b.bin_h, b.x = j->left + (double)(i % j->ow) * b.bin_w;
        if (j->flow) b.flow = tn_get_f64(j->flow->dtype, j->flow->data, j->first + i);
        double v = sample_bin(j->x, j->plane + i / (j->oh * j->ow), &b);
        if (j->y) tn_set_f64(j->y->dtype, j->y->data, j->first + i, v);
    }
}

static tn_status align_run(tn_run *r) {
    roi_way way;
    TN_TRY(way_of(r, &way));
    const tn_tensor *x = tn_in(r, way.first), *rois = tn_in(r, way.first + 1), *which = tn_in(r, way.first + 2);
    const tn_tensor *y = way.flow ? way.flow : tn_out(r, 0);
    bool half = tn_attr_is(r->node, "coordinate_transformation_mode", "half_pixel", "half_pixel");
    double scale = (double)tn_attr_float(r->node, "spatial_scale", 1), shift = half ? 0.5 : 0;
    int64_t ratio = tn_attr_int(r->node, "sampling_ratio", 0), oh = y->dims[2], ow = y->dims[3], *batch;
    if (rois->dims[1] != 4 || tn_count(which) != rois->dims[0])
        return tn_op_fail(r->node, TN_E_SHAPE, "rois must be [n, 4] and batch_indices [n]");
    TN_TRY(tn_op_indices(r, which, x->dims[0], &batch));
    if (tn_count(y) == 0) return way_finish(r, &way);
    if (x->dims[2] == 0 || x->dims[3] == 0) return tn_op_fail(r->node, TN_E_SHAPE, "X is empty");
    for (int64_t k = 0; k < rois->dims[0]; k++) {
        double p[4];
        for (int i = 0; i < 4; i++) p[i] = tn_get_f64(rois->dtype, rois->data, k * 4 + i) * scale - shift;
        double w = p[2] - p[0], h = p[3] - p[1];
        if (!half) w = fmax(w, 1), h = fmax(h, 1);
        double gh = ratio > 0 ? (double)ratio : ceil(h / (double)oh),
               gw = ratio > 0 ? (double)ratio : ceil(w / (double)ow);
        if (!(gh * gw <= ROI_SAMPLES_MAX && gh <= ROI_SAMPLES_MAX && gw <= ROI_SAMPLES_MAX))
            return tn_op_fail(r->node, TN_E_LIMIT, "roi %lld needs more than %d samples per bin", (long long)k,
                              ROI_SAMPLES_MAX);
        roi_bin b = { .bin_h = h / (double)oh,
                      .bin_w = w / (double)ow,
                      .gh = gh > 0 ? (int64_t)gh : 0,
                      .gw = gw > 0 ? (int64_t)gw : 0 };
        b.max = tn_attr_is(r->node, "mode", "max", "avg");
        align_job j = { .x = x, .flow = way.flow, .y = way.flow ? NULL : tn_out(r, 0), .bin = b, .dx = way.dx };
        j.top = p[1], j.left = p[0], j.oh = oh, j.ow = ow, j.first = k * x->dims[1] * oh * ow;
        j.plane = batch[k] * x->dims[1];
        /* what flows back is summed, so by one thread */
        tn_parallel(way.flow ? NULL : r->pool, x->dims[1] * oh * ow, 1 + 256 / (b.gh * b.gw + 1), align_part, &j);
    }
    return way_finish(r, &way);
}

static int64_t clamp_index(double v, int64_t len) { return !(v > 0) ? 0 : v >= (double)len ? len : (int64_t)v; }

typedef struct {
    const tn_tensor *x, *flow;
    tn_tensor *y;
    double *dx, top, left, bh, bw;
    int64_t oh, ow, first, plane;
} pool_job;

static void roi_pool_part(void *arg, int64_t begin, int64_t end, int thread) {
    const pool_job *j = arg;
    const tn_tensor *x = j->x;
    int64_t h = x->dims[2], w = x->dims[3];
    for (int64_t i = begin; i < end; i++) {
        double py = (double)(i / j->ow % j->oh), px = (double)(i % j->ow), most = -INFINITY;
        int64_t y0 = clamp_index(floor(py * j->bh) + j->top, h), y1 = clamp_index(ceil((py + 1) * j->bh) + j->top, h);
        int64_t x0 = clamp_index(floor(px * j->bw) + j->left, w), x1 = clamp_index(ceil((px + 1) * j->bw) + j->left, w);
        int64_t row = (j->plane + i / (j->oh * j->ow)) * h, best = -1;
        for (int64_t a = y0; a < y1; a++)
            for (int64_t b = x0; b < x1; b++) {
                double v = tn_get_f64(x->dtype, x->data, (row + a) * w + b);
                if (v > most) most = v, best = (row + a) * w + b;
            }
        if (j->y)
            tn_set_f64(j->y->dtype, j->y->data, j->first + i, y1 > y0 && x1 > x0 ? most : 0);
        else if (best >= 0)
            j->dx[best] += tn_get_f64(j->flow->dtype, j->flow->data, j->first + i);
    }
}

static tn_status roi_pool_run(tn_run *r) {
    roi_way way;
    TN_TRY(way_of(r, &way));
    const tn_tensor *x = tn_in(r, way.first), *rois = tn_in(r, way.first + 1);
    const tn_tensor *y = way.flow ? way.flow : tn_out(r, 0);
    double scale = (double)tn_attr_float(r->node, "spatial_scale", 1);
    int64_t oh = y->dims[2], ow = y->dims[3], channels = x->dims[1];
    if (rois->dims[1] != 5) return tn_op_fail(r->node, TN_E_SHAPE, "rois must be [n, 5]");
    for (int64_t k = 0; k < rois->dims[0]; k++) {
        double p[5];
        for (int i = 0; i < 5; i++) p[i] = round(tn_get_f64(rois->dtype, rois->data, k * 5 + i) * (i ? scale : 1));
        if (!(p[0] >= 0 && p[0] < (double)x->dims[0]))
            return tn_op_fail(r->node, TN_E_INVALID, "roi %lld names image %g of %lld", (long long)k, p[0],
                              (long long)x->dims[0]);
        double bw = fmax(p[3] - p[1] + 1, 1) / (double)ow, bh = fmax(p[4] - p[2] + 1, 1) / (double)oh;
        pool_job j = {
            .x = x, .flow = way.flow, .y = way.flow ? NULL : tn_out(r, 0), .dx = way.dx, .bh = bh, .bw = bw
        };
        j.left = p[1], j.top = p[2], j.oh = oh, j.ow = ow, j.first = k * channels * oh * ow;
        j.plane = (int64_t)p[0] * channels;
        tn_parallel(way.flow ? NULL : r->pool, channels * oh * ow, 64, roi_pool_part, &j);
    }
    return way_finish(r, &way);
}

/* ------------------------------------------------------------------------------------------------------- gradients */

static tn_status back_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 1);
    tn_infer_out(c, 0, tn_infer_dtype(c, 1), rank, rank < 0 ? NULL : c->in[1]->dims);
    return TN_OK;
}

static tn_status back(tn_grad *g, const char *type) {
    if (tn_grad_wants(g, 1)) return tn_op_fail(g->node, TN_E_UNSUPPORTED, "boxes have no gradient");
    tn_value *in[] = { tn_grad_dy(g, 0), tn_grad_x(g, 0), tn_grad_x(g, 1), tn_grad_x(g, 2) };
    tn_node *n = tn_grad_node_n(g, "tenon", type, in, 4, 1);
    tn_grad_copy_attrs(g, n, g->node);
    g->dx[0] = tn_grad_made(g, n);
    return g->st;
}

tn_status tn_grad_roi_align(tn_grad *g) { return back(g, "RoiAlignBack"); }
tn_status tn_grad_max_roi_pool(tn_grad *g) { return back(g, "MaxRoiPoolBack"); }

/* ----------------------------------------------------------------------------------------------------------- rows */

static const tn_port nms_in[] = { { "boxes", tn_dtype_bit(TN_F32), 0 },
                                  { "scores", tn_dtype_bit(TN_F32), 0 },
                                  { "max_output_boxes_per_class", tn_dtype_bit(TN_I64), 0, .optional = true },
                                  { "iou_threshold", tn_dtype_bit(TN_F32), 0, .optional = true },
                                  { "score_threshold", tn_dtype_bit(TN_F32), 0, .optional = true },
                                  { 0 } };
static const tn_attr_spec nms_attrs[] = { { "center_point_box", TN_ATTR_INT, .min = 0, .max = 1 }, { 0 } };
static const tn_port align_in[] = {
    { "X", TN_FLOATS, 'T' }, { "rois", TN_FLOATS, 'T' }, { "batch_indices", tn_dtype_bit(TN_I64), 0 }, { 0 }
};
static const tn_attr_spec align_attrs[] = { { "coordinate_transformation_mode", TN_ATTR_STRING,
                                              .words = "half_pixel|output_half_pixel" },
                                            { "mode", TN_ATTR_STRING, .words = "avg|max" },
                                            { "output_height", TN_ATTR_INT, .min = 1, .max = INT32_MAX },
                                            { "output_width", TN_ATTR_INT, .min = 1, .max = INT32_MAX },
                                            { "sampling_ratio", TN_ATTR_INT, .min = 0, .max = 1024 },
                                            { "spatial_scale", TN_ATTR_FLOAT },
                                            { 0 } };
static const tn_port roi_in[] = { { "X", TN_FLOATS, 'T' }, { "rois", TN_FLOATS, 'T' }, { 0 } };
static const tn_attr_spec roi_attrs[] = { { "pooled_shape", TN_ATTR_INTS, .required = true, .min = 1,
                                            .max = INT32_MAX },
                                          { "spatial_scale", TN_ATTR_FLOAT },
                                          { 0 } };

static const tn_port align_back_in[] = { { "dY", TN_FLOATS, 'T' },
                                         { "X", TN_FLOATS, 'T' },
                                         { "rois", TN_FLOATS, 'T' },
                                         { "batch_indices", tn_dtype_bit(TN_I64), 0 },
                                         { 0 } };
static const tn_port roi_back_in[] = {
    { "dY", TN_FLOATS, 'T' }, { "X", TN_FLOATS, 'T' }, { "rois", TN_FLOATS, 'T' }, { 0 }
};

const tn_op tn_ops_detection[] = {
    { .name = "NonMaxSuppression",
      .since = 11,
      .flags = TN_OP_DYNAMIC,
      .in = nms_in,
      .out = tn_ports_i64,
      .attrs = nms_attrs,
      .infer = nms_infer,
      .run = nms_run,
      .grad = tn_grad_none,
      .doc = "boxes in falling order of score, without those that overlap a better one" },
    { .name = "RoiAlign",
      .since = 22,
      .in = align_in,
      .out = tn_ports_float_t,
      .attrs = align_attrs,
      .infer = roi_infer,
      .run = align_run,
      .grad = tn_grad_roi_align,
      .doc = "boxes of an image interpolated to one size" },
    { .name = "MaxRoiPool",
      .since = 22,
      .in = roi_in,
      .out = tn_ports_float_t,
      .attrs = roi_attrs,
      .infer = roi_infer,
      .run = roi_pool_run,
      .grad = tn_grad_max_roi_pool,
      .doc = "boxes of an image reduced to one size by the largest element of each bin" },
    { .name = "RoiAlignBack",
      .domain = "tenon",
      .since = 1,
      .flags = TN_OP_INTERNAL,
      .in = align_back_in,
      .out = tn_ports_float_t,
      .attrs = align_attrs,
      .infer = back_infer,
      .run = align_run,
      .doc = "what flows back through RoiAlign to the image" },
    { .name = "MaxRoiPoolBack",
      .domain = "tenon",
      .since = 1,
      .flags = TN_OP_INTERNAL,
      .in = roi_back_in,
      .out = tn_ports_float_t,
      .attrs = roi_attrs,
      .infer = back_infer,
      .run = roi_pool_run,
      .doc = "what flows back through MaxRoiPool to the image" },
    { 0 },
};
