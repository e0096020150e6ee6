/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* contrib.c - operators of com.microsoft that have no kin: Inverse, CDist, MurmurHash3, RelativePositionBias. */
#include "base/budget.h"
#include "op/grad.h"
#include "op/ports.h"
#include "op/support.h"
#include <math.h>
#include <string.h>

/* -------------------------------------------------------------------------------------------------------- Inverse */

static tn_status inverse_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    if (rank >= 0 && rank < 2) return tn_infer_fail(c, TN_E_SHAPE, "the input has %d dimensions, not 2 or more", rank);
    if (rank >= 2) {
        tn_dim a = c->in[0]->dims[rank - 2], b = c->in[0]->dims[rank - 1];
        if (tn_dim_known(a) && tn_dim_known(b) && a != b)
            return tn_infer_fail(c, TN_E_SHAPE, "matrices of %lld x %lld are not square", (long long)a, (long long)b);
    }
    return tn_infer_same(c);
}

/* a [n, 2 n] holds the matrix and the unit matrix; Gauss and Jordan turn it into the unit matrix and the inverse. A
 * singular matrix gives infinities and NaN. */
static void eliminate(double *a, int64_t n) {
    int64_t w = 2 * n;
    tn_ticks ticks = { 0 };
    for (int64_t i = 0; i < n; i++) {
        int64_t best = i;
        for (int64_t r = i + 1; r < n; r++)
            if (fabs(a[r * w + i]) > fabs(a[best * w + i])) best = r;
        for (int64_t k = 0; k < w && best != i; k++) {
            double t = a[i * w + k];
            a[i * w + k] = a[best * w + k], a[best * w + k] = t;
        }
        double by = 1 / a[i * w + i];
        for (int64_t k = 0; k < w; k++) a[i * w + k] *= by;
        for (int64_t r = 0; r < n; r++) {
            double f = a[r * w + i];
            if (tn_ticks_stopped(&ticks, (uint64_t)w)) return;
            if (r == i || f == 0) continue;
            for (int64_t k = i; k < w; k++) a[r * w + k] -= f * a[i * w + k];
        }
    }
}

typedef struct {
    const tn_tensor *x;
    tn_tensor *y;
    double *room;
    int64_t n;
} inverse_job;

static void inverse_part(void *arg, int64_t begin, int64_t end, int thread) {
    const inverse_job *j = arg;
    int64_t n = j->n;
    double *a = j->room + thread * 2 * n * n;
    for (int64_t m = begin; m < end; m++) {
        for (int64_t i = 0; i < n; i++)
            for (int64_t k = 0; k < n; k++) {
                a[i * 2 * n + k] = tn_get_f64(j->x->dtype, j->x->data, (m * n + i) * n + k);
                a[i * 2 * n + n + k] = i == k;
            }
        eliminate(a, n);
        for (int64_t i = 0; i < n; i++)
            for (int64_t k = 0; k < n; k++)
                tn_set_f64(j->y->dtype, j->y->data, (m * n + i) * n + k, a[i * 2 * n + n + k]);
    }
}

static tn_status inverse_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    inverse_job j = { x, tn_out(r, 0), NULL, x->dims[x->rank - 1] };
    if (tn_count(x) == 0) return TN_OK;
    j.room = tn_run_scratch(r, (size_t)(2 * j.n * j.n) * sizeof(double) * (size_t)tn_pool_threads(r->pool));
    if (!j.room) return tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    int64_t work = j.n * j.n * j.n;
    tn_parallel(r->pool, tn_count(x) / (j.n * j.n), work > 65536 ? 1 : 65536 / work, inverse_part, &j);
    return TN_OK;
}

/* ---------------------------------------------------------------------------------------------------------- CDist */

static tn_status cdist_infer(tn_infer *c) {
    tn_dim dims[2] = { TN_DIM_UNKNOWN, TN_DIM_UNKNOWN };
    for (int i = 0; i < 2; i++) {
        if (tn_infer_rank(c, i) < 0) continue;
        if (tn_infer_rank(c, i) != 2)
            return tn_infer_fail(c, TN_E_SHAPE, "input %d has %d dimensions, not 2", i, tn_infer_rank(c, i));
        dims[i] = c->in[i]->dims[0];
    }
    if (tn_infer_rank(c, 0) == 2 && tn_infer_rank(c, 1) == 2) {
        tn_dim a = c->in[0]->dims[1], b = c->in[1]->dims[1];
        if (tn_dim_known(a) && tn_dim_known(b) && a != b)
            return tn_infer_fail(c, TN_E_SHAPE, "points of %lld and of %lld numbers", (long long)a, (long long)b);
    }
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), 2, dims);
    return TN_OK;
}

typedef struct {
    const tn_tensor *a, *b;
    tn_tensor *y;
    bool root;
} cdist_job;

static void cdist_part(void *arg, int64_t begin, int64_t end, int thread) {
    const cdist_job *j = arg;
    int64_t n = j->b->dims[0], k = j->a->dims[1];
    for (int64_t i = begin; i < end; i++) {
        double s = 0;
        for (int64_t e = 0; e < k; e++) {
            double d =
                tn_get_f64(j->a->dtype, j->a->data, i / n * k + e) - tn_get_f64(j->b->dtype, j->b->data, i % n * k + e);
            s += d * d;
        }
        tn_set_f64(j->y->dtype, j->y->data, i, j->root ? sqrt(s) : s);
    }
}

typedef struct {
    int metric; /* 0: euclidean */
} metrics;

static tn_status cdist_run(tn_run *r) {
    cdist_job j = { tn_in(r, 0), tn_in(r, 1), tn_out(r, 0), ((const metrics *)r->attrs)->metric == 0 };
    tn_parallel(r->pool, tn_count(j.y), 16384 / (j.a->dims[1] + 1) + 1, cdist_part, &j);
    return TN_OK;
}

/* ---------------------------------------------------------------------------------------------------- MurmurHash3 */

static uint32_t turned(uint32_t v, int by) { return v << by | v >> (32 - by); }

/* MurmurHash3 for 32-bit machines; the algorithm is Austin Appleby's, in the public domain. */
static uint32_t murmur3(const uint8_t *p, size_t n, uint32_t h) {
    const uint32_t c1 = 0xcc9e2d51, c2 = 0x1b873593;
    size_t whole = n / 4 * 4;
    uint32_t k;
    for (size_t i = 0; i < whole; i += 4) {
        memcpy(&k, p + i, 4);
        h = turned(h ^ turned(k * c1, 15) * c2, 13) * 5 + 0xe6546b64;
    }
    k = 0;
    for (size_t i = n; i-- > whole;) k = k << 8 | p[i];
    h ^= turned(k * c1, 15) * c2;
    h ^= (uint32_t)n;
    h = (h ^ h >> 16) * 0x85ebca6b;
    h = (h ^ h >> 13) * 0xc2b2ae35;
    return h ^ h >> 16;
}

typedef struct {
    bool positive;
    int64_t seed; /* its low 32 bits */
} hashing;

static tn_status murmur_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    tn_infer_out(c, 0, ((const hashing *)c->attrs)->positive ? TN_U32 : TN_I32, rank, rank < 0 ? NULL : c->in[0]->dims);
    return TN_OK;
}

static tn_status murmur_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    uint32_t *y = tn_out(r, 0)->data, seed = (uint32_t)((const hashing *)r->attrs)->seed;
    size_t each = (size_t)tn_dtypes[x->dtype].bytes;
    for (int64_t i = 0; i < tn_count(x); i++) {
        const tn_string *s = (const tn_string *)x->data + i;
        if (x->dtype == TN_STRING)
            y[i] = murmur3((const uint8_t *)s->ptr, s->len, seed);
        else
            y[i] = murmur3((const uint8_t *)x->data + (size_t)i * each, each, seed);
    }
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------- RelativePositionBias */

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

/* ----------------------------------------------------------------------------------------------------------- rows */

#define F32_F64 (tn_dtype_bit(TN_F32) | tn_dtype_bit(TN_F64))
static const tn_port pair_in[] = { { "A", F32_F64, 'T' }, { "B", F32_F64, 'T' }, { 0 } };
static const tn_port hash_in[] = {
    { "X", F32_F64 | TN_INDEX | tn_dtype_bit(TN_U32) | tn_dtype_bit(TN_U64) | tn_dtype_bit(TN_STRING), 0 }, { 0 }
};
static const tn_port hash_out[] = { { "Y", tn_dtype_bit(TN_U32) | tn_dtype_bit(TN_I32), 0 }, { 0 } };
static const tn_port position_in[] = {
    { "bias_table", TN_FLOATS, 'T' }, { "query_length", TN_INDEX, 0 }, { "key_length", TN_INDEX, 0 }, { 0 }
};
static const tn_attr_spec cdist_attrs[] = { { TN_WORD(metrics, metric, "euclidean|sqeuclidean", "sqeuclidean") },
                                            { 0 } };
static const tn_attr_spec hash_attrs[] = { { TN_FLAG(hashing, positive, true) }, { TN_INT(hashing, seed, 0) }, { 0 } };
static const tn_attr_spec position_attrs[] = { { TN_FLAG(bucketing, is_bidirectional, false) },
                                               { TN_INT(bucketing, max_distance, 1), .required = true, .min = 1,
                                                 .max = INT32_MAX },
                                               { 0 } };

const tn_op tn_ops_contrib[] = {
    { .name = "Inverse",
      .domain = "com.microsoft",
      .since = 1,
      .in = tn_ports_float_t,
      .out = tn_ports_float_t,
      .infer = inverse_infer,
      .run = inverse_run,
      .grad = tn_grad_inverse,
      .doc = "the inverse of each matrix" },
    { .name = "CDist",
      .domain = "com.microsoft",
      .since = 1,
      .in = pair_in,
      .out = tn_ports_float_t,
      TN_ATTRS(cdist_attrs, metrics),
      .infer = cdist_infer,
      .run = cdist_run,
      .grad = tn_grad_cdist,
      .doc = "distances of all pairs of points" },
    { .name = "MurmurHash3",
      .domain = "com.microsoft",
      .since = 1,
      .in = hash_in,
      .out = hash_out,
      TN_ATTRS(hash_attrs, hashing),
      .infer = murmur_infer,
      .run = murmur_run,
      .grad = tn_grad_none,
      .doc = "a 32-bit hash of each element" },
    { .name = "RelativePositionBias",
      .domain = "com.microsoft",
      .since = 1,
      .flags = TN_OP_DYNAMIC,
      .in = position_in,
      .out = tn_ports_float_t,
      TN_ATTRS(position_attrs, bucketing),
      .infer = position_infer,
      .run = position_run,
      .grad = tn_grad_relative_bias,
      .doc = "a bias per head for the distance of query and key, by buckets" },
    { 0 },
};
