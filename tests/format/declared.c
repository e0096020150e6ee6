/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* declared.c - types that a file states are not relied on: whatever they say, old forms and decompositions mean what
 * they mean, and what is not so is said. */
#include "base/log.h"
#include "lib/onnx_build.h"
#include "test.h"

static uint64_t seed = 20260101;
static int below(int n) { return (int)(test_random(&seed) >> 33) % n; }

/* ---------------------------------------------------------------------------------------------------- the models */

typedef struct {
    const char *what;
    int opset;
    const char *a, *b, *c; /* dimensions of the inputs; NULL: not there */
    tn_dtype tb;           /* element type of b and c */
    const char *op, *in, *out;
    void (*attrs)(ob *b);
    bool shapes; /* means nothing where the inputs' shapes are not known */
} form;

#define AXIS(n) \
    static void axis##n(ob *b) { ob_int(b, "axis", n); }
AXIS(0) AXIS(1) static void last(ob *b) { ob_int(b, "axis", -1); }
static void from_two(ob *b) { ob_int(b, "axis", -2); }
static void from_one(ob *b) { ob_int(b, "axis", 1), ob_int(b, "broadcast", 1); }
static void from_end(ob *b) { ob_int(b, "axis", -2), ob_int(b, "broadcast", 1); }
static void cut(ob *b) { ob_float(b, "min", -0.25f), ob_float(b, "max", 0.5f); }
static void padded(ob *b) { ob_ints(b, "pads", (int64_t[]){ 0, 1, 1, 0, 0, 0 }, 6), ob_float(b, "value", 1.5f); }
static void power(ob *b) { ob_float(b, "p", 1.5f); }
static void per_element(ob *b) { ob_int(b, "spatial", 0); }
static void two_groups(ob *b) { ob_int(b, "num_groups", 2); }
static void doubled(ob *b) { ob_floats(b, "scales", (float[]){ 1, 1, 2, 2 }, 4); }
static void apart(ob *b) { ob_int(b, "across_channels", 1), ob_int(b, "normalize_variance", 0); }
static void heads(ob *b) { ob_int(b, "q_num_heads", 1), ob_int(b, "kv_num_heads", 1); }
static void steep(ob *b) { ob_float(b, "alpha", 0.5f), ob_float(b, "beta", 2); }
static void whole(ob *b) { ob_int(b, "axis", 1), ob_int(b, "is_inner_broadcast", 0); }

static const form forms[] = {
    { "softmax", 11, "1,4,2", NULL, NULL, TN_F32, "Softmax", "ha", "y", axis1 },
    { "softmax of all", 11, "2,3", NULL, NULL, TN_F32, "Softmax", "ha", "y", axis0 },
    { "softmax, default", 9, "2,3,2,1", NULL, NULL, TN_F32, "Softmax", "ha", "y", NULL },
    { "softmax, from the end", 12, "2,3,4", NULL, NULL, TN_F32, "Softmax", "ha", "y", from_two },
    { "softmax, last", 12, "2,3,4", NULL, NULL, TN_F32, "Softmax", "ha", "y", last },
    { "log softmax", 1, "2,1,4", NULL, NULL, TN_F32, "LogSoftmax", "ha", "y", axis1 },
    { "hardmax", 11, "2,3,4", NULL, NULL, TN_F32, "Hardmax", "ha", "y", axis1 },
    { "prelu", 6, "2,3,3,3", "3", NULL, TN_F32, "PRelu", "ha hb", "y", NULL },
    { "prelu of one", 6, "2,3,3", "1", NULL, TN_F32, "PRelu", "ha hb", "y", NULL },
    { "prelu of a matrix", 6, "3,3", "3", NULL, TN_F32, "PRelu", "ha hb", "y", NULL },
    { "sum from an axis", 6, "2,3,3", "3", NULL, TN_F32, "Add", "ha hb", "y", from_one },
    { "product from the end", 6, "2,3,3", "3", NULL, TN_F32, "Mul", "ha hb", "y", from_end },
    { "less", 1, "2,3,3", "3,3", NULL, TN_F32, "Less", "ha hb", "y", from_one },
    { "attention", 23, "1,4,2", "1,4,2", "4,1", TN_F32, "Attention", "ha hb hb hc", "y", heads },
    { "attention, all keys", 23, "1,4,2", "1,4,2", "4,4", TN_F32, "Attention", "ha hb hb hc", "y", heads },
    { "clip", 6, "2,3", NULL, NULL, TN_F32, "Clip", "ha", "y", cut },
    { "padding", 2, "2,3,1", NULL, NULL, TN_F32, "Pad", "ha", "y", padded },
    { "norm of a pooling", 1, "1,2,3,3", NULL, NULL, TN_F32, "GlobalLpPool", "ha", "y", power },
    { "one hot", 9, "2,3", "2,2", NULL, TN_I64, "OneHot", "hb depth values", "y", NULL },
    { "split", 1, "4,2", "2", NULL, TN_F32, "Split", "ha lengths", "y z", axis0 },
    { "dropout and its mask", 7, "2,3", NULL, NULL, TN_F32, "Dropout", "ha", "y z", NULL },
    { "tiles", 1, "2,3", NULL, NULL, TN_F32, "Tile", "ha tiles at", "y", NULL },
    { "upsampling", 7, "1,1,2,2", NULL, NULL, TN_F32, "Upsample", "ha", "y", doubled },
    { "normalised elements", 7, "2,3", "3", NULL, TN_F32, "BatchNormalization", "ha hb hb hb ones", "y", per_element },
    { "groups", 18, "2,4,3", "2", NULL, TN_F32, "GroupNormalization", "ha hb hb", "y", two_groups },
    { "mean", 1, "2,3,2,2", NULL, NULL, TN_F32, "MeanVarianceNormalization", "ha", "y", apart },
    { "scaled tanh", 1, "2,3", NULL, NULL, TN_F32, "ScaledTanh", "ha", "y", steep },
    { "affine", 1, "2,3", NULL, NULL, TN_F32, "Affine", "ha", "y", steep },
    { "bias softmax", 17, "2,3,4", "1,3,4", NULL, TN_F32, "com.microsoft::BiasSoftmax", "ha hb", "y", whole },
    { "bias gelu", 17, "2,4", "4", NULL, TN_F32, "com.microsoft::BiasGelu", "ha hb", "y", NULL },
    { "swish gate", 28, "2,4", "2,4", NULL, TN_F32, "SwiGLU", "ha hb", "y", NULL },
    { "likelihood", 22, "3,4", "3", NULL, TN_I64, "NegativeLogLikelihoodLoss", "ha hb", "y", NULL },
    { "first updates", 18, "3,3", "2,2", NULL, TN_I64, "ScatterElements", "ha hb ha", "y", axis0, true },
};

static const tn_dtype stated[] = { TN_F32, TN_F16, TN_F64, TN_I64, TN_I32, TN_BOOL };

static const char *any_dims(void) {
    static char text[2][40];
    static int turn;
    static const char *const sizes[] = { "1", "1", "2", "3", "4", "n" };
    char *s = text[turn = !turn];
    *s = 0;
    for (int i = 0, rank = below(5); i < rank; i++) strcat(strcat(s, i ? "," : ""), sizes[below((int)TN_COUNT(sizes))]);
    return s;
}

static void hidden(ob *b, const char *name, bool stale) {
    char from[2] = { name[1], 0 };
    ob_node(b, "Identity", from, name); /* the form sees a value that only inference knows */
    if (stale && below(4)) ob_value_info(b, name, stated[below((int)TN_COUNT(stated))], any_dims());
}

/* The form's inputs come through other nodes. open: the model's inputs have no shapes. */
static ob *build(const form *f, bool open, bool stale) {
    ob *b = ob_new(8, f->opset);
    ob_input(b, "a", TN_F32, open ? NULL : f->a);
    if (f->b) ob_input(b, "b", f->tb, open ? NULL : f->b);
    if (f->c) ob_input(b, "c", f->tb, open ? NULL : f->c);
    ob_ints_init(b, "depth", "1", (int64_t[]){ 3 }, 1);
    ob_floats_init(b, "values", "2", (float[]){ -1, 1 }, 2);
    ob_floats_init(b, "lengths", "2", (float[]){ 1, 3 }, 2);
    ob_floats_init(b, "tiles", "", (float[]){ 2 }, 1);
    ob_floats_init(b, "at", "", (float[]){ 1 }, 1);
    ob_floats_init(b, "ones", "3", (float[]){ 1, 1, 1 }, 3);
    hidden(b, "ha", stale);
    if (f->b) hidden(b, "hb", stale);
    if (f->c) hidden(b, "hc", stale);
    ob_node(b, f->op, f->in, f->out);
    if (f->attrs) f->attrs(b);
    for (const char *name = f->out; *name; name += name[1] ? 2 : 1) {
        char one[2] = { *name, 0 };
        if (stale && below(3))
            ob_output_info(b, one, stated[below((int)TN_COUNT(stated))], any_dims());
        else
            ob_output(b, one);
    }
    return b;
}

/* ------------------------------------------------------------------------------------------------------- running */

static tn_tensor *filled(tn_dtype t, const char *dims, int which) {
    tn_tensor *x;
    int64_t shape[TN_MAX_RANK];
    int rank = 0;
    for (char *end; *dims; dims = *end ? end + 1 : end) shape[rank++] = strtoll(dims, &end, 10);
    check_ok(tn_tensor_new(t, rank, shape, &x));
    for (int64_t i = 0; i < tn_tensor_elements(x); i++)
        if (t == TN_I64)
            ((int64_t *)tn_tensor_data(x))[i] = (i + which) % 2;
        else
            ((float *)tn_tensor_data(x))[i] = (float)((i * 7 + which * 3) % 11) / 8 - 0.4f;
    return x;
}

static int run(ob *b, const form *f, tn_tensor **out) {
    tn_text file = ob_finish(b);
    tn_model *m;
    tn_session *s;
    tn_tensor *in[3] = { filled(TN_F32, f->a, 0), f->b ? filled(f->tb, f->b, 1) : NULL,
                         f->c ? filled(f->tb, f->c, 2) : NULL };
    tn_status st = tn_model_open_memory(file.s, file.n, &m);
    check(st == TN_OK, "%s: %s\n", f->what, tn_error());
    int n = (int)tn_model_outputs(m);
    check_ok(tn_session_new(m, NULL, &s));
    st = tn_session_run(s, tn_model_inputs(m), (const tn_tensor *const *)in, (size_t)n, out);
    check(st == TN_OK, "%s: %s\n", f->what, tn_error());
    for (int i = 0; i < 3; i++) tn_tensor_free(&in[i]);
    tn_session_free(&s);
    tn_model_close(&m);
    tn_text_free(&file);
    return n;
}

static bool close_enough(const tn_tensor *x, const tn_tensor *y) {
    if (tn_tensor_dtype(x) != tn_tensor_dtype(y) || tn_tensor_rank(x) != tn_tensor_rank(y)) return false;
    for (int i = 0; i < tn_tensor_rank(x); i++)
        if (tn_tensor_dims(x)[i] != tn_tensor_dims(y)[i]) return false;
    if (tn_tensor_dtype(x) != TN_F32) return !memcmp(tn_tensor_data(x), tn_tensor_data(y), tn_tensor_bytes(x));
    const float *p = tn_tensor_data(x), *q = tn_tensor_data(y);
    for (int64_t i = 0; i < tn_tensor_elements(x); i++) /* other forms of the same round in another order */
        if (!(p[i] - q[i] <= 1e-6f && q[i] - p[i] <= 1e-6f)) return false;
    return true;
}

static void stale_types_change_nothing(void **state) {
    (void)state;
    tn_log_set(TN_LOG_ERROR); /* each is said: see below */
    for (size_t k = 0; k < TN_COUNT(forms); k++) {
        tn_tensor *want[2] = { NULL };
        int n = run(build(&forms[k], false, false), &forms[k], want);
        for (int i = 0; i < 24; i++) {
            tn_tensor *got[2] = { NULL };
            int again = run(build(&forms[k], i % 3 == 0 && !forms[k].shapes, true), &forms[k], got);
            check(again == n, "%s: %d outputs\n", forms[k].what, again);
            for (int o = 0; o < n; o++)
                check(close_enough(got[o], want[o]), "%s: output %d depends on what the file states\n", forms[k].what,
                      o);
            for (int o = 0; o < n; o++) tn_tensor_free(&got[o]);
        }
        for (int o = 0; o < n; o++) tn_tensor_free(&want[o]);
    }
    tn_log_set(TN_LOG_WARN);
}

/* A body's inputs are what its node gives it: here [1, 4, 2], whatever the body states. */
static void stale_bodies(void **state) {
    (void)state;
    const form f = { "a body", 11, "1,4,2", NULL, NULL, TN_F32, NULL, NULL, "y", NULL };
    tn_tensor *first[2] = { NULL }, *got[2];
    tn_log_set(TN_LOG_ERROR);
    for (int i = 0; i < 12; i++) {
        ob *b = ob_new(8, 11), *body = ob_graph();
        ob_input(b, "a", TN_F32, "1,4,2");
        ob_ints_init(b, "two", "", (int64_t[]){ 2 }, 1);
        ob_input(body, "step", TN_I64, i ? any_dims() : "");
        ob_input(body, "go", TN_BOOL, i ? any_dims() : "");
        ob_input(body, "s", i ? stated[below((int)TN_COUNT(stated))] : TN_F32, i ? any_dims() : NULL);
        ob_node(body, "Softmax", "s", "r");
        ob_int(body, "axis", 1);
        ob_node(body, "Identity", "go", "on");
        ob_output(body, "on");
        ob_output(body, "r");
        ob_node(b, "Loop", "two _ a", "y");
        ob_subgraph(b, "body", body);
        ob_output(b, "y");
        check(run(b, &f, i ? got : first) == 1, "one output\n");
        if (i) check(close_enough(got[0], first[0]), "a body depends on what it states of its inputs\n");
        if (i) tn_tensor_free(&got[0]);
    }
    tn_tensor_free(&first[0]);
    tn_log_set(TN_LOG_WARN);
}

/* -------------------------------------------------------------------------------------------------------- said */

static void finds(ob *b, const char *const *texts) {
    tn_text file = ob_finish(b);
    tn_model *m;
    tn_finding f;
    size_t n = 0;
    tn_log_set(TN_LOG_ERROR);
    check_ok(tn_model_open_memory(file.s, file.n, &m));
    tn_log_set(TN_LOG_WARN);
    for (; texts[n]; n++) {
        check_ok(tn_model_finding(m, n, &f));
        check(f.kind == TN_FINDING_WARNING && !strcmp(f.text, texts[n]), "%s\n", f.text);
    }
    check(tn_model_findings(m) == n, "%zu findings, %zu expected\n", tn_model_findings(m), n);
    check_fails(tn_model_finding(m, n, &f), TN_E_INVALID, "finding");
    tn_model_close(&m);
    tn_text_free(&file);
}

static ob *relu(const char *dims) {
    ob *b = ob_new(8, 17);
    ob_input(b, "x", TN_F32, dims);
    ob_node(b, "Neg", "x", "h");
    ob_node(b, "Relu", "h", "y");
    return b;
}

static void wrong_types_are_said(void **state) {
    (void)state;
    ob *b = relu("2,3");
    ob_output_info(b, "y", TN_F32, "2,3");
    ob_value_info(b, "h", TN_F32, "2,3");
    ob_value_info(b, "nobody", TN_F32, "7");
    finds(b, (const char *[]){ NULL });
    b = relu("2,3");
    ob_output_info(b, "y", TN_F32, "4,3");
    finds(b, (const char *[]){ "output 'y' is declared as float32[4,3] but is float32[2,3]", NULL });
    b = relu("n,3");
    ob_output_info(b, "y", TN_F16, "n,3");
    ob_value_info(b, "h", TN_F32, "7");
    ob_value_info(b, "y", TN_F32, "9"); /* the output's own entry counts */
    finds(b, (const char *[]){ "output 'y' is declared as float16[n,3] but is float32[n,3]",
                               "value 'h' is declared as float32[7] but is float32[n,3]", NULL });
}

/* Where inference knows less than the file, people see what the file says. */
static void gaps_are_filled_for_show(void **state) {
    (void)state;
    ob *b = ob_new(8, 17);
    tn_model *m;
    tn_value_info info;
    ob_input(b, "x", TN_F32, "2,3");
    ob_input(b, "s", TN_I64, NULL);
    ob_node(b, "Reshape", "x s", "y");
    ob_output_info(b, "y", TN_F32, "rows,6");
    tn_text file = ob_finish(b);
    check_ok(tn_model_open_memory(file.s, file.n, &m));
    check_ok(tn_model_output(m, 0, &info));
    check(info.rank == 2 && info.dims[0] == -1 && info.dims[1] == 6, "rank %d\n", info.rank);
    assert_string_equal(info.symbols[0], "rows");
    assert_int_equal(tn_model_findings(m), 0);
    tn_model_close(&m);
    tn_text_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(stale_types_change_nothing), cmocka_unit_test(stale_bodies),
                                        cmocka_unit_test(wrong_types_are_said),
                                        cmocka_unit_test(gaps_are_filled_for_show) };
    return cmocka_run_group_tests_name("format/declared", tests, NULL, NULL);
}
