/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* contrib_forms.c - forms of com.microsoft's operators that comparing random models with their runtime brought up:
 * turned batches, vectors, left-out inputs, positions of a prompt, extra outputs. */
#include "lib/op_run.h"
#include "test.h"
#include <float.h>
#include <math.h>

#define GIVES(b, in, want) op_gives_present(b, (int)TN_COUNT(in), in, (int)TN_COUNT(want), want, 1e-6)

/* A [rows, batch, columns]: the batch in the middle. */
static void turned_batches(void **state) {
    op_data in[] = { { TN_F32, "2,2,1", { 1, 2, 3, 4 } }, { TN_F32, "2,1,2", { 1, 10, 100, 1000 } } };
    op_data a[] = { { TN_F32, "2,2,2", { 1, 10, 3, 30, 200, 2000, 400, 4000 } } };
    ob *b = op_one("com.microsoft", "FusedMatMul", "y", 2, in);
    ob_int(b, "transBatchA", 1);
    GIVES(b, in, a);
    op_data both[] = { { TN_F32, "2,2,1", { 1, 10, 2, 20 } }, { TN_F32, "2,2,1", { 1, 3, 5, 7 } } };
    op_data sums[] = { { TN_F32, "2,1,1", { 11, 162 } } }; /* [1, 2] [1, 5]' and [10, 20] [3, 7]' */
    b = op_one("com.microsoft", "FusedMatMul", "y", 2, both);
    ob_int(b, "transBatchA", 1);
    ob_int(b, "transBatchB", 1);
    ob_int(b, "transA", 1);
    sums[0].v[1] = 10 * 3 + 20 * 7;
    GIVES(b, both, sums);
    op_data one_b[] = { both[0], { TN_F32, "1,2", { 1, 2 } } }, many[] = { { TN_F32, "2,2,2", { 0 } } };
    double rows[] = { 1, 2, 2, 4, 10, 20, 20, 40 };
    memcpy(many[0].v, rows, sizeof rows);
    b = op_one("com.microsoft", "FusedMatMul", "y", 2, one_b);
    ob_int(b, "transBatchA", 1);
    GIVES(b, one_b, many);
    b = op_one("com.microsoft", "FusedMatMul", "y", 2, in);
    ob_int(b, "transBatchA", 2);
    op_refused(b, 2, in, "transBatchA");
}

/* A vector has nothing to transpose. */
static void vectors(void **state) {
    op_data in[] = { { TN_F32, "2", { 1, 2 } }, { TN_F32, "2,2", { 1, 2, 3, 4 } } },
            y[] = { { TN_F32, "2", { 7, 10 } } };
    ob *b = op_one("com.microsoft", "FusedMatMul", "y", 2, in);
    ob_int(b, "transA", 1);
    GIVES(b, in, y);
    op_data back[] = { in[1], in[0] }, z[] = { { TN_F32, "2", { 5, 11 } } };
    b = op_one("com.microsoft", "TransposeMatMul", "y", 2, back);
    ob_int(b, "transB", 1);
    GIVES(b, back, z);
}

static void left_out(void **state) {
    /* a table of segments without segments: the first one everywhere */
    op_data in[] = { { TN_I32, "1,1", { 1 } },
                     OP_NOTHING,
                     { TN_F32, "2,2", { 0, 0, 2, 1 } },
                     { TN_F32, "1,2", { 1, 1 } },
                     { TN_F32, "2,2", { 1, -2, 50, 60 } },
                     { TN_F32, "2", { 1, 1 } } };
    op_data y[] = { { TN_F32, "1,1,2", { 1, -1 } }, { TN_I32, "1", { 0 } }, { TN_F32, "1,1,2", { 4, 0 } } };
    GIVES(op_one("com.microsoft", "EmbedLayerNormalization", "y m s", (int)TN_COUNT(in), in), in, y);
    op_data at[] = { { TN_F32, "2,2", { 1, 2, 3, 4 } }, { TN_I32, "1,2", { 1, 0 } } },
            found[] = { { TN_F32, "1", { 3 } } };
    GIVES(op_one("com.microsoft", "GatherND", "y", 2, at), at, found);
    /* without `axis` the last one, also below version 13 */
    op_data codes[] = { { TN_U8, "2,2,1", { 7, 9, 7, 9 } },
                        { TN_F32, "", { 0.5 } },
                        OP_NOTHING,
                        { TN_F32, "", { 1.0 / 64 } },
                        { TN_U8, "", { 0 } } };
    op_data whole[] = { { TN_U8, "2,2,1", { 64, 64, 64, 64 } } };
    ob *b = op_one("com.microsoft", "QLinearSoftmax", "y", (int)TN_COUNT(codes), codes);
    ob_int(b, "opset", 12);
    GIVES(b, codes, whole);
}

/* How many dimensions there are need not be known when the model is loaded. */
static void channels_last(void **state) {
    op_data in[] = { { TN_U8, "1,2,2,2", { 2, 4, 6, 8, 10, 12, 14, 16 } },
                     { TN_F32, "", { 0.5 } },
                     { TN_U8, "", { 2 } },
                     { TN_F32, "", { 0.5 } },
                     { TN_U8, "", { 0 } } };
    op_data four[] = { { TN_U8, "1,1,1,2", { 6, 8 } } }, five[] = { { TN_U8, "1,1,1,1,2", { 6, 8 } } };
    ob *b = op_one("com.microsoft", "QLinearGlobalAveragePool", "y", (int)TN_COUNT(in), in);
    ob_int(b, "channels_last", 1);
    GIVES(b, in, four);
    in[0].dims = "1,2,1,2,2";
    b = op_one("com.microsoft", "QLinearGlobalAveragePool", "y", (int)TN_COUNT(in), in);
    ob_int(b, "channels_last", 1);
    GIVES(b, in, five);
}

/* What is kept of a normalisation is float32; the mean that is not subtracted is 0. */
static void kept(void **state) {
    op_data in[] = { { TN_F64, "1,2", { 3, 4 } }, { TN_F64, "2", { 1, 1 } } };
    op_data y[] = { { TN_F64, "1,2", { 3 / sqrt(12.5), 4 / sqrt(12.5) } }, { TN_F32, "1,1", { 1 / sqrt(12.5) } } };
    ob *b = op_one("com.microsoft", "SimplifiedLayerNormalization", "y r", 2, in);
    ob_float(b, "epsilon", 0);
    GIVES(b, in, y);
    op_data skip[] = { { TN_F32, "1,2", { 1, 4 } }, { TN_F32, "1,2", { 2, 0 } }, { TN_F32, "2", { 1, 1 } } };
    op_data all[] = { { TN_F32, "1,2", { 3 / sqrt(12.5), 4 / sqrt(12.5) } },
                      { TN_F32, "1,1", { 0 } },
                      { TN_F32, "1,1", { 1 / sqrt(12.5) } },
                      { TN_F32, "1,2", { 3, 4 } } };
    GIVES(op_one("com.microsoft", "SkipSimplifiedLayerNormalization", "y m r s", 3, skip), skip, all);
}

/* Scores that were hidden because they lie ahead. */
static void scores(void **state) {
    op_data in[] = { { TN_F32, "1,2,1", { 1, 2 } }, { TN_F32, "1,2,1", { 0, 1 } }, { TN_F32, "1,2,1", { 8, 8 } } };
    op_data y[] = { { TN_F32, "1,2,1", { 8, 8 } }, { TN_F32, "1,1,2,2", { 0, -(double)FLT_MAX, 0, 2 } } };
    ob *b = op_one("com.microsoft", "MultiHeadAttention", "y _ _ s", 3, in);
    ob_int(b, "num_heads", 1);
    ob_int(b, "unidirectional", 1);
    GIVES(b, in, y);
}

/* The positions of a prompt count on from the first one: row 1 stands at 3, where the angle is 0 turned by pi. */
static void prompt_positions(void **state) {
    op_data in[] = { { TN_F32, "1,2,2", { 1, 2, 3, 4 } },
                     { TN_F32, "1,2,2", { 1, 2, 3, 4 } },
                     { TN_F32, "1,2,2", { 1, 2, 3, 4 } },
                     OP_NOTHING,
                     OP_NOTHING,
                     { TN_I32, "1", { 1 } },
                     { TN_I32, "", { 2 } },
                     { TN_F32, "4,1", { 5, 5, 1, -1 } },
                     { TN_F32, "4,1", { 5, 5, 0, 0 } },
                     { TN_I64, "1,2", { 2, 0 } } };
    op_data k[] = { { TN_F32, "1,1,2,2", { 1, 2, -3, -4 } } };
    ob *b = op_one("com.microsoft", "GroupQueryAttention", "_ k _", (int)TN_COUNT(in), in);
    ob_int(b, "num_heads", 1);
    ob_int(b, "kv_num_heads", 1);
    ob_int(b, "do_rotary", 1);
    GIVES(b, in, k);
    in[9].v[0] = 3; /* the second row would stand at 4 */
    op_data there[8] = { in[0], in[1], in[2], in[5], in[6], in[7], in[8], in[9] };
    b = op_one("com.microsoft", "GroupQueryAttention", "_ k _", (int)TN_COUNT(in), in);
    ob_int(b, "num_heads", 1);
    ob_int(b, "kv_num_heads", 1);
    ob_int(b, "do_rotary", 1);
    op_refused(b, 8, there, "position 4");
}

/* Room for three rows, one of them full: scores 0 and ln 3 give weights 1/4 and 3/4. With two beams that go on from
 * each other, each reads the other's past. */
static void one_buffer(void **state) {
    double ln3 = (double)logf(3);
    op_data in[] = { { TN_F32, "2,1,1", { 1, 1 } },
                     { TN_F32, "2,1,1", { ln3, ln3 } },
                     { TN_F32, "2,1,1", { 4, 4 } },
                     OP_NOTHING,
                     OP_NOTHING,
                     OP_NOTHING,
                     { TN_F32, "2,1,3,1", { 0, 9, 9, 0, 9, 9 } },
                     { TN_F32, "2,1,3,1", { 8, 9, 9, 16, 9, 9 } },
                     { TN_I32, "1", { 1 } },
                     { TN_I32, "1,2,3", { 1, 0, 0, 0, 0, 0 } } };
    op_data own[] = { { TN_F32, "2,1,1", { 5, 7 } },
                      { TN_F32, "2,1,3,1", { 0, ln3, 9, 0, ln3, 9 } },
                      { TN_F32, "2,1,3,1", { 8, 4, 9, 16, 4, 9 } },
                      { TN_F32, "2,1,1,2", { 0, ln3, 0, ln3 } } };
    ob *b = op_one("com.microsoft", "MultiHeadAttention", "y k v s", 9, in);
    ob_int(b, "num_heads", 1);
    op_gives_present(b, 9, in, 4, own, 1e-6);
    op_data beams[] = { { TN_F32, "2,1,1", { 7, 5 } } };
    b = op_one("com.microsoft", "MultiHeadAttention", "y", 10, in);
    ob_int(b, "num_heads", 1);
    op_gives_present(b, 10, in, 1, beams, 1e-6);
    /* the operator for one token has the same inputs in another order */
    op_data turned[] = {
        in[0], in[1], in[2], OP_NOTHING, OP_NOTHING, in[6], in[7], in[8], { TN_I32, "1", { 2 } }, in[9]
    };
    b = op_one("com.microsoft", "DecoderMaskedMultiHeadAttention", "y", 10, turned);
    ob_int(b, "num_heads", 1);
    ob_int(b, "past_present_share_buffer", 1);
    op_gives_present(b, 10, turned, 1, beams, 1e-6);
    op_data whole[] = { { TN_F32, "2,1,3", { 1, ln3, 4, 1, ln3, 4 } },
                        OP_NOTHING,
                        OP_NOTHING,
                        OP_NOTHING,
                        OP_NOTHING,
                        in[6],
                        in[7],
                        in[8] };
    b = op_one("com.microsoft", "DecoderMaskedMultiHeadAttention", "y", 8, whole);
    ob_int(b, "num_heads", 1);
    op_gives_present(b, 8, whole, 1, own, 1e-6);
    op_data there[] = { in[0], in[1], in[2], in[6], in[7], in[8], in[9] };
    static const double wrong[] = { 3, -1 };
    for (int i = 0; i < 2; i++) {
        there[5].v[0] = wrong[i];
        b = op_one("com.microsoft", "MultiHeadAttention", "y", 9, in);
        ob_int(b, "num_heads", 1);
        op_refused(b, 6, there, "past_sequence_length");
    }
    there[5].v[0] = 1, there[6].v[0] = 2;
    b = op_one("com.microsoft", "MultiHeadAttention", "y", 10, in);
    ob_int(b, "num_heads", 1);
    op_refused(b, 7, there, "beam 2 of 2");
    there[6].dims = "2,3";
    b = op_one("com.microsoft", "MultiHeadAttention", "y", 10, in);
    ob_int(b, "num_heads", 1);
    op_refused(b, 7, there, "cache_indirection");
}

static ob *group(const op_data *in, int n, const char *outputs) {
    ob *b = op_one("com.microsoft", "GroupQueryAttention", outputs, n, in);
    ob_int(b, "num_heads", 1);
    ob_int(b, "kv_num_heads", 1);
    return b;
}

/* One old token, one new one. Attention sees what the codes keep of the new one: 1 of 1.1, 2 of 2.2 at half a step. */
static void caches_in_codes(void **state) {
    double w = 1 / (1 + exp(-1)); /* the new key is 1, the old one 0 */
    op_data in[] = { { TN_F32, "1,1,2", { 1, 0 } },
                     { TN_F32, "1,1,2", { 1.1, 400 } },
                     { TN_F32, "1,1,2", { 2.2, -400 } },
                     { TN_I8, "1,1,1,2", { 0, 3 } },
                     { TN_I8, "1,1,1,2", { 2, 4 } },
                     { TN_I32, "1", { 1 } },
                     { TN_I32, "", { 2 } },
                     OP_NOTHING,
                     OP_NOTHING,
                     OP_NOTHING,
                     OP_NOTHING,
                     OP_NOTHING,
                     { TN_F32, "1", { 0.5 } },
                     { TN_F32, "1", { 0.5 } } };
    op_data want[] = { { TN_F32, "1,1,2", { (1 - w) * 1 + w * 2, (1 - w) * 2 + w * -64 } },
                       { TN_I8, "1,1,2,2", { 0, 3, 2, 127 } },
                       { TN_I8, "1,1,2,2", { 2, 4, 4, -128 } } };
    ob *b = group(in, (int)TN_COUNT(in), "y k v");
    ob_string(b, "k_quant_type", "PER_TENSOR");
    ob_string(b, "v_quant_type", "PER_TENSOR");
    ob_int(b, "kv_cache_bit_width", 8);
    ob_float(b, "scale", 1);
    GIVES(b, in, want);
    /* 4 bits, a scale for each channel: 0x{high}{low}, 8 is zero */
    in[3] = in[4] = (op_data){ TN_U8, "1,1,1,1", { 0xb8 } };
    in[12] = in[13] = (op_data){ TN_F32, "1,1,1,2", { 0.5, 2 } };
    op_data small[] = { { TN_F32, "1,1,2", { w * 2, (1 - w) * 6 + w * -16 } },
                        { TN_U8, "1,1,2,1", { 0xb8, 0xfa } },
                        { TN_U8, "1,1,2,1", { 0xb8, 0x0c } } };
    for (int i = 0; i < 2; i++) {
        b = group(in, (int)TN_COUNT(in), "y k v");
        ob_string(b, "k_quant_type", "PER_CHANNEL");
        ob_string(b, "v_quant_type", i ? "NONE" : "PER_CHANNEL");
        ob_int(b, "kv_cache_bit_width", 4);
        ob_float(b, "scale", 1);
        op_data there[] = { in[0], in[1], in[2], in[3], in[4], in[5], in[6], in[12], in[13] };
        if (i)
            op_refused(b, 9, there, "values alone");
        else
            GIVES(b, in, small);
    }
}

/* A cache of three rows for windows of two: it holds tokens 0 to 2; the fourth makes two of them go. */
static void window_cache(void **state) {
    op_data in[] = { { TN_F32, "1,1,1", { 0 } },
                     { TN_F32, "1,1,1", { 13 } },
                     { TN_F32, "1,1,1", { 23 } },
                     { TN_F32, "1,1,3,1", { 10, 11, 12 } },
                     { TN_F32, "1,1,3,1", { 20, 21, 22 } },
                     { TN_I32, "1", { 3 } },
                     { TN_I32, "", { 4 } } };
    op_data want[] = { { TN_F32, "1,1,1", { 22.5 } },
                       { TN_F32, "1,1,3,1", { 12, 13, 0 } },
                       { TN_F32, "1,1,3,1", { 22, 23, 0 } } };
    ob *b = group(in, (int)TN_COUNT(in), "y k v");
    ob_int(b, "sliding_window_cache", 1);
    ob_int(b, "local_window_size", 2);
    GIVES(b, in, want);
    b = group(in, (int)TN_COUNT(in), "y k v");
    ob_int(b, "sliding_window_cache", 1);
    ob_int(b, "local_window_size", 4);
    op_refused(b, (int)TN_COUNT(in), in, "does not fit a cache");
    b = group(in, (int)TN_COUNT(in), "y k v");
    ob_int(b, "sliding_window_cache", 1);
    op_refused(b, (int)TN_COUNT(in), in, "local_window_size");
    in[5].v[0] = 1e9, in[6].v[0] = 1e9 + 1; /* a long talk: tokens are counted, not stored */
    want[0].v[0] = 22;                      /* (21 + 23) / 2: two rows are there, the third is not */
    b = group(in, (int)TN_COUNT(in), "y _ _");
    ob_int(b, "sliding_window_cache", 1);
    ob_int(b, "local_window_size", 2);
    op_gives_present(b, (int)TN_COUNT(in), in, 1, want, 1e-6);
}

/* Heads are normalised before all else: {3, 4} is {3, 4} / sqrt(12.5) then, times the weights. */
static void normalised_heads(void **state) {
    op_data in[] = { { TN_F32, "1,1,2", { 3, 4 } },
                     { TN_F32, "1,1,2", { 3, 4 } },
                     { TN_F32, "1,1,2", { 7, 8 } },
                     OP_NOTHING,
                     OP_NOTHING,
                     { TN_I32, "1", { 0 } },
                     { TN_I32, "", { 1 } },
                     OP_NOTHING,
                     OP_NOTHING,
                     OP_NOTHING,
                     OP_NOTHING,
                     OP_NOTHING,
                     OP_NOTHING,
                     OP_NOTHING,
                     { TN_F32, "2", { 1, 1 } },
                     { TN_F32, "2", { 1, 2 } } };
    double by = 1 / sqrt(12.5);
    op_data want[] = { { TN_F32, "1,1,2", { 7, 8 } },
                       { TN_F32, "1,1,1,2", { 3 * by, 8 * by } },
                       { TN_F32, "1,1,1,2", { 7, 8 } },
                       { TN_F32, "1,1,1,1", { 9 / 12.5 + 2 * 16 / 12.5 } } };
    ob *b = group(in, (int)TN_COUNT(in), "y k v s");
    ob_float(b, "scale", 1);
    ob_int(b, "qk_output", 1);
    GIVES(b, in, want);
    op_data there[] = { in[0], in[1], in[2], in[5], in[6], in[14] };
    op_refused(group(in, 15, "y k v"), 6, there, "k_norm_weight");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turned_batches),
        cmocka_unit_test(vectors),
        cmocka_unit_test(left_out),
        cmocka_unit_test(channels_last),
        cmocka_unit_test(kept),
        cmocka_unit_test(scores),
        cmocka_unit_test(prompt_positions),
        cmocka_unit_test(one_buffer),
        cmocka_unit_test(caches_in_codes),
        cmocka_unit_test(window_cache),
        cmocka_unit_test(normalised_heads),
    };
    return cmocka_run_group_tests_name("op/contrib_forms", tests, NULL, NULL);
}
