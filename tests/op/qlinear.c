/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qlinear.c - com.microsoft's operators on quantised tensors, worked out by hand: dequantise, compute, quantise. */
#include "lib/op_run.h"
#include "test.h"

/* A model of one node; inputs are named a, b, c, ... and `holes` are omitted ones. */
static ob *one(const char *type, int n_in, const op_data *in) {
    char names[64] = "", full[64], *p = names;
    ob *b = ob_new(9, 20);
    ob_opset(b, "com.microsoft", 1);
    for (int i = 0; i < n_in; i++) {
        char name[2] = { (char)('a' + i), 0 };
        bool there = in[i].type != TN_NONE;
        if (there) ob_input(b, name, in[i].type, in[i].dims);
        p += sprintf(p, "%s%s", i ? " " : "", there ? name : "_");
    }
    ob_output(b, "y");
    sprintf(full, "com.microsoft::%s", type);
    ob_node(b, full, names, "y");
    return b;
}

/* Feeds the inputs that there are. */
static void gives(ob *b, int n_in, const op_data *in, const op_data *want) {
    op_data given[16];
    int n = 0;
    for (int i = 0; i < n_in; i++)
        if (in[i].type != TN_NONE) given[n++] = in[i];
    op_gives(b, n, given, 1, want, 1e-5);
}

#define SCALAR(t, x) \
    {                \
        t, "", { x } \
    }
#define NOTHING \
    { TN_NONE, "" }
#define GIVES(b, in, want) gives(b, (int)TN_COUNT(in), in, want)

static void pairs(void **state) {
    /* a = 0.5 (x - 2): -1 0 1 2; b = 0.25 (x - 1): 1 */
    op_data in[] = { { TN_U8, "2,2", { 0, 2, 4, 6 } },
                     SCALAR(TN_F32, 0.5),
                     SCALAR(TN_U8, 2),
                     { TN_U8, "1", { 5 } },
                     SCALAR(TN_F32, 0.25),
                     SCALAR(TN_U8, 1),
                     SCALAR(TN_F32, 0.5),
                     SCALAR(TN_U8, 3) };
    op_data sum[] = { { TN_U8, "2,2", { 3, 5, 7, 9 } } }, product[] = { { TN_U8, "2,2", { 1, 3, 5, 7 } } };
    GIVES(one("QLinearAdd", 8, in), in, sum);
    GIVES(one("QLinearMul", 8, in), in, product);
    /* without zero points: 0 1 2 3 plus 1.25, by halves to even */
    in[2] = in[5] = in[7] = (op_data)NOTHING;
    op_data plain[] = { { TN_U8, "2,2", { 2, 4, 6, 8 } } }; /* 2.5 4.5 6.5 8.5 */
    GIVES(one("QLinearAdd", 8, in), in, plain);
    op_data where[] = { { TN_BOOL, "2", { 1, 0 } }, { TN_I8, "2", { 4, 4 } }, SCALAR(TN_F32, 0.5),
                        SCALAR(TN_I8, -2),          { TN_I8, "1", { 8 } },    SCALAR(TN_F32, 2),
                        SCALAR(TN_I8, 0),           SCALAR(TN_F32, 1),        SCALAR(TN_I8, 10) };
    op_data chosen[] = { { TN_I8, "2", { 13, 26 } } };
    GIVES(one("QLinearWhere", 9, where), where, chosen);
    op_data muls[] = {
        { TN_I8, "3", { -128, 0, 127 } }, SCALAR(TN_I8, -1), { TN_I8, "1", { -128 } }, SCALAR(TN_I8, 127)
    };
    op_data times[] = { { TN_I32, "3", { 32385, -255, -32640 } } };
    GIVES(one("MulInteger", 4, muls), muls, times);
}

static void functions(void **state) {
    op_data in[] = { { TN_I8, "4", { -100, 0, 10, 20 } },
                     SCALAR(TN_F32, 0.5),
                     SCALAR(TN_I8, 10),
                     SCALAR(TN_F32, 0.25),
                     SCALAR(TN_I8, 0) };
    ob *b = one("QLinearLeakyRelu", 5, in);
    ob_float(b, "alpha", 0.25f);
    op_data leaky[] = { { TN_I8, "4", { -55, -5, 0, 20 } } };
    GIVES(b, in, leaky);
    in[3].v[0] = 1.0 / 128; /* sigmoid of -55, -5, 0, 5: 0, 0.0067, 0.5, 0.9933 */
    op_data sigmoid[] = { { TN_I8, "4", { 0, 1, 64, 127 } } };
    GIVES(one("QLinearSigmoid", 5, in), in, sigmoid);
    /* softmax of equal numbers: one over their count; below version 13 over all that follows the axis */
    op_data equal[] = { { TN_U8, "2,2,2", { 7, 7, 7, 7, 9, 9, 9, 9 } },
                        SCALAR(TN_F32, 0.5),
                        SCALAR(TN_U8, 0),
                        SCALAR(TN_F32, 1.0 / 256),
                        SCALAR(TN_U8, 1) };
    for (int opset = 12; opset <= 13; opset++) {
        double each = opset == 12 ? 65 : 129;
        op_data want[] = { { TN_U8, "2,2,2", { each, each, each, each, each, each, each, each } } };
        b = one("QLinearSoftmax", 5, equal);
        ob_int(b, "axis", 1);
        ob_int(b, "opset", opset);
        GIVES(b, equal, want);
    }
}

static void windows(void **state) {
    op_data in[] = { { TN_U8, "1,1,2,4", { 2, 4, 6, 8, 10, 12, 14, 16 } },
                     SCALAR(TN_F32, 0.5),
                     SCALAR(TN_U8, 2),
                     SCALAR(TN_F32, 0.5),
                     SCALAR(TN_U8, 0) };
    op_data pooled[] = { { TN_U8, "1,1,1,2", { 5, 9 } } }, all[] = { { TN_U8, "1,1,1,1", { 7 } } };
    ob *b = one("QLinearAveragePool", 5, in);
    ob_ints(b, "kernel_shape", (int64_t[]){ 2, 2 }, 2);
    ob_ints(b, "strides", (int64_t[]){ 2, 2 }, 2);
    GIVES(b, in, pooled);
    GIVES(one("QLinearGlobalAveragePool", 5, in), in, all);
    b = one("QLinearReduceMean", 5, in);
    ob_ints(b, "axes", (int64_t[]){ 3 }, 1);
    ob_int(b, "keepdims", 0);
    op_data means[] = { { TN_U8, "1,1,2", { 3, 11 } } };
    GIVES(b, in, means);
    b = one("ReduceSumInteger", 1, in);
    ob_ints(b, "axes", (int64_t[]){ 2 }, 1);
    ob_int(b, "keepdims", 1);
    op_data sums[] = { { TN_U32, "1,1,1,4", { 12, 16, 20, 24 } } };
    op_gives(b, 1, in, 1, sums, 0);
    /* channels last: two channels */
    in[0].dims = "1,2,2,2";
    b = one("QLinearAveragePool", 5, in);
    ob_ints(b, "kernel_shape", (int64_t[]){ 2, 1 }, 2);
    ob_int(b, "channels_last", 1);
    op_data last[] = { { TN_U8, "1,1,2,2", { 4, 6, 8, 10 } } }, both[] = { { TN_U8, "1,1,1,2", { 6, 8 } } };
    GIVES(b, in, last);
    b = one("QLinearGlobalAveragePool", 5, in);
    ob_int(b, "channels_last", 1);
    GIVES(b, in, both);
    b = one("NhwcMaxPool", 1, in);
    ob_ints(b, "kernel_shape", (int64_t[]){ 1, 2 }, 2);
    op_data most[] = { { TN_U8, "1,2,1,2", { 6, 8, 14, 16 } } };
    op_gives(b, 1, in, 1, most, 0);
}

static void concatenation(void **state) {
    op_data in[] = { SCALAR(TN_F32, 0.5), SCALAR(TN_U8, 1),          { TN_U8, "1,2", { 3, 4 } }, SCALAR(TN_F32, 1),
                     SCALAR(TN_U8, 3),    { TN_U8, "1,1", { 200 } }, SCALAR(TN_F32, 2),          SCALAR(TN_U8, 0) };
    ob *b = one("QLinearConcat", 8, in);
    ob_int(b, "axis", 1);
    op_data want[] = { { TN_U8, "1,3", { 1, 3, 255 } } };
    GIVES(b, in, want);
    b = one("QLinearConcat", 6, in);
    ob_int(b, "axis", 1);
    op_refused(b, 6, in, "6 inputs");
    op_refused(one("QLinearAdd", 3, in), 3, in, "has 3 inputs, needs at least 7");
    b = one("NhwcMaxPool", 1, in);
    op_refused(b, 1, in, "kernel_shape");
}

/* One cell, one step: with all gates' weights 0 but the candidate's, c = sigmoid(0) tanh(w x), h = sigmoid(0) tanh(c).
 */
static void lstm(void **state) {
    op_data in[] = { { TN_F32, "1,1,1", { 2 } },
                     { TN_U8, "1,1,4", { 10, 10, 10, 12 } },
                     { TN_U8, "1,1,4", { 5, 5, 5, 5 } },
                     NOTHING,
                     NOTHING,
                     NOTHING,
                     NOTHING,
                     NOTHING,
                     { TN_F32, "1", { 0.25 } },
                     { TN_U8, "1", { 10 } },
                     { TN_F32, "1,4", { 1, 1, 1, 1 } },
                     { TN_U8, "1,4", { 5, 5, 5, 5 } } };
    ob *b = one("DynamicQuantizeLSTM", 12, in);
    ob_int(b, "hidden_size", 1);
    op_data want[] = { { TN_F32, "1,1,1,1", { 0.1816997 } } };
    GIVES(b, in, want);
}

/* With one token the weights of attention are 1: what comes out is V = x W_v + b. x = 0.5 ({3, 7} - 1) = {1, 3},
 * W_v = 0.25 ({8, 4; -4, 12} - 0) = {2, 1; -1, 3}. */
static void attention(void **state) {
    op_data in[] = { { TN_U8, "1,1,2", { 3, 7 } },
                     { TN_I8, "2,6", { 9, 9, 9, 9, 8, 4, 9, 9, 9, 9, -4, 12 } },
                     { TN_F32, "6", { 5, 5, 5, 5, 10, 20 } },
                     SCALAR(TN_F32, 0.5),
                     SCALAR(TN_F32, 0.25),
                     NOTHING,
                     SCALAR(TN_U8, 1) };
    op_data out[] = { { TN_F32, "1,1,2", { 9, 30 } } };
    ob *b = one("QAttention", 7, in);
    ob_int(b, "num_heads", 1);
    gives(b, 7, in, out);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(pairs),   cmocka_unit_test(functions),
                                        cmocka_unit_test(windows), cmocka_unit_test(concatenation),
                                        cmocka_unit_test(lstm),    cmocka_unit_test(attention) };
    return cmocka_run_group_tests_name("op/qlinear", tests, NULL, NULL);
}
