/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* relative_bias.c - com.microsoft.RelativePositionBias: a bias per head for the distance of query and key. */
#include "op/core/grad.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include <math.h>

/* The bucket of a distance from a query to a key (Raffel et al., JMLR 21(140), 2020): exact near by, logarithmic
 * further away, one for all from `far` on. */
static int64_t bucket_of(int64_t distance, int64_t buckets, int64_t far, bool both) {
    int64_t base = 0;
    if (both) {
        buckets /= 2;
        if (distance > 0) base = buckets;
        distance = distance < 0 ? -distance : distance;
    } else {
        distance = distance < 0 ? -distance : 0;
    }
    int64_t exact = buckets / 2;
    if (distance < exact || exact == 0) return base + (exact ? distance : 0);
    double steps = log((double)distance / (double)exact) / log((double)far / (double)exact) * (double)(buckets - exact);
    int64_t b = steps >= (double)(buckets - exact) ? buckets - 1 : exact + (int64_t)(steps > 0 ? steps : 0);
    return base + (b < buckets - 1 ? b : buckets - 1);
}

typedef struct {
    bool is_bidirectional;
    int64_t max_distance;
} bucketing;

static tn_status position_infer(tn_infer *c) {
    tn_dim dims[4] = { 1, TN_DIM_UNKNOWN, TN_DIM_UNKNOWN, TN_DIM_UNKNOWN };
    int64_t v;
    if (tn_infer_rank(c, 0) >= 0 && tn_infer_rank(c, 0) != 2)
        return tn_infer_fail(c, TN_E_SHAPE, "the table has %d dimensions, not 2", tn_infer_rank(c, 0));
    if (tn_infer_rank(c, 0) == 2) dims[1] = c->in[0]->dims[1];
    for (int i = 1; i <= 2; i++)
        if (tn_infer_int(c, i, &v) && v >= 0) dims[1 + i] = v;
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), 4, dims);
    return TN_OK;
}

static tn_status position_run(tn_run *r) {
    const tn_tensor *table = tn_in(r, 0);
    const bucketing *a = r->attrs;
    int64_t size[2], far = a->max_distance, buckets = table->dims[0], heads = table->dims[1];
    bool both = a->is_bidirectional;
    for (int i = 0; i < 2; i++) {
        const tn_tensor *t = tn_in(r, i + 1);
        size[i] = tn_count(t) == 1 ? tn_get_i64(t->dtype, t->data, 0) : -1;
        if (size[i] < 0) return tn_op_fail(r->node, TN_E_INVALID, "input %d is not one length", i + 1);
    }
    if (buckets < (both ? 4 : 2) || far <= buckets / (both ? 4 : 2))
        return tn_op_fail(r->node, TN_E_INVALID, "%lld buckets for distances up to %lld", (long long)buckets,
                          (long long)far);
    TN_TRY(tn_run_alloc(r, 0, table->dtype, 4, (int64_t[]){ 1, heads, size[0], size[1] }));
    tn_tensor *y = tn_out(r, 0);
    for (int64_t h = 0; h < heads; h++)
        for (int64_t q = 0; q < size[0]; q++)
            for (int64_t k = 0; k < size[1]; k++)
                tn_op_copy_element(y, (h * size[0] + q) * size[1] + k, table,
                                   bucket_of(k - q, buckets, far, both) * heads + h);
    return TN_OK;
}

/* Every number of the result is one of the table's: which one, the node says when the table counts. */
static tn_status grad_of_relative_bias(tn_grad *g) {
    tn_grad_let(g, "count", tn_grad_positions(g, tn_grad_x(g, 0)));
    tn_value *said = tn_grad_again(g, tn_grad_formula(g, "Cast{to=1}(count)"));
    tn_grad_let(g, "said", said);
    if (tn_grad_wants(g, 0))
        g->dx[0] = tn_grad_scatter(g, g->dy[0], tn_grad_formula(g, "Cast{to=7}(said)"), tn_grad_x(g, 0));
    return g->st;
}

static const tn_port position_in[] = {
    { "bias_table", TN_FLOATS, 'T' }, { "query_length", TN_INDEX, 0 }, { "key_length", TN_INDEX, 0 }, { 0 }
};
static const tn_attr_spec position_attrs[] = { { TN_FLAG(bucketing, is_bidirectional, false) },
                                               { TN_INT(bucketing, max_distance, 1), .required = true, .min = 1,
                                                 .max = INT32_MAX },
                                               { 0 } };

const tn_op tn_ops_relative_bias[] = {
    { .name = "RelativePositionBias",
      .domain = "com.microsoft",
      .since = 1,
      .flags = TN_OP_DYNAMIC,
      .in = position_in,
      .out = tn_ports_float_t,
      TN_ATTRS(position_attrs, bucketing),
      .infer = position_infer,
      .run = position_run,
      .grad = grad_of_relative_bias,
      .doc = "a bias per head for the distance of query and key, by buckets" },
    { 0 },
};
