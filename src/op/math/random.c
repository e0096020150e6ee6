/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* random.c - operators that draw numbers: RandomNormal, RandomUniform (and their Like forms), Bernoulli, Multinomial,
 * Dropout. One generator serves all (base/random.h). With a seed every run gives the same values, however many threads
 * there are; without one every run gives others. */
#include "base/random.h"
#include "base/budget.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/math/grads.h"
#include <string.h>

enum { NORMAL, UNIFORM };

#define GRAIN 4096 /* elements per part */

/* Of the whole family; what a row does not have is 0. */
typedef struct {
    const tn_attr *seed; /* a float, Dropout's an integer */
    tn_dtype dtype;      /* NONE: as the input */
    float a, b;          /* mean and scale; low and high */
    tn_ints shape;
    int64_t sample_size;
} drawing;

/* The stream of one run of a node. */
static uint64_t key_of(const tn_run *r) {
    const tn_attr *seed = ((const drawing *)r->attrs)->seed;
    uint32_t bits = 0;
    if (!seed) return tn_random_fresh_key();
    if (seed->kind == TN_ATTR_INT) return tn_random_key((uint64_t)seed->i);
    memcpy(&bits, &seed->f, sizeof bits);
    return tn_random_key(bits);
}

/* Attribute dtype, or the default (NONE: not known yet); only the types of the set are allowed. */
static tn_status dtype_of(tn_infer *c, tn_dtype dflt, uint64_t allowed, tn_dtype *out) {
    tn_dtype given = ((const drawing *)c->attrs)->dtype;
    *out = given ? given : dflt;
    if (*out == TN_NONE || tn_dtype_bit(*out) & allowed) return TN_OK;
    return tn_infer_fail(c, TN_E_TYPE, "it cannot give %s%s", tn_dtype_name(*out),
                         given ? "" : "; dtype says what to give");
}

/* -------------------------------------------------------------------------------------- RandomNormal, RandomUniform */

static tn_status random_infer(tn_infer *c) {
    tn_dtype t = TN_NONE;
    tn_ints shape = ((const drawing *)c->attrs)->shape;
    TN_TRY(dtype_of(c, TN_F32, TN_FLOATS, &t));
    if (shape.n > TN_MAX_RANK)
        return tn_infer_fail(c, TN_E_SHAPE, "shape has %zu dimensions; at most %d are allowed", shape.n, TN_MAX_RANK);
    for (size_t i = 0; i < shape.n; i++)
        if (shape.v[i] < 0) return tn_infer_fail(c, TN_E_SHAPE, "shape[%zu] is %lld", i, (long long)shape.v[i]);
    if (tn_dims_count((int)shape.n, shape.v) < 0) return tn_infer_fail(c, TN_E_SHAPE, "shape is too large");
    tn_infer_out(c, 0, t, (int)shape.n, shape.v);
    return TN_OK;
}

static tn_status like_infer(tn_infer *c) {
    tn_dtype t = TN_NONE;
    int rank = tn_infer_rank(c, 0);
    TN_TRY(dtype_of(c, tn_infer_dtype(c, 0), TN_FLOATS, &t));
    tn_infer_out(c, 0, t, rank, rank < 0 ? NULL : c->in[0]->dims);
    return TN_OK;
}

typedef struct {
    tn_tensor *y;
    uint64_t key;
    int what, bits; /* significant bits of y's type */
    double a, b;    /* mean and scale; low and high */
} random_job;

static void random_range(void *arg, int64_t begin, int64_t end, int thread) {
    const random_job *j = arg;
    tn_tensor *y = j->y;
    (void)thread;
    for (int64_t i = begin; i < end; i++) {
        if (j->what == NORMAL) {
            tn_set_f64(y->dtype, y->data, i, j->a + j->b * tn_random_normal(j->key, (uint64_t)i));
            continue;
        }
        double u = tn_random_uniform(j->key, (uint64_t)i, j->bits);
        tn_set_f64(y->dtype, y->data, i, j->a + (j->b - j->a) * u);
        /* `high` is outside, also when rounding to the type would reach it */
        if (j->b > j->a && tn_get_f64(y->dtype, y->data, i) >= j->b) tn_set_f64(y->dtype, y->data, i, j->a);
    }
}

static int significant_bits(tn_dtype t) { return t == TN_F64 ? 53 : t == TN_F32 ? 24 : t == TN_F16 ? 11 : 8; }

static tn_status random_run(tn_run *r) {
    tn_tensor *y = tn_out(r, 0);
    const drawing *a = r->attrs;
    random_job j = { y, key_of(r), r->node->op->arg, significant_bits(y->dtype), (double)a->a, (double)a->b };
    tn_parallel(r->pool, tn_count(y), GRAIN, random_range, &j);
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------- Bernoulli */

static tn_status bernoulli_infer(tn_infer *c) {
    tn_dtype t = TN_NONE;
    int rank = tn_infer_rank(c, 0);
    TN_TRY(dtype_of(c, tn_infer_dtype(c, 0), TN_REAL | TN_BOOLS, &t));
    tn_infer_out(c, 0, t, rank, rank < 0 ? NULL : c->in[0]->dims);
    return TN_OK;
}

typedef struct {
    const tn_tensor *x;
    tn_tensor *y;
    uint64_t key;
} bernoulli_job;

static void bernoulli_range(void *arg, int64_t begin, int64_t end, int thread) {
    const bernoulli_job *j = arg;
    (void)thread;
    for (int64_t i = begin; i < end; i++) {
        double p = tn_get_f64(j->x->dtype, j->x->data, i);
        tn_set_i64(j->y->dtype, j->y->data, i, tn_random_uniform(j->key, (uint64_t)i, 53) < p);
    }
}

static tn_status bernoulli_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    tn_ticks ticks = { 0 };
    for (int64_t i = 0; i < tn_count(x); i++) {
        if (tn_ticks_stopped(&ticks, 4)) return tn_op_stopped(r);
        double p = tn_get_f64(x->dtype, x->data, i);
        if (!(p >= 0 && p <= 1))
            return tn_op_fail(r->node, TN_E_INVALID, "element %lld is %g, which is no probability", (long long)i, p);
    }
    bernoulli_job j = { x, tn_out(r, 0), key_of(r) };
    tn_parallel(r->pool, tn_count(x), GRAIN, bernoulli_range, &j);
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------- Multinomial */

static tn_status multinomial_infer(tn_infer *c) {
    tn_dtype t = TN_NONE;
    int rank = tn_infer_rank(c, 0);
    TN_TRY(dtype_of(c, TN_I32, TN_INDEX, &t));
    if (rank >= 0 && rank != 2)
        return tn_infer_fail(c, TN_E_SHAPE, "the input has %d dimensions; [batch, classes] is needed", rank);
    tn_dim dims[2] = { rank < 0 ? TN_DIM_UNKNOWN : c->in[0]->dims[0], ((const drawing *)c->attrs)->sample_size };
    tn_infer_out(c, 0, t, 2, dims);
    return TN_OK;
}

/* The class whose part of the running sums holds `at`. */
static int64_t class_of(const double *sums, int64_t classes, double at) {
    int64_t low = 0, high = classes - 1;
    while (low < high) {
        int64_t mid = low + (high - low) / 2;
        if (sums[mid] > at)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

/* Inputs are logarithms of weights, known up to a constant: the largest of a row counts as 0. */
static tn_status multinomial_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    tn_tensor *y = tn_out(r, 0);
    int64_t classes = x->dims[1], samples = y->dims[1];
    uint64_t key = key_of(r);
    tn_ticks ticks = { 0 };
    double *sums = tn_op_scratch(r, sizeof *sums, classes, 1, 1);
    if (!sums) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for %lld classes", (long long)classes);
    for (int64_t b = 0; b < x->dims[0]; b++) {
        double most = -INFINITY, sum = 0;
        for (int64_t k = 0; k < classes; k++) {
            if (tn_ticks_stopped(&ticks, 8)) return tn_op_stopped(r);
            most = fmax(most, tn_get_f64(x->dtype, x->data, b * classes + k));
        }
        for (int64_t k = 0; k < classes; k++) {
            if (tn_ticks_stopped(&ticks, 32)) return tn_op_stopped(r);
            sum += exp(tn_get_f64(x->dtype, x->data, b * classes + k) - most);
            sums[k] = sum;
        }
        if (!(sum > 0 && isfinite(sum)))
            return tn_op_fail(r->node, TN_E_INVALID, "row %lld gives no class a finite weight above 0", (long long)b);
        for (int64_t i = b * samples; i < (b + 1) * samples; i++) {
            if (tn_ticks_stopped(&ticks, 256)) return tn_op_stopped(r);
            tn_set_i64(y->dtype, y->data, i, class_of(sums, classes, sum * tn_random_uniform(key, (uint64_t)i, 53)));
        }
    }
    return TN_OK;
}

/* --------------------------------------------------------------------------------------------------------- Dropout */

static tn_status dropout_infer(tn_infer *c) {
    TN_TRY(tn_infer_same(c));
    if (c->n_out > 1) tn_infer_out(c, 1, TN_BOOL, tn_infer_rank(c, 0), tn_infer_rank(c, 0) < 0 ? NULL : c->in[0]->dims);
    return TN_OK;
}

typedef struct {
    const tn_tensor *x;
    tn_tensor *y, *mask;
    uint64_t key;
    double p;
} dropout_job;

static void dropout_range(void *arg, int64_t begin, int64_t end, int thread) {
    const dropout_job *j = arg;
    const tn_tensor *x = j->x;
    (void)thread;
    for (int64_t i = begin; i < end; i++) {
        bool keep = tn_random_uniform(j->key, (uint64_t)i, 53) >= j->p;
        if (j->y) tn_set_f64(x->dtype, j->y->data, i, keep ? tn_get_f64(x->dtype, x->data, i) / (1 - j->p) : 0);
        if (j->mask) ((uint8_t *)j->mask->data)[i] = keep;
    }
}

/* The identity, unless input training_mode is true: then zeros at random, and the rest scaled so that the mean stays.
 */
static tn_status dropout_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0), *ratio = tn_in(r, 1), *training = tn_in(r, 2);
    tn_tensor *y = tn_out(r, 0), *mask = tn_out(r, 1);
    double p = ratio && tn_count(ratio) ? tn_get_f64(ratio->dtype, ratio->data, 0) : 0.5;
    bool active = training && tn_count(training) && *(const uint8_t *)training->data;
    if (!(p >= 0 && p < 1)) return tn_op_fail(r->node, TN_E_INVALID, "ratio is %g; 0 <= ratio < 1 is needed", p);
    if (active && p > 0) {
        dropout_job j = { x, y, mask, key_of(r), p };
        tn_parallel(r->pool, tn_count(x), GRAIN, dropout_range, &j);
        return TN_OK;
    }
    if (mask && tn_count(mask)) memset(mask->data, 1, (size_t)tn_count(mask));
    if (y && y->data != x->data) tn_op_copy_elements(y, 0, x, 0, tn_count(x));
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- rows */

#define F8S \
    (tn_dtype_bit(TN_F8E4M3FN) | tn_dtype_bit(TN_F8E4M3FNUZ) | tn_dtype_bit(TN_F8E5M2) | tn_dtype_bit(TN_F8E5M2FNUZ))
static const tn_port none_in[] = { { 0 } };
static const tn_port float_in[] = { { "input", TN_FLOATS, 0 }, { 0 } };
static const tn_port float_out[] = { { "output", TN_FLOATS, 0 }, { 0 } };
static const tn_port bernoulli_out[] = { { "output", TN_REAL | TN_BOOLS, 0 }, { 0 } };
static const tn_port index_out[] = { { "output", TN_INDEX, 0 }, { 0 } };
static const tn_port dropout_in[] = { { "data", TN_FLOATS | F8S, 'T' },
                                      { "ratio", TN_FLOATS | F8S, 0, .optional = true },
                                      { "training_mode", TN_BOOLS, 0, .optional = true },
                                      { 0 } };
static const tn_port dropout_out[] = { { "output", TN_FLOATS | F8S, 'T' },
                                       { "mask", TN_BOOLS, 0, .optional = true },
                                       { 0 } };

#define DTYPE \
    { TN_DTYPE(drawing, dtype, TN_NONE) }
#define SEED_OF(kind) \
    { TN_STORED(drawing, seed, "seed", kind, ATTR, const tn_attr *) }
#define SEED SEED_OF(FLOAT)
#define SHAPE \
    { TN_INTS_OF(drawing, shape), .required = true }
#define TWO(a_, b_) \
    { TN_FLOAT_AS(drawing, a, a_, 0) }, { TN_FLOAT_AS(drawing, b, b_, 1) }
static const tn_attr_spec normal_attrs[] = { DTYPE, TWO("mean", "scale"), SEED, SHAPE, { 0 } };
static const tn_attr_spec uniform_attrs[] = { DTYPE, TWO("low", "high"), SEED, SHAPE, { 0 } };
static const tn_attr_spec normal_like_attrs[] = { DTYPE, TWO("mean", "scale"), SEED, { 0 } };
static const tn_attr_spec uniform_like_attrs[] = { DTYPE, TWO("low", "high"), SEED, { 0 } };
static const tn_attr_spec bernoulli_attrs[] = { DTYPE, SEED, { 0 } };
static const tn_attr_spec multinomial_attrs[] = {
    DTYPE, { TN_INT(drawing, sample_size, 1), .min = 1, .max = INT32_MAX }, SEED, { 0 }
};
static const tn_attr_spec dropout_attrs[] = { SEED_OF(INT), { 0 } };

#define ROW_OF(grad_, name_, in_, out_, attrs_, infer_, run_, arg_, doc_)                                     \
    {                                                                                                         \
        .name = name_, .since = 22, .flags = TN_OP_RANDOM, .in = in_, .out = out_, TN_ATTRS(attrs_, drawing), \
        .infer = infer_, .run = run_, .grad = grad_, .arg = arg_, .doc = doc_                                 \
    }
#define ROW(...) ROW_OF(tn_grad_none, __VA_ARGS__)
const tn_op tn_ops_random[] = {
    ROW("RandomNormal", none_in, float_out, normal_attrs, random_infer, random_run, NORMAL,
        "normally distributed random numbers"),
    ROW("RandomNormalLike", tn_ports_any_t, float_out, normal_like_attrs, like_infer, random_run, NORMAL,
        "normally distributed random numbers in the input's shape"),
    ROW("RandomUniform", none_in, float_out, uniform_attrs, random_infer, random_run, UNIFORM,
        "random numbers between low and high"),
    ROW("RandomUniformLike", tn_ports_any_t, float_out, uniform_like_attrs, like_infer, random_run, UNIFORM,
        "random numbers between low and high in the input's shape"),
    ROW("Bernoulli", float_in, bernoulli_out, bernoulli_attrs, bernoulli_infer, bernoulli_run, 0,
        "1 with the probability that the input says, else 0"),
    ROW("Multinomial", float_in, index_out, multinomial_attrs, multinomial_infer, multinomial_run, 0,
        "classes drawn by their log-probabilities"),
    ROW_OF(tn_grad_dropout, "Dropout", dropout_in, dropout_out, dropout_attrs, dropout_infer, dropout_run, 0,
           "the input at inference; random zeros in training mode"),
    { 0 },
};
