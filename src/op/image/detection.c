/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* detection.c - NonMaxSuppression: boxes chosen by score and overlap. */
#include "base/budget.h"
#include "base/sort.h"
#include "op/core/grad.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include <math.h>

/* --------------------------------------------------------------------------------------------- NonMaxSuppression */

typedef struct {
    float score;
    int64_t box;
} candidate;

typedef struct {
    float y0, x0, y1, x1, area;
} corners;

typedef struct {
    bool center_point_box;
} settings;

static tn_status nms_infer(tn_infer *c) {
    int boxes = tn_infer_rank(c, 0), scores = tn_infer_rank(c, 1);
    if ((boxes >= 0 && boxes != 3) || (scores >= 0 && scores != 3))
        return tn_infer_fail(c, TN_E_SHAPE, "boxes and scores must have 3 dimensions");
    tn_infer_out(c, 0, TN_I64, 2, (tn_dim[]){ TN_DIM_UNKNOWN, 3 });
    return TN_OK;
}

/* At worst every box is compared with all that were kept: some ten operations each. */
static tn_status nms_cost(const tn_infer *c, tn_cost *out) {
    if (tn_infer_rank(c, 1) != 3) return TN_OK;
    const tn_dim *d = c->in[1]->dims;
    if (tn_dim_known(d[0]) && tn_dim_known(d[1]) && tn_dim_known(d[2]))
        out->flops = 10 * (double)d[0] * (double)d[1] * (double)d[2] * (double)d[2] / 2;
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
    tn_ticks ticks = { 0 };
    tn_sort(c, (size_t)n, sizeof *c, by_score);
    for (int64_t i = 0; i < n && count < most && !tn_ticks_stopped(&ticks, 2 * (uint64_t)count + 1); i++) {
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
    tn_ticks ticks = { 0 };
    for (int64_t k = begin; k < end; k++) {
        const float *s = j->scores + k * j->n;
        int64_t m = 0;
        for (int64_t i = 0; i < j->n; i++) {
            if (tn_ticks_stopped(&ticks, 4)) return;
            if (j->bounded ? s[i] > j->least : s[i] == s[i]) c[m++] = (candidate){ s[i], i };
        }
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
    bool centre = ((const settings *)r->attrs)->center_point_box;
    size_t kept_bytes;
    if (!tn_mul_size((size_t)(batch * classes), (size_t)most * sizeof(int64_t), &kept_bytes))
        return tn_op_fail(r->node, TN_E_LIMIT, "too many boxes");
    int64_t *kept = tn_run_scratch(r, kept_bytes);
    int64_t *count = tn_run_scratch(r, (size_t)(batch * classes) * sizeof *count);
    nms_job j = { .boxes = boxes->data, .scores = scores->data, .n = n, .classes = classes, .most = most };
    j.overlap = overlap, j.least = least, j.bounded = tn_run_has(r, 4);
    j.kept = kept, j.count = count;
    j.box = tn_run_scratch(r, (size_t)(batch * n) * sizeof *j.box);
    j.room = tn_run_scratch(r, (size_t)(n * tn_pool_threads(r->pool)) * sizeof *j.room);
    if (!kept || !count || !j.box || !j.room) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for boxes");
    tn_ticks ticks = { 0 };
    for (int64_t i = 0; i < batch * n && !tn_ticks_stopped(&ticks, 8); i++)
        j.box[i] = corners_of(j.boxes + i * 4, centre);
    tn_parallel(r->pool, batch * classes, 1 + 256 / (n + 1), nms_part, &j);
    if (tn_budget_stopped()) return tn_op_stopped(r); /* not all were counted */
    for (int64_t k = 0; k < batch * classes; k++) total += count[k];
    TN_TRY(tn_run_alloc(r, 0, TN_I64, 2, (int64_t[]){ total, 3 }));
    int64_t *out = tn_out(r, 0)->data;
    for (int64_t k = 0; k < batch * classes; k++)
        for (int64_t i = 0; i < count[k]; i++, out += 3)
            out[0] = k / classes, out[1] = k % classes, out[2] = kept[k * most + i];
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- rows */

static const tn_port nms_in[] = { { "boxes", tn_dtype_bit(TN_F32), 0 },
                                  { "scores", tn_dtype_bit(TN_F32), 0 },
                                  { "max_output_boxes_per_class", tn_dtype_bit(TN_I64), 0, .optional = true },
                                  { "iou_threshold", tn_dtype_bit(TN_F32), 0, .optional = true },
                                  { "score_threshold", tn_dtype_bit(TN_F32), 0, .optional = true },
                                  { 0 } };
static const tn_attr_spec nms_attrs[] = { { TN_FLAG(settings, center_point_box, false), .min = 0, .max = 1 }, { 0 } };

const tn_op tn_ops_detection[] = {
    { .name = "NonMaxSuppression",
      .since = 11,
      .flags = TN_OP_DYNAMIC,
      .in = nms_in,
      .out = tn_ports_i64,
      TN_ATTRS(nms_attrs, settings),
      .infer = nms_infer,
      .cost = nms_cost,
      .run = nms_run,
      .grad = tn_grad_none,
      .doc = "boxes in falling order of score, without those that overlap a better one" },
    { 0 },
};
