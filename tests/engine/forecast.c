/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* forecast.c - what is said to be needed is what a run takes: operators on large tensors of every float type, the
 * counted peak of a first run against tn_forecast_run. Kernels that copy a tensor to another type on their own are
 * found here. */
#include "engine/forecast.h"
#include "base/mem.h"
#include "lib/onnx_build.h"
#include "tenon.h"
#include "test.h"

#define TILES ((size_t)4 << 20) /* tiles of a bounded size, and the copies in panels that plain C makes of them */

static void axis0(ob *b) { ob_int(b, "axis", 0); }
static void axis1(ob *b) { ob_int(b, "axis", 1); }
static void flat(ob *b) { ob_int(b, "keepdims", 0); }
static void window(ob *b) { ob_ints(b, "kernel_shape", (int64_t[]){ 3, 3 }, 2); }
static void groups(ob *b) { ob_int(b, "num_groups", 2); }
static void size5(ob *b) { ob_int(b, "size", 5); }
static void perm(ob *b) { ob_ints(b, "perm", (int64_t[]){ 1, 0 }, 2); }
static void linear(ob *b) { ob_string(b, "mode", "linear"); }
static void hidden32(ob *b) { ob_int(b, "hidden_size", 32); }
static void hidden48(ob *b) { ob_int(b, "hidden_size", 48); }
static void hidden96(ob *b) { ob_int(b, "hidden_size", 96); }

enum { F16 = 1, F32 = 2, F64 = 4, ALL = 7 };
static const struct {
    const char *op, *inputs; /* names: x, y [512, 2048]; p a picture; a: axes, c: axis 1 [C]; w weights; .. */
    void (*attrs)(ob *b);
    int types;
} rows[] = {
    { "Relu", "x", NULL, ALL },
    { "Gelu", "x", NULL, ALL },
    { "Erf", "x", NULL, ALL },
    { "Add", "x y", NULL, ALL },
    { "Pow", "x y", NULL, ALL },
    { "Max", "x y", NULL, ALL },
    { "Mean", "x y", NULL, ALL },
    { "Where", "m x y", NULL, ALL },
    { "Clip", "x", NULL, ALL },
    { "ReduceSum", "x a0", flat, ALL },
    { "ReduceSum", "x a1", flat, ALL },
    { "ReduceSum", "x a01", flat, ALL },
    { "ReduceMean", "x a0", NULL, ALL },
    { "ReduceSum", "p a13", NULL, ALL }, /* axes apart: the picture is moved first */
    { "ReduceMax", "p a13", flat, ALL },
    { "ReduceMax", "x a1", NULL, ALL },
    { "ReduceMin", "x a0", NULL, ALL },
    { "ReduceProd", "x a1", NULL, ALL },
    { "ReduceL1", "x a0", NULL, ALL },
    { "ReduceL2", "x a1", NULL, ALL },
    { "ReduceSumSquare", "x a0", NULL, ALL },
    { "ReduceLogSum", "x a1", NULL, ALL },
    { "ReduceLogSumExp", "x a0", NULL, ALL },
    { "ReduceLogSumExp", "x a1", NULL, ALL },
    { "ArgMax", "x", axis0, ALL },
    { "ArgMin", "x", axis1, ALL },
    { "Softmax", "x", axis0, ALL },
    { "Softmax", "x", axis1, ALL },
    { "LogSoftmax", "x", axis1, ALL },
    { "Hardmax", "x", axis0, ALL },
    { "Hardmax", "x", axis1, ALL },
    { "CumSum", "x one", NULL, ALL },
    { "CumSum", "x zero", NULL, ALL },
    { "MatMul", "x t", NULL, ALL },
    { "Gemm", "x t", NULL, ALL },
    { "LayerNormalization", "x s", NULL, ALL },
    { "RMSNormalization", "x s", NULL, ALL },
    { "InstanceNormalization", "p c c", NULL, ALL },
    { "GroupNormalization", "p c c", groups, ALL },
    { "BatchNormalization", "p c c c c", NULL, ALL },
    { "LRN", "p", size5, ALL },
    { "LpNormalization", "x", NULL, ALL },
    { "MeanVarianceNormalization", "p", NULL, ALL },
    { "MaxPool", "p", window, ALL },
    { "AveragePool", "p", window, ALL },
    { "GlobalAveragePool", "p", NULL, ALL },
    { "GlobalMaxPool", "p", NULL, ALL },
    { "Conv", "p w", NULL, F16 | F32 },
    { "Resize", "p _ half", NULL, ALL },
    { "Resize", "p _ half", linear, F16 | F32 },
    { "Transpose", "x", perm, ALL },
    { "Concat", "x y", axis0, ALL },
    { "Slice", "x zero1 one1", NULL, ALL },
    { "Softplus", "x", NULL, ALL },
    { "HardSwish", "x", NULL, ALL },
    { "PRelu", "x y", NULL, ALL },
    { "com.microsoft::DynamicQuantizeMatMul", "xl i8 s8", NULL, F32 }, /* codes of all of A */
    { "LSTM", "q lw lr", hidden32, F16 | F32 },
    { "GRU", "q gw gr", hidden48, F16 | F32 },
    { "RNN", "q rw rr", hidden96, F16 | F32 },
};

static const struct {
    const char *name, *dims;
    bool given; /* an input of the run; else a constant of small numbers, `of` its type (NONE: the row's) */
    tn_dtype of;
    int64_t v[4];
} values[] = {
    { "x", "512,2048", true, TN_NONE, { 0 } },  { "y", "512,2048", true, TN_NONE, { 0 } },
    { "m", "512,2048", true, TN_BOOL, { 0 } },  { "p", "1,16,256,256", true, TN_NONE, { 0 } },
    { "t", "2048,64", true, TN_NONE, { 0 } },   { "s", "2048", true, TN_NONE, { 0 } },
    { "c", "16", true, TN_NONE, { 0 } },        { "w", "8,16,3,3", true, TN_NONE, { 0 } },
    { "a0", "1", false, TN_I64, { 0 } },        { "a1", "1", false, TN_I64, { 1 } },
    { "a01", "2", false, TN_I64, { 0, 1 } },    { "one", "", false, TN_I64, { 1 } },
    { "zero", "", false, TN_I64, { 0 } },       { "zero1", "1", false, TN_I64, { 0 } },
    { "one1", "1", false, TN_I64, { 1 } },      { "half", "4", false, TN_F32, { 1, 1, 2, 2 } },
    { "q", "256,64,16", true, TN_NONE, { 0 } }, { "lw", "1,128,16", true, TN_NONE, { 0 } },
    { "lr", "1,128,32", true, TN_NONE, { 0 } }, { "gw", "1,144,16", true, TN_NONE, { 0 } },
    { "gr", "1,144,48", true, TN_NONE, { 0 } }, { "rw", "1,96,16", true, TN_NONE, { 0 } },
    { "rr", "1,96,96", true, TN_NONE, { 0 } },  { "a13", "2", false, TN_I64, { 1, 3 } },
    { "xl", "4096,2048", true, TN_F32, { 0 } }, { "i8", "2048,64", true, TN_I8, { 0 } },
    { "s8", "1", true, TN_F32, { 0 } },
};

static tn_tensor *filled(tn_dtype t, const char *shape, const int64_t *v) {
    int64_t dims[8];
    int rank = 0;
    tn_tensor *x;
    for (const char *p = shape; *p; rank++) {
        char *end;
        dims[rank] = strtoll(p, &end, 10);
        p = *end ? end + 1 : end;
    }
    check_ok(tn_tensor_new(t, rank, dims, &x));
    for (int64_t i = 0; v && i < tn_count(x); i++) tn_set_f64(t, x->data, i, (double)v[i]);
    return x;
}

static bool names(const char *list, const char *name) {
    size_t n = strlen(name);
    for (const char *p = strstr(list, name); p; p = strstr(p + 1, name))
        if ((p == list || p[-1] == ' ') && (p[n] == ' ' || !p[n])) return true;
    return false;
}

static int missed;
static void one(size_t row, tn_dtype t) {
    ob *b = ob_new(10, 23);
    tn_tensor *in[6], *out = NULL;
    int n = 0;
    for (size_t i = 0; i < TN_COUNT(values); i++) {
        tn_dtype of = values[i].of ? values[i].of : t;
        if (!names(rows[row].inputs, values[i].name)) continue;
        tn_tensor *x = filled(of, values[i].dims, values[i].given ? NULL : values[i].v);
        if (values[i].given) {
            ob_input(b, values[i].name, of, values[i].dims);
            in[n++] = x;
        } else {
            ob_init(b, values[i].name, x);
            tn_tensor_free(&x);
        }
    }
    ob_node(b, rows[row].op, rows[row].inputs, "out");
    if (rows[row].attrs) rows[row].attrs(b);
    ob_output(b, "out");
    tn_text file = ob_finish(b);
    tn_model *m;
    tn_session *s;
    tn_forecast f;
    tn_type types[6];
    tn_session_opts o = { .size = sizeof o, .threads = 1 };
    check_ok(tn_model_open_memory(file.s, file.n, &m));
    for (int i = 0; i < n; i++) types[i] = tn_type_of(&(tn_datum){ TN_KIND_TENSOR, .tensor = *in[i] });
    check_ok(tn_forecast_run(m, types, 1, &f));
    check_ok(tn_session_new(m, &o, &s));
    size_t before = tn_mem_stats_all().now;
    tn_mem_reset_peak();
    check_ok(tn_session_run(s, (size_t)n, (const tn_tensor *const *)in, 1, &out));
    size_t took = tn_mem_stats_all().peak - before + f.inputs;
    if (took > f.peak + f.peak / 20 + TILES) {
        print_error("%s(%s) of %s: %.1f MB said, %.1f taken\n", rows[row].op, rows[row].inputs, tn_dtype_name(t),
                    (double)f.peak / 1e6, (double)took / 1e6);
        missed++;
    }
    tn_session_free(&s);
    tn_model_close(&m);
    tn_text_free(&file);
    tn_tensor_free(&out);
    while (n) tn_tensor_free(&in[--n]);
}

static void as_said(void **state) {
    (void)state;
    static const tn_dtype types[] = { TN_F16, TN_F32, TN_F64 };
    for (size_t row = 0; row < TN_COUNT(rows); row++)
        for (int t = 0; t < 3; t++)
            if (rows[row].types >> t & 1) one(row, types[t]);
    assert_int_equal(missed, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(as_said) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
