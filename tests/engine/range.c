/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* range.c - plans for ranges of shapes: what they give must be, bit for bit, what a session gives that sees the shapes
 * for the first time; and they must be used. */
#include "engine/session.h"
#include "lib/op_text.h"
#include "test.h"
#include <stdlib.h>

typedef struct {
    const char *name;
    void (*build)(ob *b);
    int n_inputs;
    void (*shape)(int call, int input, char *text); /* of an input in a call: "f32:2,3" */
    int ranged; /* 1: ranges must serve most calls; 0: none may be; -1: as it comes */
} range_case;

static uint32_t seed;
static int draw(int least, int most) {
    seed = seed * 1664525u + 1013904223u;
    return least + (int)((seed >> 8) % (uint32_t)(most - least + 1));
}

static void weights(ob *b, const char *name, const char *dims, int n) {
    float *v = calloc((size_t)n, sizeof *v);
    assert_non_null(v);
    for (int i = 0; i < n; i++) v[i] = (float)((i * 7 + n) % 13) * 0.07f - 0.4f;
    ob_floats_init(b, name, dims, v, n);
    free(v);
}

/* ---------------------------------------------------------------------------------------------------------- models */

/* Attention as exporters write it: heads by Shape, Gather, Concat, Reshape; lengths of batch and sequence vary. */
static void attention(ob *b) {
    ob_input(b, "x", TN_F32, "batch,seq,16");
    weights(b, "wq", "16,16", 256);
    weights(b, "wk", "16,16", 256);
    weights(b, "gain", "16", 16);
    ob_ints_init(b, "zero", "", (int64_t[]){ 0 }, 1);
    ob_ints_init(b, "one", "", (int64_t[]){ 1 }, 1);
    ob_ints_init(b, "axis", "1", (int64_t[]){ 0 }, 1);
    ob_ints_init(b, "heads", "2", (int64_t[]){ 4, 4 }, 2);
    ob_ints_init(b, "width", "1", (int64_t[]){ 16 }, 1);
    ob_node(b, "Shape", "x", "shape");
    ob_node(b, "Gather", "shape zero", "b0");
    ob_node(b, "Gather", "shape one", "s0");
    ob_node(b, "Unsqueeze", "b0 axis", "b1");
    ob_node(b, "Unsqueeze", "s0 axis", "s1");
    ob_node(b, "Concat", "b1 s1 heads", "split");
    ob_int(b, "axis", 0);
    ob_node(b, "Concat", "b1 s1 width", "joined");
    ob_int(b, "axis", 0);
    for (int i = 0; i < 2; i++) {
        ob_node(b, "MatMul", i ? "x wk" : "x wq", i ? "k0" : "q0");
        ob_node(b, "Reshape", i ? "k0 split" : "q0 split", i ? "k1" : "q1");
        ob_node(b, "Transpose", i ? "k1" : "q1", i ? "k2" : "q2");
        ob_ints(b, "perm", i ? (int64_t[]){ 0, 2, 3, 1 } : (int64_t[]){ 0, 2, 1, 3 }, 4);
    }
    ob_node(b, "MatMul", "q2 k2", "scores");
    ob_node(b, "Softmax", "scores", "p");
    ob_int(b, "axis", -1);
    ob_node(b, "MatMul", "p q2", "mixed");
    ob_node(b, "Transpose", "mixed", "back");
    ob_ints(b, "perm", (int64_t[]){ 0, 2, 1, 3 }, 4);
    ob_node(b, "Reshape", "back joined", "flat");
    ob_node(b, "Add", "flat x", "sum");
    ob_node(b, "Mul", "sum gain", "scaled");
    ob_node(b, "Tanh", "scaled", "y");
    ob_output(b, "y");
    ob_output(b, "shape"); /* contents of a shape as a result */
}

static void attention_shape(int call, int input, char *text) {
    (void)call, (void)input;
    snprintf(text, 64, "f32:%d,%d,16", draw(1, 3), draw(1, 40));
}

/* A picture of any size: windows, halves that round up, joined branches, a position for every row. */
static void picture(ob *b) {
    ob_input(b, "x", TN_F32, "n,3,h,w");
    weights(b, "w", "8,3,3,3", 216);
    weights(b, "d", "8,1,3,3", 72);
    weights(b, "p", "4,8,1,1", 32);
    ob_node(b, "Conv", "x w", "c");
    ob_ints(b, "pads", (int64_t[]){ 1, 1, 1, 1 }, 4);
    ob_ints(b, "strides", (int64_t[]){ 2, 2 }, 2);
    ob_node(b, "Relu", "c", "r");
    ob_node(b, "Conv", "r d", "e");
    ob_int(b, "group", 8);
    ob_ints(b, "pads", (int64_t[]){ 1, 1, 1, 1 }, 4);
    ob_node(b, "Add", "e r", "s");
    ob_node(b, "MaxPool", "s", "m");
    ob_ints(b, "kernel_shape", (int64_t[]){ 2, 2 }, 2);
    ob_ints(b, "strides", (int64_t[]){ 2, 2 }, 2);
    ob_int(b, "ceil_mode", 1);
    ob_node(b, "Conv", "m p", "o");
    ob_node(b, "GlobalAveragePool", "s", "g");
    ob_node(b, "Flatten", "g", "f");
    ob_output(b, "o");
    ob_output(b, "f");
}

static void picture_shape(int call, int input, char *text) {
    (void)call, (void)input;
    snprintf(text, 64, "f32:%d,3,%d,%d", draw(1, 2), draw(5, 40), draw(5, 40));
}

/* A decoder's step: the past grows by one a call, the mask with it; positions come from the sizes. */
static void step(ob *b) {
    ob_input(b, "x", TN_F32, "1,1,8");
    ob_input(b, "past", TN_F32, "1,p,8");
    ob_input(b, "mask", TN_F32, "1,t");
    weights(b, "w", "8,8", 64);
    ob_ints_init(b, "one", "", (int64_t[]){ 1 }, 1);
    ob_ints_init(b, "zero", "", (int64_t[]){ 0 }, 1);
    ob_node(b, "Concat", "past x", "all");
    ob_int(b, "axis", 1);
    ob_node(b, "MatMul", "x w", "q");
    ob_node(b, "Transpose", "all", "keys");
    ob_ints(b, "perm", (int64_t[]){ 0, 2, 1 }, 3);
    ob_node(b, "MatMul", "q keys", "s");
    ob_node(b, "Add", "s mask", "masked");
    ob_node(b, "Shape", "all", "shape");
    ob_node(b, "Gather", "shape one", "length");
    ob_node(b, "Range", "zero length one", "places");
    ob_node(b, "Cast", "places", "far");
    ob_int(b, "to", 1);
    ob_node(b, "Sub", "masked far", "near");
    ob_node(b, "Softmax", "near", "p");
    ob_int(b, "axis", -1);
    ob_node(b, "MatMul", "p all", "y");
    ob_output(b, "y");
    ob_output(b, "all");
}

static void step_shape(int call, int input, char *text) {
    int past = call + 1;
    snprintf(text, 64, input == 0 ? "f32:1,1,8" : input == 1 ? "f32:1,%d,8" : "f32:1,%d", past + (input == 2));
}

/* Codes whose number of channels varies, too: no layout may be made for one number of them. */
static void codes(ob *b) {
    tn_tensor *zero = tensor_of_text("u8:=3");
    ob_opset(b, "com.microsoft", 1);
    ob_input(b, "x", TN_F32, "n,c,h,w");
    ob_floats_init(b, "s", "", (float[]){ 0.02f }, 1);
    ob_init(b, "z", zero);
    tn_tensor_free(&zero);
    ob_node(b, "QuantizeLinear", "x s z", "q");
    ob_node(b, "com.microsoft::QLinearAveragePool", "q s z s z", "p");
    ob_ints(b, "kernel_shape", (int64_t[]){ 2, 2 }, 2);
    ob_node(b, "com.microsoft::QLinearGlobalAveragePool", "p s z s z", "g");
    ob_node(b, "DequantizeLinear", "p s z", "y");
    ob_node(b, "DequantizeLinear", "g s z", "m");
    ob_output(b, "y");
    ob_output(b, "m");
}

static void codes_shape(int call, int input, char *text) {
    (void)call, (void)input;
    snprintf(text, 64, "f32:%d,%d,%d,%d", draw(1, 2), draw(1, 40), draw(2, 9), draw(2, 9));
}

/* Where sizes meet that broadcast: now equal, now 1. The rule for one is wrong for the other. */
static void meeting(ob *b) {
    ob_input(b, "a", TN_F32, "n,4");
    ob_input(b, "b", TN_F32, "m,4");
    ob_node(b, "Add", "a b", "s");
    ob_node(b, "Shape", "s", "shape");
    ob_node(b, "ConstantOfShape", "shape", "zeros");
    ob_node(b, "Add", "zeros s", "y");
    ob_node(b, "Relu", "y", "z");
    ob_output(b, "z");
    ob_output(b, "shape");
}

static void meeting_shape(int call, int input, char *text) {
    static int n, one;
    if (input == 0) n = call % 7 == 3 ? 0 : draw(1, 9), one = draw(0, 2);
    snprintf(text, 64, "f32:%d,4", one == input + 1 ? 1 : n);
}

/* Sizes that a value decides: no plan for a range can know them, and nothing may go wrong. */
static void by_value(ob *b) {
    ob_input(b, "x", TN_F32, "n");
    ob_node(b, "NonZero", "x", "at");
    ob_node(b, "Transpose", "at", "rows");
    ob_node(b, "GatherND", "x rows", "y");
    ob_node(b, "Relu", "y", "z");
    ob_node(b, "Shape", "z", "shape");
    ob_output(b, "z");
    ob_output(b, "shape");
}

static void by_value_shape(int call, int input, char *text) {
    (void)call, (void)input;
    snprintf(text, 64, "f32:%d", draw(1, 30));
}

static const range_case cases[] = {
    { "attention", attention, 1, attention_shape, 1 },
    { "picture", picture, 1, picture_shape, 1 },
    { "decoder step", step, 3, step_shape, 1 },
    { "sizes that meet", meeting, 2, meeting_shape, -1 },
    { "codes", codes, 1, codes_shape, -1 },
    { "by value", by_value, 1, by_value_shape, 0 },
};

/* --------------------------------------------------------------------------------------------------------- running */

static tn_model *model_of(const range_case *c, tn_text *file) {
    ob *b = ob_new(8, 17);
    tn_model *m;
    c->build(b);
    *file = ob_finish(b); /* the model's as long as it is open */
    check_ok(tn_model_open_memory(file->s, file->n, &m));
    return m;
}

static tn_session *session_of(const tn_model *m, int threads) {
    tn_session_opts o = { .size = sizeof o, .threads = threads };
    tn_session *s;
    check_ok(tn_session_new(m, &o, &s));
    return s;
}

static tn_tensor *values(const char *type, int call) {
    tn_tensor *t = tensor_of_text(type);
    float *x = tn_tensor_data(t);
    for (int64_t i = 0; i < tn_count(t); i++) x[i] = (float)((i * 5 + call) % 11 - 4) * 0.25f;
    return t;
}

/* On several threads the parts of a product may be cut elsewhere, and end in other roundings. */
static void same(const range_case *c, int call, bool exactly, tn_tensor *const *a, tn_tensor *const *b) {
    for (int i = 0; i < 2; i++) {
        char why[200];
        if (!tensors_agree(a[i], b[i], exactly ? 0 : 1e-6, why, sizeof why))
            fail_msg("%s, call %d: output %d is not what a new session gives: %s", c->name, call, i, why);
    }
}

static void run_case(const range_case *c, int calls, int threads) {
    tn_text file;
    tn_model *m = model_of(c, &file);
    tn_session *s = session_of(m, threads);
    seed = 7;
    for (int call = 0; call < calls; call++) {
        tn_tensor *in[3], *out[2], *want[2];
        for (int i = 0; i < c->n_inputs; i++) {
            char text[64];
            c->shape(call, i, text);
            strcat(text, "=0");
            in[i] = values(text, call);
        }
        tn_session *fresh = session_of(m, threads);
        const tn_tensor *const *give = (const tn_tensor *const *)in;
        check_ok(tn_session_run(fresh, (size_t)c->n_inputs, give, 2, want));
        check_ok(tn_session_run(s, (size_t)c->n_inputs, give, 2, out));
        same(c, call, threads == 1, out, want);
        for (int i = 0; i < c->n_inputs; i++) tn_tensor_free(&in[i]);
        for (int i = 0; i < 2; i++) tn_tensor_free(&out[i]), tn_tensor_free(&want[i]);
        tn_session_free(&fresh);
    }
    if (c->ranged >= 0 && (s->n_ranged > 0) != (c->ranged > 0))
        fail_msg("%s: %d plans for ranges", c->name, s->n_ranged);
    if (c->ranged > 0 && s->n_plans > 3) fail_msg("%s: %d exact plans beside a range", c->name, s->n_plans);
    tn_session_free(&s);
    tn_model_close(&m);
    tn_text_free(&file);
}

static void any_sizes(void **state) {
    (void)state;
    for (size_t i = 0; i < TN_COUNT(cases); i++)
        for (int threads = 1; threads <= 2; threads++) run_case(&cases[i], 60, threads);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(any_sizes) };
    return cmocka_run_group_tests_name("engine/range", tests, NULL, NULL);
}
