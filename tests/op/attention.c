/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* attention.c - Attention and its kin where the official cases do not look: element types, lengths, what is refused. */
#include "lib/op_run.h"
#include "test.h"
#include <math.h>

static ob *attention(tn_dtype t, const char *inputs, const char *outputs) {
    ob *b = ob_new(10, 25);
    ob_input(b, "q", t, NULL);
    ob_input(b, "k", t, NULL);
    ob_input(b, "v", t, NULL);
    ob_output(b, "y");
    ob_node(b, "Attention", inputs, outputs);
    return b;
}

/* Two keys, scores 0 and ln 3: weights 1/4 and 3/4. */
static void element_types(void **state) {
    static const tn_dtype types[] = { TN_F32, TN_F64, TN_F16, TN_BF16 };
    for (size_t i = 0; i < TN_COUNT(types); i++) {
        op_data in[] = { { types[i], "1,1,1,2", { 1, 0 } },
                         { types[i], "1,1,2,2", { 0, 5, 1, 7 } },
                         { types[i], "1,1,2,1", { 8, 4 } } };
        op_data y = { types[i], "1,1,1,1", { 5 } };
        ob *b = attention(types[i], "q k v", "y");
        ob_float(b, "scale", logf(3));
        op_gives(b, 3, in, 1, &y, types[i] == TN_BF16 ? 1e-2 : types[i] == TN_F16 ? 1e-3 : 1e-6);
    }
}

/* Two query heads share one head of keys, in rows; causal, the first row sees the first key alone. */
static void shared_heads_in_rows(void **state) {
    op_data in[] = { { TN_F32, "1,2,2", { 1, 0, 0, 1 } },
                     { TN_F32, "1,2,1", { 1, 1 } },
                     { TN_F32, "1,2,1", { 2, 6 } } };
    op_data y = { TN_F32, "1,2,2", { 2, 2, 4, 4 } };
    ob *b = attention(TN_F32, "q k v", "y");
    ob_int(b, "q_num_heads", 2);
    ob_int(b, "kv_num_heads", 1);
    ob_int(b, "is_causal", 1);
    op_gives(b, 3, in, 1, &y, 1e-6);
}

/* A mask of integers is added; a short one hides the rest. */
static void masks(void **state) {
    op_data in[] = { { TN_F32, "1,1,1,1", { 0 } },
                     { TN_F32, "1,1,3,1", { 1, 1, 1 } },
                     { TN_F32, "1,1,3,1", { 2, 6, 100 } } };
    op_data y = { TN_F32, "1,1,1,1", { 4 } };
    static const int64_t zeros[] = { 0, 0 };
    ob *b = attention(TN_F32, "q k v m", "y");
    ob_ints_init(b, "m", "1,2", zeros, 2);
    op_gives(b, 3, in, 1, &y, 1e-6);
    b = attention(TN_F32, "q k v m", "y");
    ob_ints_init(b, "m", "2,2", (int64_t[]){ 0, 0, 0, 0 }, 4);
    op_refused(b, 3, in, "mask");
    b = attention(TN_F32, "q k v _ _ _ n", "y");
    ob_ints_init(b, "n", "1", (int64_t[]){ INT64_MIN }, 1);
    y.v[0] = 0; /* nothing is seen */
    op_gives(b, 3, in, 1, &y, 0);
    b = attention(TN_F32, "q k v _ _ _ n", "y");
    ob_ints_init(b, "n", "2", (int64_t[]){ 1, 1 }, 2);
    op_refused(b, 3, in, "nonpad_kv_seqlen");
}

/* All scores are 0, so a row gives the mean of the values it sees: 1, 2, 4, 8, 16, 32 are told apart. */
static void windows(void **state) {
    static const struct {
        int64_t left, right, causal, length;
        double y[4];
    } cases[] = {
        { 2, 1, 0, -1, { 3 / 2.0, 7 / 3.0, 15 / 4.0, 30 / 4.0 } },
        { 2, 1, 1, -1, { 1, 3 / 2.0, 7 / 3.0, 14 / 3.0 } }, /* causal: nothing to the right, whatever the window */
        { 0, 0, 0, -1, { 1, 2, 4, 8 } },
        { INT64_MAX, 0, 0, -1, { 1, 3 / 2.0, 7 / 3.0, 15 / 4.0 } },
        { -1, INT64_MAX, 0, -1, { 63 / 6.0, 63 / 6.0, 63 / 6.0, 63 / 6.0 } },
        { 2, 1, 0, 5, { 7 / 3.0, 15 / 4.0, 30 / 4.0, 28 / 3.0 } }, /* the last row stands at the cache's end */
    };
    op_data in[] = { { TN_F32, "1,1,4,1" }, { TN_F32, "1,1,6,1" }, { TN_F32, "1,1,6,1", { 1, 2, 4, 8, 16, 32 } } };
    for (size_t i = 0; i < TN_COUNT(cases); i++) {
        op_data y = { TN_F32, "1,1,4,1" };
        memcpy(y.v, cases[i].y, sizeof cases[i].y);
        ob *b = attention(TN_F32, cases[i].length < 0 ? "q k v" : "q k v _ _ _ n", "y");
        ob_int(b, "left_window_size", cases[i].left);
        ob_int(b, "right_window_size", cases[i].right);
        ob_int(b, "is_causal", cases[i].causal);
        if (cases[i].length >= 0) ob_ints_init(b, "n", "1", &cases[i].length, 1);
        op_gives(b, 3, in, 1, &y, 1e-6);
    }
    op_data y = { TN_F32, "1,1,4,1", { 15 / 4.0, 30 / 4.0, 60 / 4.0, 56 / 3.0 } }; /* behind a past of two keys */
    in[1].dims = in[2].dims = "1,1,4,1", memmove(in[2].v, in[2].v + 2, 4 * sizeof(double));
    ob *b = attention(TN_F32, "q k v _ pk pv", "y");
    ob_int(b, "left_window_size", 2);
    ob_int(b, "right_window_size", 1);
    ob_floats_init(b, "pk", "1,1,2,1", (float[]){ 0, 0 }, 2);
    ob_floats_init(b, "pv", "1,1,2,1", (float[]){ 1, 2 }, 2);
    op_gives(b, 3, in, 1, &y, 1e-6);
    b = attention(TN_F32, "q k v", "y");
    ob_int(b, "left_window_size", -2);
    op_refused(b, 3, in, "left_window_size");
}

static void refused_attention(void **state) {
    op_data in[] = { { TN_F32, "1,2,4", { 0 } }, { TN_F32, "1,2,4", { 0 } }, { TN_F32, "1,2,4", { 0 } } };
    op_refused(attention(TN_F32, "q k v", "y"), 3, in, "q_num_heads");
    ob *b = attention(TN_F32, "q k v", "y");
    ob_int(b, "q_num_heads", 3);
    ob_int(b, "kv_num_heads", 1);
    op_refused(b, 3, in, "divide");
    b = attention(TN_F32, "q k v", "y");
    ob_int(b, "q_num_heads", 2);
    ob_int(b, "kv_num_heads", 4);
    op_refused(b, 3, in, "");
    b = attention(TN_F32, "q k v", "y");
    ob_int(b, "q_num_heads", INT64_MIN);
    op_refused(b, 3, in, "q_num_heads");
    b = attention(TN_F32, "q k v _ k", "y");
    op_refused(b, 3, in, "past_value");
    op_data other[] = { { TN_F32, "1,1,2,4", { 0 } }, { TN_F32, "1,1,2,3", { 0 } }, { TN_F32, "1,1,2,4", { 0 } } };
    op_refused(attention(TN_F32, "q k v", "y"), 3, other, "head sizes");
    other[1].dims = "2,1,2,4";
    op_refused(attention(TN_F32, "q k v", "y"), 3, other, "batches");
}

static ob *rotary(const char *inputs) {
    ob *b = ob_new(10, 23);
    ob_input(b, "x", TN_F32, NULL);
    ob_output(b, "y");
    ob_floats_init(b, "cos", "2,1", (float[]){ 1, 0 }, 2);
    ob_floats_init(b, "sin", "2,1", (float[]){ 0, 1 }, 2);
    ob_node(b, "RotaryEmbedding", inputs, "y");
    return b;
}

static void rotations(void **state) {
    op_data x = { TN_F32, "1,2,4", { 1, 2, 3, 4, 5, 6, 7, 8 } };
    op_data y = { TN_F32, "1,2,4", { 1, 2, 3, 4, -6, 5, -8, 7 } };
    ob *b = rotary("x cos sin at");
    ob_int(b, "num_heads", 2);
    ob_ints_init(b, "at", "1,2", (int64_t[]){ 0, 1 }, 2);
    op_gives(b, 1, &x, 1, &y, 0);
    b = rotary("x cos sin at");
    ob_int(b, "num_heads", 2);
    ob_ints_init(b, "at", "1,2", (int64_t[]){ 0, 2 }, 2);
    op_refused(b, 1, &x, "position 2");
    b = rotary("x cos sin at");
    ob_int(b, "num_heads", 2);
    ob_ints_init(b, "at", "1,2", (int64_t[]){ 0, -1 }, 2);
    op_refused(b, 1, &x, "position -1");
    b = rotary("x cos sin"); /* caches without a batch: for all samples */
    ob_int(b, "num_heads", 2);
    op_gives(b, 1, &x, 1, &y, 0);
    op_data longer = { TN_F32, "1,3,4", { 0 } };
    b = rotary("x cos sin");
    ob_int(b, "num_heads", 2);
    op_refused(b, 1, &longer, "caches");
    b = rotary("x cos sin");
    ob_int(b, "num_heads", 3);
    op_refused(b, 1, &x, "num_heads");
    b = rotary("x cos sin");
    ob_int(b, "num_heads", 2);
    ob_int(b, "rotary_embedding_dim", 4);
    op_refused(b, 1, &x, "pairs");
}

static ob *cache(const char *mode, int64_t at) {
    ob *b = ob_new(10, 24);
    ob_input(b, "x", TN_I32, NULL);
    ob_input(b, "u", TN_I32, NULL);
    ob_output(b, "y");
    ob_ints_init(b, "at", "1", &at, 1);
    ob_node(b, "TensorScatter", "x u at", "y");
    ob_string(b, "mode", mode);
    return b;
}

static void caches(void **state) {
    op_data in[] = { { TN_I32, "1,3,1", { 1, 2, 3 } }, { TN_I32, "1,2,1", { 8, 9 } } };
    op_data y = { TN_I32, "1,3,1", { 9, 2, 8 } };
    op_gives(cache("circular", 2), 2, in, 1, &y, 0);
    op_gives(cache("circular", -1), 2, in, 1, &y, 0);
    op_refused(cache("linear", 2), 2, in, "do not fit");
    op_refused(cache("linear", INT64_MAX), 2, in, "do not fit");
    op_refused(cache("linear", -1), 2, in, "do not fit");
    op_refused(cache("sideways", 0), 2, in, "mode");
    in[1] = (op_data){ TN_I32, "1,4,1", { 8, 9, 8, 9 } };
    op_refused(cache("circular", 0), 2, in, "4 new rows");
}

static ob *linear(const char *inputs, int64_t hq, int64_t hk, const char *rule) {
    ob *b = ob_new(10, 27);
    ob_input(b, "q", TN_F32, NULL);
    ob_input(b, "k", TN_F32, NULL);
    ob_input(b, "v", TN_F32, NULL);
    ob_output(b, "y");
    ob_node(b, "LinearAttention", inputs, "y s");
    ob_int(b, "q_num_heads", hq);
    ob_int(b, "kv_num_heads", hk);
    ob_string(b, "update_rule", rule);
    return b;
}

static void linear_attention(void **state) {
    op_data in[] = { { TN_F32, "1,2,1", { 1, 2 } }, { TN_F32, "1,2,1", { 3, 1 } }, { TN_F32, "1,2,1", { 5, 1 } } };
    op_data y = { TN_F32, "1,2,1", { 15, 32 } };
    op_gives(linear("q k v", 1, 1, "linear"), 3, in, 1, &y, 1e-6);
    op_refused(linear("q k v", 1, 1, "gated"), 3, in, "decay");
    op_refused(linear("q k v _ _ k", 1, 1, "linear"), 3, in, "beta");
    op_refused(linear("q k v", 3, 2, "linear"), 3, in, "divide");
    op_refused(linear("q k v", 2, 1, "linear"), 3, in, "fit");
    op_refused(linear("q k v q", 1, 1, "linear"), 3, in, "dimensions");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(element_types), cmocka_unit_test(shared_heads_in_rows), cmocka_unit_test(masks),
        cmocka_unit_test(windows),       cmocka_unit_test(refused_attention),    cmocka_unit_test(rotations),
        cmocka_unit_test(caches),        cmocka_unit_test(linear_attention),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
