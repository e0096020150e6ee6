/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* quantize.c - QuantizeLinear and DequantizeLinear against their definition: every type of code and scale; one scale,
 * one per slice of an axis, one per block; the precision of the division; what is refused. */
#include "lib/one_node.h"
#include "test.h"
#include <math.h>

static uint64_t rng = 5;
static int between(int lo, int hi) { return lo + (int)(test_random(&rng) % (uint64_t)(hi - lo + 1)); }

static const tn_dtype codes[] = { TN_I8, TN_U8,       TN_I16,    TN_U16,        TN_I4,     TN_U4,        TN_I2,
                                  TN_U2, TN_F8E4M3FN, TN_F8E5M2, TN_F8E4M3FNUZ, TN_F4E2M1, TN_F8E5M2FNUZ };
static const tn_dtype floats[] = { TN_F32, TN_F16, TN_BF16 };

static double through(tn_dtype t, double v) { /* v as the type holds it */
    uint64_t buf = 0;
    tn_set_f64(t, &buf, 0, v);
    return tn_get_f64(t, &buf, 0);
}

typedef struct {
    int rank, axis, block, total, count;
    int dims[3], sdims[3];
    char text[48], stext[48];
    bool per_axis;
} layout;

static void print(char *to, int rank, const int *d) {
    *to = 0;
    for (int i = 0; i < rank; i++) to += sprintf(to, i ? ",%d" : "%d", d[i]);
}

static layout make(void) {
    layout l = { .rank = between(1, 3), .total = 1, .count = 1 };
    l.axis = between(0, l.rank - 1);
    for (int i = 0; i < l.rank; i++) l.dims[i] = l.sdims[i] = between(1, i == 2 ? 40 : 9), l.total *= l.dims[i];
    print(l.text, l.rank, l.dims);
    int kind = between(0, 2);
    if (kind == 1) l.per_axis = true, l.count = l.dims[l.axis], sprintf(l.stext, "%d", l.count);
    if (kind == 2) {
        l.block = between(1, 7);
        l.sdims[l.axis] = (l.dims[l.axis] + l.block - 1) / l.block;
        for (int i = 0; i < l.rank; i++) l.count *= l.sdims[i];
        print(l.stext, l.rank, l.sdims);
    }
    return l;
}

static int scale_of(const layout *l, int e) {
    int at[3], k = 0;
    for (int i = l->rank - 1; i >= 0; i--) at[i] = e % l->dims[i], e /= l->dims[i];
    if (l->per_axis) return at[l->axis];
    if (!l->block) return 0;
    at[l->axis] /= l->block;
    for (int i = 0; i < l->rank; i++) k = k * l->sdims[i] + at[i];
    return k;
}

static void set_layout(tn_node *n, const layout *l) {
    check_ok(tn_attr_set_int(n, "axis", between(0, 1) ? l->axis : l->axis - l->rank));
    if (l->block) check_ok(tn_attr_set_int(n, "block_size", l->block));
}

static double *fill(int n, tn_dtype t, int lo, int hi, double by) {
    double *v = calloc((size_t)n, sizeof *v);
    assert_non_null(v);
    for (int i = 0; i < n; i++) v[i] = through(t, between(lo, hi) * by);
    return v;
}

static void quantise(void **state) {
    (void)state;
    for (int round = 0; round < 300; round++) {
        layout l = make();
        tn_dtype ty = codes[between(0, 12)], tx = floats[between(0, 2)], ts = floats[between(0, 2)];
        bool integer = tn_dtype_is_int(ty), zeros = between(0, 1) && integer, precise = between(0, 1);
        int bits = tn_dtype_bits(ty), half = 1 << (bits - 1), low = tn_dtype_is_signed(ty) ? -half : 0;
        double *x = fill(l.total, tx, -800, 800, 0.0625), *s = fill(l.count, ts, 1, 40, 0.03125);
        double *z = fill(l.count, ty, zeros ? low : 0, zeros ? low + 2 * half - 1 : 0, 1);
        on *o = on_new();
        on_in(o, tx, l.text, x, false);
        on_in(o, ts, l.stext, s, between(0, 1));
        if (zeros || between(0, 1)) on_in(o, ty, l.stext, z, true);
        tn_node *n = on_node(o, "", "QuantizeLinear", 1);
        set_layout(n, &l);
        int64_t code[TN_DTYPE_COUNT] = { [TN_F32] = 1, [TN_F16] = 10, [TN_BF16] = 16 };
        check_ok(tn_attr_set_int(n, "output_dtype", tn_dtypes[ty].onnx));
        if (precise) check_ok(tn_attr_set_int(n, "precision", code[TN_F32]));
        tn_dtype in = precise ? TN_F32 : ts;
        check_ok(on_go(o, 1));
        for (int e = 0; e < l.total; e++) {
            int k = scale_of(&l, e);
            double q = through(in, (double)((float)through(in, x[e]) / (float)s[k])), want;
            if (integer)
                want = fmin(fmax(nearbyint(q) + z[k], low), low + 2 * half - 1);
            else
                want = through(ty, q);
            check(on_at(o, 0, e) == want, "%s / %s to %s, [%s] by [%s]: element %d is %g, expected %g\n",
                  tn_dtype_name(tx), tn_dtype_name(ts), tn_dtype_name(ty), l.text, l.stext, e, on_at(o, 0, e), want);
        }
        on_free(o);
        free(x), free(s), free(z);
    }
}

static void dequantise(void **state) {
    (void)state;
    for (int round = 0; round < 300; round++) {
        layout l = make();
        tn_dtype tx = round % 9 == 0 ? TN_I32 : codes[between(0, 12)], ty = floats[between(0, 2)];
        tn_dtype ts = between(0, 3) ? floats[between(0, 2)] : TN_F8E8M0;
        bool given = ts == TN_F8E8M0 || between(0, 1), zeros = tn_dtype_is_int(tx) && between(0, 1);
        if (!given) ty = ts;
        double *x = fill(l.total, tx, tn_dtype_is_signed(tx) ? -2 : 0, 3, 1), *z = fill(l.count, tx, 0, zeros, 1);
        double *s = fill(l.count, ts, 1, 40, ts == TN_F8E8M0 ? 1 : 0.03125);
        on *o = on_new();
        on_in(o, tx, l.text, x, false);
        on_in(o, ts, l.stext, s, true);
        if (zeros) on_in(o, tx, l.stext, z, between(0, 1));
        tn_node *n = on_node(o, "", "DequantizeLinear", 1);
        set_layout(n, &l);
        if (given) check_ok(tn_attr_set_int(n, "output_dtype", tn_dtypes[ty].onnx));
        check_ok(on_go(o, 1));
        assert_string_equal(tn_dtype_name(on_out(o, 0)->dtype), tn_dtype_name(ty));
        for (int e = 0; e < l.total; e++) {
            int k = scale_of(&l, e);
            double want = through(ty, (x[e] - (zeros ? z[k] : 0)) * s[k]);
            check(on_at(o, 0, e) == want, "%s by %s to %s: element %d is %g, expected %g\n", tn_dtype_name(tx),
                  tn_dtype_name(ts), tn_dtype_name(ty), e, on_at(o, 0, e), want);
        }
        on_free(o);
        free(x), free(s), free(z);
    }
}

/* Half to even, both ends, infinities and NaN. */
static void edges(void **state) {
    (void)state;
    double x[8] = { 2.5, 3.5, -0.5, 1e30, -1e30, INFINITY, -INFINITY, 127.6 }, one = 1, ten = 10;
    on *o = on_new();
    on_in(o, TN_F32, "8", x, false);
    on_in(o, TN_F32, "", &one, true);
    on_in(o, TN_U8, "", &ten, true);
    on_node(o, "com.microsoft", "QuantizeLinear", 1);
    check_ok(on_go(o, 1));
    on_expect(o, 0, TN_U8, "8", (double[]){ 12, 14, 10, 255, 0, 255, 0, 138 }, 0);
    on_free(o);
}

static void refused(void **state) {
    (void)state;
    double x[6] = { 0 }, s[6] = { 1, 1, 1, 1, 1, 1 };
    static const struct {
        const char *sdims, *attr, *words;
        int64_t value;
        tn_status status;
    } cases[] = {
        { "3", "axis", "axis 7 is outside", 7, TN_E_INVALID },
        { "2", "axis", "scale has 2 elements", 1, TN_E_SHAPE },
        { "3", "axis", "axis -9223372036854775808", INT64_MIN, TN_E_INVALID },
        { "2,3", "block_size", "one element per block", 2, TN_E_SHAPE },
        { "2,3", "block_size", "attribute 'block_size' holds -1", -1, TN_E_INVALID },
        { "2,1", "block_size", "", INT64_MAX, TN_OK },
        { "", "output_dtype", "output_dtype is float32", 1, TN_E_TYPE },
        { "", "output_dtype", "is no element type", INT64_MAX, TN_E_INVALID },
        { "", "precision", "precision is int8", 3, TN_E_TYPE },
    };
    for (size_t i = 0; i < TN_COUNT(cases); i++) {
        on *o = on_new();
        on_in(o, TN_F32, "2,3", x, false);
        on_in(o, TN_F32, cases[i].sdims, s, false);
        check_ok(tn_attr_set_int(on_node(o, "", "QuantizeLinear", 1), cases[i].attr, cases[i].value));
        if (cases[i].status == TN_OK)
            check_ok(on_go(o, 1));
        else
            check_fails(on_go(o, 1), cases[i].status, cases[i].words);
        on_free(o);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(quantise), cmocka_unit_test(dequantise),
                                        cmocka_unit_test(edges), cmocka_unit_test(refused) };
    return cmocka_run_group_tests_name("op/quantize", tests, NULL, NULL);
}
