/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* changing.c - operators behind values whose shape only a run tells: one session sees one length after another, and
 * must not keep what it prepared for the last. x is cut to its first `length` elements along an axis by an input; what
 * comes out is held against a model for exactly that length, which is planned and prepared before it runs. */
#include "engine/session.h"
#include "lib/op_text.h"
#include "test.h"
#include <math.h>

enum { LONGEST = 12 };

typedef struct {
    const char *op, *attrs;
    const char *dims; /* of x; "n" is cut */
    int axis;         /* where n stands */
    const char *more; /* an initialiser that follows x, as text; NULL: none */
    const char *also; /* another */
} changing_case;

static const changing_case cases[] = {
    { "Conv", "pads=[1,1]", "1,2,n", 2, "f32:3,2,3=1,2,3,-1,0,2,1,1,1,0.5", NULL },
    { "Conv", "strides=[2,1] dilations=[1,2]", "1,1,n,5", 2, "f32:2,1,2,2=1,2,-3,4,0.25,1,1,1", NULL },
    { "ConvTranspose", "strides=[2] output_padding=[1]", "1,2,n", 2, "f32:2,1,2=1,2,3,4", NULL },
    { "MaxPool", "kernel_shape=[2] strides=[2] ceil_mode=1", "1,1,n", 2, NULL, NULL },
    { "AveragePool", "kernel_shape=[3] pads=[1,1]", "1,1,n", 2, NULL, NULL },
    { "GlobalAveragePool", NULL, "1,2,n", 2, NULL, NULL },
    { "MatMul", NULL, "n,3", 0, "f32:3,2=1,2,3,4,5,6", NULL },
    { "Gemm", "transA=1 beta=2.0", "3,n", 1, "f32:3,2=1,2,3,4,5,6", "f32:2=1,-1" },
    { "Einsum", "equation=ij,kj->ik", "n,2", 0, "f32:3,2=1,2,3,4,5,6", NULL },
    { "Add", NULL, "n,1", 0, "f32:3=1,2,3", NULL },
    { "DFT", "onesided=1", "1,n,1", 1, NULL, NULL },
    { "Softmax", "axis=0", "n,2", 0, NULL, NULL },
    { "LSTM", "hidden_size=1", "n,1,1", 0, "f32:1,4,1=0.5,0.25,-0.5,1", "f32:1,4,1=0.1,0.2,0.3,0.4" },
    { "QuantizeLinear", "axis=1", "n,2", 0, "f32:2=0.5,0.25", "u8:2=3,100" },
};

/* The case's node behind x, or behind its cut. cut: x is cut while running; else it is declared as long as n says. */
typedef struct {
    tn_text file; /* which the model may borrow */
    tn_model *m;
    tn_session *s;
} ready;

static ready prepare(const changing_case *c, bool cut, int n) {
    ob *b = ob_new(10, 22);
    char dims[32], longest[8];
    const char *at = strchr(c->dims, 'n'), *more[] = { c->more, c->also }, *names[] = { "w", "z" };
    char inputs[16] = "y";
    snprintf(longest, sizeof longest, "%d", n);
    snprintf(dims, sizeof dims, "%.*s%s%s", (int)(at - c->dims), c->dims, longest, at + 1);
    ob_input(b, cut ? "x" : "y", TN_F32, dims);
    if (cut) ob_input(b, "length", TN_I64, "1");
    ob_output(b, "out");
    ob_ints_init(b, "zero", "1", (int64_t[]){ 0 }, 1);
    ob_ints_init(b, "axis", "1", (int64_t[]){ c->axis }, 1);
    if (cut) ob_node(b, "Slice", "x zero length axis", "y");
    for (int i = 0; i < 2 && more[i]; i++) {
        tn_tensor *t = tensor_of_text(more[i]);
        ob_init(b, names[i], t);
        tn_tensor_free(&t);
        strcat(strcat(inputs, " "), names[i]);
    }
    ob_node(b, c->op, inputs, "out");
    ob_attrs(b, c->attrs);
    ready r = { .file = ob_finish(b) };
    check_ok(tn_model_open_memory(r.file.s, r.file.n, &r.m));
    check_ok(tn_session_new(r.m, NULL, &r.s));
    return r;
}

static void done_with(ready *r) {
    tn_session_free(&r->s);
    tn_model_close(&r->m);
    tn_text_free(&r->file);
}

/* The first n along the axis, of numbers that tell where they stand. */
static tn_tensor *ramp(const changing_case *c, int n) {
    int64_t dims[TN_MAX_RANK], inner = 1;
    int rank = 0;
    tn_tensor *t;
    for (const char *p = c->dims; *p; p += *p == ',') {
        char *end;
        dims[rank] = *p == 'n' ? n : strtoll(p, &end, 10);
        p = *p == 'n' ? p + 1 : end, rank++;
    }
    check_ok(tn_tensor_new(TN_F32, rank, dims, &t));
    for (int d = c->axis + 1; d < rank; d++) inner *= dims[d];
    for (int64_t i = 0; i < tn_count(t); i++) {
        int64_t outer = i / (inner * n), k = i / inner % n;
        ((float *)t->data)[i] = (float)sin((double)(outer * LONGEST * inner + k * inner + i % inner + 1));
    }
    return t;
}

/* Whether the session that saw other lengths before gives what a model for this one gives. */
static bool same(const changing_case *c, const ready *r, const tn_tensor *x, int n) {
    ready exact = prepare(c, false, n);
    tn_tensor *part = ramp(c, n), *length, *got = NULL, *want = NULL;
    char why[200];
    check_ok(tn_tensor_new(TN_I64, 1, (int64_t[]){ 1 }, &length));
    *(int64_t *)length->data = n;
    check_ok(tn_session_run(r->s, 2, (const tn_tensor *[]){ x, length }, 1, &got));
    check_ok(tn_session_run(exact.s, 1, (const tn_tensor *[]){ part }, 1, &want));
    bool good = tensors_agree(got, want, 1e-6, why, sizeof why);
    if (!good) print_error("%s, length %d: %s\n", c->op, n, why);
    tn_tensor_free(&got), tn_tensor_free(&want), tn_tensor_free(&part), tn_tensor_free(&length);
    done_with(&exact);
    return good;
}

static void lengths_one_after_another(void **state) {
    (void)state;
    static const int lengths[] = { 7, 8, 4, LONGEST, 5, 5, 9, 4 };
    int failed = 0;
    for (size_t i = 0; i < TN_COUNT(cases); i++) {
        ready r = prepare(&cases[i], true, LONGEST);
        tn_tensor *x = ramp(&cases[i], LONGEST);
        for (size_t k = 0; k < TN_COUNT(lengths); k++) failed += !same(&cases[i], &r, x, lengths[k]);
        tn_tensor_free(&x);
        done_with(&r);
    }
    assert_int_equal(failed, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(lengths_one_after_another) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
