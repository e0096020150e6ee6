/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* contrib.c - operators of com.microsoft: what they mean, on numbers worked out by hand, and what is refused. How they
 * agree with the runtime they come from was compared apart. */
#include "lib/op_run.h"
#include "test.h"
#include <math.h>

static ob *model(const char *type, const char *inputs, const char *outputs, int n_in) {
    static const char *const names[] = { "a", "b", "c", "d", "e" };
    ob *b = ob_new(8, 17);
    ob_opset(b, "com.microsoft", 1);
    for (int i = 0; i < n_in; i++) ob_input(b, names[i], TN_F32, NULL);
    ob_output(b, "y");
    char text[80];
    snprintf(text, sizeof text, "com.microsoft::%s", type);
    ob_node(b, text, inputs, outputs);
    return b;
}

static void activations(void **state) {
    op_data in[] = { { TN_F32, "2", { 1, -1 } }, { TN_F32, "2", { 1, 1 } } };
    op_data gelu = { TN_F32, "2", { 1.954499736, 0 } }, quick = { TN_F32, "2", { 0.845795, -0.154205 } };
    op_gives(model("BiasGelu", "a b", "y", 2), 2, in, 1, &gelu, 1e-6);
    op_gives(model("FastGelu", "a b", "y", 2), 2, in, 1, &gelu, 3e-4);
    op_gives(model("QuickGelu", "a", "y", 1), 1, in, 1, &quick, 1e-5);
    op_data sum = { TN_F32, "2", { 3, 1 } }, three[] = { in[0], in[1], in[1] };
    op_gives(model("BiasAdd", "a b c", "y", 3), 3, three, 1, &sum, 0);
    op_data wide[] = { { TN_F32, "1,4", { 2, 3, 0, 1 } }, { TN_F32, "4", { 0 } } };
    op_data split = { TN_F32, "1,2", { 0, 3 * 0.841344746 } };
    op_gives(model("BiasSplitGelu", "a b", "y", 2), 2, wide, 1, &split, 1e-6);
}

static void products(void **state) {
    op_data in[] = { { TN_F32, "2,1", { 1, 2 } }, { TN_F32, "2,2", { 1, 2, 3, 4 } } };
    op_data y = { TN_F32, "1,2", { 14, 20 } };
    ob *b = model("FusedMatMul", "a b", "y", 2);
    ob_int(b, "transA", 1);
    ob_float(b, "alpha", 2);
    op_gives(b, 2, in, 1, &y, 0);
    b = model("FusedGemm", "a b", "y", 2);
    ob_int(b, "transA", 1);
    ob_string(b, "activation", "LeakyRelu");
    ob_float(b, "activation_alpha", 0.5f);
    ob_float(b, "alpha", -1);
    op_data leaky = { TN_F32, "1,2", { -3.5, -5 } };
    op_gives(b, 2, in, 1, &leaky, 0);
    b = model("FusedGemm", "a b", "y", 2);
    ob_string(b, "activation", "Sine");
    op_refused(b, 2, in, "Sine");
}

static void normalisations(void **state) {
    op_data in[] = { { TN_F32, "1,2", { 1, 2 } }, { TN_F32, "1,2", { 2, 5 } }, { TN_F32, "2", { 1, 10 } } };
    op_data y = { TN_F32, "1,2", { -1, 10 } }, rms = { TN_F32, "1,2", { 3 / sqrt(29), 70 / sqrt(29) } };
    op_gives(model("SkipLayerNormalization", "a b c", "y", 3), 3, in, 1, &y, 1e-6);
    op_gives(model("SkipSimplifiedLayerNormalization", "a b c", "y", 3), 3, in, 1, &rms, 1e-6);
    op_refused(model("SkipLayerNormalization", "a b", "y", 2), 2, in, "has 2 inputs, needs at least 3");
}

/* Scores 0 and ln 3 give weights 1/4 and 3/4. */
static void heads(void **state) {
    float ln3 = logf(3);
    op_data in[] = { { TN_F32, "1,1,1", { 1 } },
                     { TN_F32, "1,2,1", { 0, (double)ln3 } },
                     { TN_F32, "1,2,1", { 8, 4 } } };
    op_data y = { TN_F32, "1,1,1", { 5 } }, one = { TN_F32, "1,1,1", { 8 } };
    ob *b = model("MultiHeadAttention", "a b c", "y", 3);
    ob_int(b, "num_heads", 1);
    op_gives(b, 3, in, 1, &y, 1e-6);
    b = model("MultiHeadAttention", "a b c _ m", "y", 3);
    ob_int(b, "num_heads", 1);
    ob_ints_init(b, "m", "1", (int64_t[]){ 1 }, 1);
    op_gives(b, 3, in, 1, &one, 1e-6);
    b = model("MultiHeadAttention", "a b c _ m", "y", 3);
    ob_int(b, "num_heads", 1);
    ob_ints_init(b, "m", "1,3", (int64_t[]){ 1, 0, 1 }, 3);
    op_refused(b, 3, in, "mask");
    b = model("MultiHeadAttention", "a b c", "y", 3);
    ob_int(b, "num_heads", 2);
    op_refused(b, 3, in, "divide");
    b = model("MultiHeadAttention", "a b", "y", 2);
    ob_int(b, "num_heads", 1);
    op_refused(b, 2, in, "dimensions");
    b = model("MultiHeadAttention", "a b c _ _ _ b", "y", 3);
    ob_int(b, "num_heads", 1);
    op_refused(b, 3, in, "past");
    op_data packed[] = { { TN_F32, "1,2,1,3,1", { 1, 0, 8, 1, (double)ln3, 4 } } };
    op_data rows = { TN_F32, "1,2,1", { 5, 5 } };
    b = model("MultiHeadAttention", "a", "y", 1);
    ob_int(b, "num_heads", 1);
    op_gives(b, 1, packed, 1, &rows, 1e-6);
}

static ob *group(const char *inputs, const int64_t *last, int64_t total, int n_in) {
    ob *b = ob_new(8, 17);
    static const char *const names[] = { "a", "b", "c", "d", "e" };
    ob_opset(b, "com.microsoft", 1);
    for (int i = 0; i < n_in; i++) ob_input(b, names[i], TN_F32, NULL);
    ob_ints_init(b, "l", "1", last, 1);
    ob_ints_init(b, "t", "", &total, 1);
    ob_output(b, "y");
    ob_node(b, "com.microsoft::GroupQueryAttention", inputs, "y pk pv");
    ob_int(b, "num_heads", 2);
    ob_int(b, "kv_num_heads", 1);
    return b;
}

/* One new token behind a past of one: two heads of queries see keys 0 and ln 3. */
static void shared_heads(void **state) {
    float ln3 = logf(3);
    op_data in[] = { { TN_F32, "1,1,2", { 1, 0 } },
                     { TN_F32, "1,1,1", { (double)ln3 } },
                     { TN_F32, "1,1,1", { 4 } },
                     { TN_F32, "1,1,1,1", { 0 } },
                     { TN_F32, "1,1,1,1", { 8 } } };
    op_data y = { TN_F32, "1,1,2", { 5, 6 } };
    op_gives(group("a b c d e l t", (int64_t[]){ 1 }, 2, 5), 5, in, 1, &y, 1e-6);
    op_refused(group("a b c d e l t", (int64_t[]){ 2 }, 2, 5), 5, in, "seqlens_k");
    op_refused(group("a b c d e l t", (int64_t[]){ INT64_MAX }, 2, 5), 5, in, "seqlens_k");
    op_refused(group("a b c d e l t", (int64_t[]){ -5 }, 2, 5), 5, in, "seqlens_k");
    op_refused(group("a b c d e l t", (int64_t[]){ 1 }, INT64_C(1) << 60, 5), 5, in, "total_sequence_length");
    op_refused(group("a b c d e l t", (int64_t[]){ 1 }, 0, 5), 5, in, "total_sequence_length");
    op_refused(group("a b _ d e l t", (int64_t[]){ 1 }, 2, 5), 5, in, "together");
    ob *b = group("a b c d e l t", (int64_t[]){ 1 }, 2, 5);
    ob_int(b, "do_rotary", 1);
    op_refused(b, 5, in, "cos_cache");
    b = group("a b c d e l t", (int64_t[]){ 1 }, 2, 5);
    ob_int(b, "local_window_size", 1);
    op_data last = { TN_F32, "1,1,2", { 4, 4 } };
    op_gives(b, 5, in, 1, &last, 1e-6);
}

/* The projection, then attention: the same two weights. */
static void projected(void **state) {
    op_data in[] = { { TN_F32, "1,2,1", { 0, 1 } },
                     { TN_F32, "1,3", { 0, (double)logf(3), -4 } },
                     { TN_F32, "3", { 1, 0, 8 } } };
    op_data y = { TN_F32, "1,2,1", { 5, 5 } }, causal = { TN_F32, "1,2,1", { 8, 5 } };
    ob *b = model("Attention", "a b c", "y", 3);
    ob_int(b, "num_heads", 1);
    op_gives(b, 3, in, 1, &y, 1e-6);
    b = model("Attention", "a b c", "y", 3);
    ob_int(b, "num_heads", 1);
    ob_int(b, "unidirectional", 1);
    op_gives(b, 3, in, 1, &causal, 1e-6);
    b = model("Attention", "a b c", "y", 3);
    ob_int(b, "num_heads", 1);
    ob_ints(b, "qkv_hidden_sizes", (int64_t[]){ 1, 2 }, 2);
    op_refused(b, 3, in, "qkv_hidden_sizes");
    b = model("Attention", "a b c", "y", 3);
    ob_int(b, "num_heads", 1);
    ob_ints(b, "qkv_hidden_sizes", (int64_t[]){ INT64_MAX, INT64_MAX, 5 }, 3);
    op_refused(b, 3, in, "");
}

/* Sentences of one and two tokens, without padding: the first sees itself alone. */
static void packed(void **state) {
    op_data in[] = { { TN_F32, "3,1", { 1, 0, 1 } },
                     { TN_F32, "1,3", { 0, (double)logf(3), -4 } },
                     { TN_F32, "3", { 1, 0, 8 } } };
    op_data y = { TN_F32, "3,1", { 4, 5, 5 } };
    ob *b = ob_new(8, 17);
    ob_opset(b, "com.microsoft", 1);
    ob_input(b, "a", TN_F32, NULL);
    ob_input(b, "b", TN_F32, NULL);
    ob_input(b, "c", TN_F32, NULL);
    ob_ints_init(b, "at", "2,2", (int64_t[]){ 0, 2, 3, 1 }, 4);
    ob_ints_init(b, "ends", "3", (int64_t[]){ 0, 1, 3 }, 3);
    ob_output(b, "y");
    ob_node(b, "com.microsoft::PackedAttention", "a b c at ends", "y");
    ob_int(b, "num_heads", 1);
    op_gives(b, 3, in, 1, &y, 1e-6);
}

static void matrices(void **state) {
    op_data x = { TN_F32, "1,2,2", { 0, 2, 4, 0 } }, y = { TN_F32, "1,2,2", { 0, 0.25, 0.5, 0 } };
    op_gives(model("Inverse", "a", "y", 1), 1, &x, 1, &y, 1e-6);
    op_data oblong = { TN_F32, "2,1", { 1, 2 } };
    op_refused(model("Inverse", "a", "y", 1), 1, &oblong, "square");
    op_data points[] = { { TN_F32, "1,2", { 0, 0 } }, { TN_F32, "2,2", { 3, 4, 1, 0 } } };
    op_data far = { TN_F32, "1,2", { 25, 1 } };
    op_gives(model("CDist", "a b", "y", 2), 2, points, 1, &far, 1e-6);
    points[1].dims = "4,1";
    op_refused(model("CDist", "a b", "y", 2), 2, points, "numbers");
}

static void hashes(void **state) {
    ob *b = ob_new(8, 17);
    ob_opset(b, "com.microsoft", 1);
    ob_input(b, "a", TN_STRING, NULL);
    ob_output(b, "y");
    ob_node(b, "com.microsoft::MurmurHash3", "a", "y");
    op_data x = { TN_STRING, "2", .s = { "", "hello" } }, y = { TN_U32, "2", { 0, 613153351 } };
    op_gives(b, 1, &x, 1, &y, 0);
}

/* Four buckets up to distance 4, looking back: 0, 1, 2..2, 3 and beyond. */
static void distances(void **state) {
    op_data table = { TN_F32, "4,1", { 10, 11, 12, 13 } };
    op_data y = { TN_F32, "1,1,6,2", { 10, 10, 11, 10, 12, 11, 13, 12, 13, 13, 13, 13 } };
    for (int64_t most = 1; most <= 4; most += 3) {
        ob *b = ob_new(8, 17);
        ob_opset(b, "com.microsoft", 1);
        ob_input(b, "a", TN_F32, NULL);
        ob_output(b, "y");
        ob_ints_init(b, "q", "1", (int64_t[]){ 6 }, 1);
        ob_ints_init(b, "k", "1", (int64_t[]){ 2 }, 1);
        ob_node(b, "com.microsoft::RelativePositionBias", "a q k", "y");
        ob_int(b, "max_distance", most);
        if (most == 4)
            op_gives(b, 1, &table, 1, &y, 0);
        else
            op_refused(b, 1, &table, "distances");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activations), cmocka_unit_test(products),     cmocka_unit_test(normalisations),
        cmocka_unit_test(heads),       cmocka_unit_test(shared_heads), cmocka_unit_test(projected),
        cmocka_unit_test(packed),      cmocka_unit_test(matrices),     cmocka_unit_test(hashes),
        cmocka_unit_test(distances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
