/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* cast.c - Cast, CastLike, BitCast: another element type. Numbers convert as tensor/dtype.h says; strings are parsed
 * and printed here. */
#include "base/budget.h"
#include "base/number.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/math/grads.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------------ inference */

typedef struct {
    tn_dtype to;
    bool saturate;
    int round_mode; /* a tn_round_mode, in the order of ROUNDINGS */
} casting;

#define ROUNDINGS "nearest|up|down"
_Static_assert(TN_ROUND_NEAREST == 0 && TN_ROUND_UP == 1 && TN_ROUND_DOWN == 2, "in the order of ROUNDINGS");

static tn_status cast_to(tn_infer *c, tn_dtype to) {
    int rank = tn_infer_rank(c, 0);
    tn_dtype from = tn_infer_dtype(c, 0);
    if (to == TN_NONE) return tn_infer_fail(c, TN_E_TYPE, "attribute 'to' names no element type");
    if (from != TN_NONE && tn_dtype_is_complex(from) != tn_dtype_is_complex(to))
        return tn_infer_fail(c, TN_E_TYPE, "%s cannot become %s", tn_dtype_name(from), tn_dtype_name(to));
    tn_infer_out(c, 0, to, rank, rank < 0 ? NULL : c->in[0]->dims);
    if (c->in_content[0] && (to == TN_I64 || to == TN_I32))
        tn_infer_out_content(c, 0, c->in_content[0]->v, c->in_content[0]->n);
    return TN_OK;
}

static tn_status cast_infer(tn_infer *c) { return cast_to(c, ((const casting *)c->attrs)->to); }

static tn_status cast_like_infer(tn_infer *c) {
    if (tn_infer_dtype(c, 1) == TN_NONE) {
        tn_infer_out(c, 0, TN_NONE, tn_infer_rank(c, 0), NULL);
        return TN_OK;
    }
    return cast_to(c, tn_infer_dtype(c, 1));
}

/* -------------------------------------------------------------------------------------------------------- strings */

/* "1.2e+03" written out as "1200", while it has at most 16 digits before the point. */
static int without_exponent(char *buf, int len) {
    char *e = strchr(buf, 'e'), *to = buf;
    int64_t power = -1;
    int after = 0;
    const char *exponent = e ? e + 1 : "";
    if (!tn_take_i64(&exponent, NULL, &power) || power < 0 || power >= 16) return len;
    for (const char *from = buf; from < e; from++) {
        if (*from == '.') after = (int)(e - from) - 1;
        if (*from != '.') *to++ = *from;
    }
    for (; after < power; after++) *to++ = '0'; /* %g has an exponent only where it is at least the number of digits */
    *to = 0;
    return (int)(to - buf);
}

/* Shortest text that reads back as the same number, in the manner of NumPy's str. */
static int print_number(tn_dtype t, const void *data, int64_t i, char *buf, size_t n) {
    if (t == TN_BOOL) return snprintf(buf, n, "%s", tn_get_i64(t, data, i) ? "True" : "False");
    if (t == TN_U64) return snprintf(buf, n, "%" PRIu64, (uint64_t)tn_get_i64(t, data, i));
    if (!tn_dtype_is_float(t)) return snprintf(buf, n, "%" PRId64, tn_get_i64(t, data, i));
    double v = tn_get_f64(t, data, i);
    if (isnan(v)) return snprintf(buf, n, "NaN");
    if (isinf(v)) return snprintf(buf, n, v > 0 ? "INF" : "-INF");
    return without_exponent(buf, tn_print_f64(buf, n, v, t != TN_F64));
}

static tn_status to_strings(tn_run *r, const tn_tensor *x, tn_tensor *y) {
    char buf[64];
    tn_ticks ticks = { 0 };
    for (int64_t i = 0; i < tn_count(x); i++) {
        if (tn_ticks_stopped(&ticks, 1024)) return tn_op_stopped(r);
        int n = print_number(x->dtype, x->data, i, buf, sizeof buf);
        TN_TRY(tn_tensor_set_string(y, i, buf, (size_t)n));
    }
    return TN_OK;
}

/* A whole number for an integer type; what a float type would read (1e3, NaN) goes there by way of a float. */
static tn_number read_whole(tn_dtype t, const char **p, const char *end, void *data, int64_t i) {
    uint64_t u = 0;
    int64_t v = 0;
    tn_number got = t == TN_U64 ? tn_take_u64(p, end, &u) : tn_take_i64(p, end, &v);
    if (got == TN_NUMBER_READ && *p == end) tn_set_i64(t, data, i, t == TN_U64 ? (int64_t)u : v);
    return got;
}

/* Element i := v, as from a tensor of doubles. The attributes are not about packed types. */
static void set_real(tn_tensor *y, int64_t i, double v, const casting *a) {
    const tn_dtype_info *t = &tn_dtypes[y->dtype];
    char *to = (char *)y->data + i * t->bytes;
    if (t->block > 1)
        tn_set_f64(y->dtype, y->data, i, v);
    else
        (void)tn_cast(TN_F64, &v, y->dtype, to, 1, a->saturate, (tn_round_mode)a->round_mode);
}

/* Element i := the number that is all of the text but blanks before it. */
static tn_number read_number(tn_tensor *y, int64_t i, const char *p, const char *end, const casting *a) {
    tn_dtype t = y->dtype;
    while (p < end && strchr(" \t\n\v\f\r", *p) && *p) p++;
    if (tn_dtype_is_int(t) || t == TN_BOOL) {
        const char *at = p;
        tn_number got = read_whole(t, &at, end, y->data, i);
        if (got && at == end) return got;
    }
    double v = 0;
    float f = 0;
    tn_number got = t == TN_F32 ? tn_take_f32(&p, end, &f) : tn_take_f64(&p, end, &v);
    if (!got || p != end) return TN_NUMBER_NONE;
    set_real(y, i, t == TN_F32 ? (double)f : v, a);
    return got;
}

static tn_status from_strings(tn_run *r, const tn_tensor *x, tn_tensor *y) {
    const tn_string *s = x->data;
    tn_ticks ticks = { 0 };
    for (int64_t i = 0; i < tn_count(x); i++) {
        if (tn_ticks_stopped(&ticks, 128 + 8 * s[i].len)) return tn_op_stopped(r);
        const char *p = s[i].len ? s[i].ptr : "";
        tn_number got = read_number(y, i, p, p + s[i].len, r->attrs);
        if (got == TN_NUMBER_READ) continue;
        return tn_op_fail(r->node, TN_E_INVALID, "element %lld, \"%.*s\", is %s", (long long)i,
                          (int)(s[i].len < 40 ? s[i].len : 40), p, got ? "beyond the type's range" : "not a number");
    }
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------------ run */

typedef struct {
    const tn_tensor *x;
    tn_tensor *y;
    bool saturate;
    tn_round_mode round;
    tn_status status;
} cast_job;

static void cast_part(void *arg, int64_t begin, int64_t end, int thread) {
    cast_job *j = arg;
    (void)thread;
    const char *x = (const char *)j->x->data + begin * tn_dtypes[j->x->dtype].bytes;
    char *y = (char *)j->y->data + begin * tn_dtypes[j->y->dtype].bytes;
    (void)tn_cast(j->x->dtype, x, j->y->dtype, y, end - begin, j->saturate, j->round);
}

static tn_status cast_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    tn_tensor *y = tn_out(r, 0);
    const casting *a = r->attrs;
    tn_round_mode round = (tn_round_mode)a->round_mode;
    if (x->dtype == TN_STRING && y->dtype == TN_STRING) {
        tn_op_copy_elements(y, 0, x, 0, tn_count(x));
        return tn_op_own_strings(y);
    }
    if (y->dtype == TN_STRING) return to_strings(r, x, y);
    if (x->dtype == TN_STRING) return from_strings(r, x, y);
    bool packed = tn_dtypes[x->dtype].block > 1 || tn_dtypes[y->dtype].block > 1;
    if (packed) return tn_cast(x->dtype, x->data, y->dtype, y->data, tn_count(x), a->saturate, round);
    cast_job j = { x, y, a->saturate, round, TN_OK };
    tn_parallel(r->pool, tn_count(x), 32768, cast_part, &j);
    return TN_OK;
}

static tn_status bitcast_infer(tn_infer *c) {
    tn_dtype from = tn_infer_dtype(c, 0), to = ((const casting *)c->attrs)->to;
    int rank = tn_infer_rank(c, 0);
    if (to == TN_NONE) return tn_infer_fail(c, TN_E_TYPE, "attribute 'to' names no element type");
    if (from != TN_NONE && (tn_dtype_bits(from) != tn_dtype_bits(to) || from == TN_STRING || to == TN_STRING))
        return tn_infer_fail(c, TN_E_TYPE, "%s and %s differ in size", tn_dtype_name(from), tn_dtype_name(to));
    tn_infer_out(c, 0, to, rank, rank < 0 ? NULL : c->in[0]->dims);
    return TN_OK;
}

static tn_status bitcast_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    size_t bytes = 0;
    tn_dtype_bytes(x->dtype, tn_count(x), &bytes);
    if (bytes && tn_out(r, 0)->data != x->data) memcpy(tn_out(r, 0)->data, x->data, bytes);
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- rows */

static const tn_port cast_in[] = { { "input", TN_ANY_TYPE, 0 }, { 0 } };
static const tn_port like_in[] = { { "input", TN_ANY_TYPE, 0 }, { "target_type", TN_ANY_TYPE, 0 }, { 0 } };
#define TO \
    { TN_DTYPE(casting, to, TN_NONE), .required = true }
#define ROUNDING \
    { TN_FLAG(casting, saturate, true) }, { TN_WORD(casting, round_mode, ROUNDINGS, "up") }
static const tn_attr_spec cast_attrs[] = { TO, ROUNDING, { 0 } };
static const tn_attr_spec like_attrs[] = { ROUNDING, { 0 } };
static const tn_attr_spec bitcast_attrs[] = { TO, { 0 } };

const tn_op tn_ops_cast[] = {
    { .name = "Cast",
      .since = 25,
      .in = cast_in,
      .out = tn_ports_any_free,
      TN_ATTRS(cast_attrs, casting),
      .infer = cast_infer,
      .run = cast_run,
      .grad = tn_grad_cast,
      .doc = "the same numbers in another element type" },
    { .name = "CastLike",
      .since = 25,
      .in = like_in,
      .out = tn_ports_any_free,
      TN_ATTRS(like_attrs, casting),
      .infer = cast_like_infer,
      .run = cast_run,
      .grad = tn_grad_cast,
      .doc = "the same numbers in the element type of another tensor" },
    { .name = "BitCast",
      .since = 26,
      .in = cast_in,
      .out = tn_ports_any_free,
      TN_ATTRS(bitcast_attrs, casting),
      .infer = bitcast_infer,
      .run = bitcast_run,
      .grad = tn_grad_none,
      .doc = "the same bits read as another element type of equal size" },
    { 0 },
};
