/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* attention_forms.c - Attention-23 to 25, FlexAttention, LinearAttention, and what stands around them: rotations,
 * caches, causal convolutions. Scores 0 and ln 3 give weights 1/4 and 3/4; scores that are all 0 give means. */
#include "lib/op_cases.h"
#include "lib/op_run.h"
#include "test.h"
#include <math.h>

#define LN3 "1.0986122886681098"

static void outputs(void **state) {
    static const op_case rows[] = {
        /* past and present, and the scores: as they are, behind the soft cap, behind the mask, as weights */
        { "Attention", NULL, "f32:1,1,1,1=1 f32:1,1,1,1=" LN3 " f32:1,1,1,1=4 _ f32:1,1,1,1=0 f32:1,1,1,1=8",
          "f32:1,1,1,1=5 f32:1,1,2,1=0," LN3 " f32:1,1,2,1=8,4 f32:1,1,1,2=0," LN3 },
        { "Attention@23", "qk_matmul_output_mode=3", "f64:1,1,1,1=1 f64:1,1,2,1=0," LN3 " f64:1,1,2,2=8,0,4,1",
          "f64:1,1,1,2=5,0.75 _ _ f64:1,1,1,2=0.25,0.75" },
        { "Attention", "softcap=2.0 qk_matmul_output_mode=1 scale=1.0",
          "f32:1,1,1,1=1 f32:1,1,2,1=0,1 f32:1,1,2,1=8,4 f32:1,2=0",
          "f32:1,1,1,1=5.1363839668 _ _ f32:1,1,1,2=0,0.9242343145" },
        { "Attention", "qk_matmul_output_mode=2 scale=1.0",
          "f32:1,1,1,1=1 f32:1,1,2,1=1,1 f32:1,1,2,1=8,4 f32:1,2=1,"
          "2.0986122886681098",
          "f32:1,1,1,1=5 _ _ f32:1,1,1,2=2,3.0986122886681098" },
        { "Attention", "qk_matmul_output_mode=0 scale=0.5",
          "f16:1,1,1,2=2,0 f16:1,1,2,2=0,9,1,9 f16:1,1,2,1=8,4 f16:1,2=0,0.0986", "f16:1,1,1,1=5 _ _ f16:1,1,1,2=0,1" },
        { "Attention", "qk_matmul_output_mode=3 softmax_precision=1",
          "bf16:1,1,1,1=0 bf16:1,1,4,1=1 bf16:1,1,4,1=1,2,3,6", "bf16:1,1,1,1=3 _ _ bf16:1,1,1,4=0.25" },
        { "Attention", "scale=0.0", "f32:1,1,1,1=7 f32:1,1,2,1=5,-5 f32:1,1,2,1=1,3", "f32:1,1,1,1=2" },
        { "Attention", NULL, "f32:1,1,1,4=2,0,0,0 f32:1,1,2,4=0,1,1,1," LN3 ",1,1,1 f32:1,1,2,1=8,4", "f32:1,1,1,1=5" },
        { "Attention", "q_num_heads=2 kv_num_heads=2",
          "f32:1,1,2=0,1 f32:1,2,2=9,0,9," LN3 " f32:1,2,2=1,8,3,4 _ f32:1,2,0,1 f32:1,2,0,1",
          "f32:1,1,2=2,5 f32:1,2,2,1=9,9,0," LN3 " f32:1,2,2,1=1,3,8,4" }, /* present: heads before rows */
        { "Attention", NULL, "f32:1,1,0,1 f32:1,1,2,1=1 f32:1,1,2,1=1", "f32:1,1,0,1" },
    };
    op_cases(rows);
}

static void masked(void **state) {
    static const op_case rows[] = {
        { "Attention", NULL, "f32:1,1,1,1=0 f32:1,1,3,1=1 f32:1,1,3,1=2,6,100 bool:1,3=1,1,0", "f32:1,1,1,1=4" },
        { "Attention", NULL, "f32:1,1,1,1=0 f32:1,1,3,1=1 f32:1,1,3,1=2,6,100 bool:1,2=1,1",
          "f32:1,1,1,1=4" }, /* short: the rest is hidden */
        { "Attention", NULL, "f32:1,1,2,1=0 f32:1,1,3,1=1 f32:1,1,3,1=2,6,100 f32:2,1=0,5",
          "f32:1,1,2,1=2,2" }, /* also where it has one column, */
        { "Attention@23", NULL, "f32:1,1,2,1=0 f32:1,1,3,1=1 f32:1,1,3,1=2,6,100 f32:2,1=0,5",
          "f32:1,1,2,1=36,36" }, /* which was for all keys before */
        { "Attention@23", NULL, "f64:1,1,1,1=0 f64:1,1,1,1=1 f64:1,1,1,1=2 bool:1,1=1 f64:1,1,1,1=1 f64:1,1,1,1=6",
          "f64:1,1,1,1=4 f64:1,1,2,1=1,1 f64:1,1,2,1=6,2" },
        { "Attention@23", "q_num_heads=1 kv_num_heads=1", "f32:1,2,1=0 f32:1,3,1=1 f32:1,3,1=2,6,100 bool:2,1=0,1",
          "f32:1,2,1=0,36" },
        { "Attention", NULL, "f32:1,2,2,1=0 f32:1,1,2,1=1 f32:1,1,2,1=2,6 bool:2,1,2=1,0,0,1",
          "f32:1,2,2,1=2,2,6,6" }, /* for each head */
        { "Attention", NULL, "f32:2,1,1,1=0 f32:2,1,2,1=1 f32:2,1,2,1=2,6,2,6 bool:2,1,1,2=1,0,0,1",
          "f32:2,1,1,1=2,6" }, /* for each sample */
        { "Attention", "qk_matmul_output_mode=3", "f32:1,1,2,1=0 f32:1,1,2,1=1 f32:1,1,2,1=2,6 bool:2,2=0,0,1,1",
          "f32:1,1,2,1=0,4 _ _ f32:1,1,2,2=0,0,0.5,0.5" }, /* a row that sees nothing is 0 */
        { "Attention", "is_causal=1", "f32:1,1,3,1=0 f32:1,1,3,1=1 f32:1,1,3,1=3,6,9", "f32:1,1,3,1=3,4.5,6" },
        { "Attention", "is_causal=1", "f32:1,1,2,1=0 f32:1,1,2,1=1 f32:1,1,2,1=6,9 _ f32:1,1,1,1=0 f32:1,1,1,1=3",
          "f32:1,1,2,1=4.5,6 f32:1,1,3,1=0,1,1 f32:1,1,3,1=3,6,9" },
        { "Attention", "is_causal=1", "f32:1,1,2,1=0 f32:1,1,2,1=1 f32:1,1,2,1=3,9 bool:2,2=1,1,0,1",
          "f32:1,1,2,1=3,9" },
        { "Attention@24", NULL, "f32:2,1,1,1=0 f32:2,1,3,1=1 f32:2,1,3,1=2,6,100,3,5,7 _ _ _ i64:2=2,3",
          "f32:2,1,1,1=4,5" },
        { "Attention@24", "is_causal=1", "f32:1,1,2,1=0 f32:1,1,4,1=1 f32:1,1,4,1=1,2,4,8 _ _ _ i64:1=3",
          "f32:1,1,2,1=1.5,7/3" },
        { "Attention", "is_causal=1", "f32:2,1,2,1=0 f32:2,1,2,1=1 f32:2,1,2,1=1,2,1,2 _ _ _ i64:2=1,2",
          "f32:2,1,2,1=0,1,1,1.5" },
        { "Attention", NULL, "f64:1,4,1,1=0 f64:1,2,2,1=1 f64:1,2,2,1=1,3,5,7",
          "f64:1,4,1,1=2,2,6,6" }, /* two heads share one */
    };
    op_cases(rows);
}

static void rotations(void **state) {
#define QUARTERS "f32:1,2,2=1,1,0,0 f32:1,2,2=0,0,1,1" /* cosines and sines: not at all, then a quarter turn */
    static const op_case rows[] = {
        { "RotaryEmbedding", NULL, "f32:1,1,2,4=1,2,3,4,5,6,7,8 " QUARTERS, "f32:1,1,2,4=1,2,3,4,-7,-8,5,6" },
        { "RotaryEmbedding", "interleaved=1", "f32:1,1,2,4=1,2,3,4,5,6,7,8 " QUARTERS,
          "f32:1,1,2,4=1,2,3,4,-6,5,-8,7" },
        { "RotaryEmbedding", NULL, "f32:1,2,2,4=1,2,3,4,5,6,7,8,0,0,0,0,1,2,3,4 " QUARTERS,
          "f32:1,2,2,4=1,2,3,4,-7,-8,5,6,0,0,0,0,-3,-4,1,2" },
        { "RotaryEmbedding", "num_heads=2", "f32:1,2,8=1,2,3,4,5,6,7,8,1,2,3,4,5,6,7,8 " QUARTERS,
          "f32:1,2,8=1,2,3,4,5,6,7,8,-3,-4,1,2,-7,-8,5,6" },
        { "RotaryEmbedding", "rotary_embedding_dim=2", "f16:1,1,2,4=1,2,3,4,5,6,7,8 f16:1,2,1=1,0 f16:1,2,1=0,1",
          "f16:1,1,2,4=1,2,3,4,-6,5,7,8" },
        { "RotaryEmbedding", NULL, "f32:2,1,1,2=1,2,3,4 f32:3,1=1,0,-1 f32:3,1=0,1,0 i64:2,1=2,1",
          "f32:2,1,1,2=-1,-2,-4,3" },
        { "RotaryEmbedding", "num_heads=1", "bf16:1,1,2=1,2 bf16:2,1=1,0 bf16:2,1=0,1 i64:1,1=1", "bf16:1,1,2=-2,1" },
        { "com.microsoft::RotaryEmbedding", NULL,
          "f32:1,2,4=1,2,3,4,5,6,7,8 i64:1=1 f32:3,2=1,1,0,0,-1,-1 f32:3,2=0,0,1,1,0,0",
          "f32:1,2,4=-3,-4,1,2,-5,-6,-7,-8" }, /* from position 1 on */
        { "com.microsoft::RotaryEmbedding", "interleaved=1",
          "f32:1,2,4=1,2,3,4,5,6,7,8 i64:1,2=2,1 f32:3,2=1,1,0,0,-1,-1 f32:3,2=0,0,1,1,0,0",
          "f32:1,2,4=-1,-2,-3,-4,-6,5,-8,7" },
        { "com.microsoft::RotaryEmbedding", "num_heads=1 rotary_embedding_dim=2",
          "f32:1,1,4=1,2,3,4 i64:1,1=1 f32:2,1=1,0 f32:2,1=0,1", "f32:1,1,4=-2,1,3,4" },
        { "com.microsoft::RotaryEmbedding", NULL, "f16:1,2,1,2=1,2,3,4 i64:1,1=1 f16:2,1=1,0 f16:2,1=0,1",
          "f16:1,2,1,2=-2,1,-4,3" },
    };
    op_cases(rows);
}

static void states(void **state) {
    static const op_case rows[] = {
        { "TensorScatter", NULL, "f32:2,3,1=1,2,3,4,5,6 f32:2,1,1=8,9",
          "f32:2,3,1=8,2,3,9,5,6" }, /* from the beginning */
        { "TensorScatter", NULL, "f32:2,3,1=1,2,3,4,5,6 f32:2,1,1=8,9 i64:2=1,2", "f32:2,3,1=1,8,3,4,5,9" },
        { "TensorScatter", "axis=1", "str:1,4=a,b,c,d str:1,2=x,y i64:1=1", "str:1,4=a,x,y,d" },
        { "TensorScatter", "mode=circular axis=-1", "f16:2,1,3=1,2,3,4,5,6 f16:2,1,2=7,8,9,10 i64:2=2,4",
          "f16:2,1,3=8,2,7,4,9,10" },
        { "TensorScatter", "axis=2", "i4:1,1,3=1,2,3 i4:1,1,1=-8 i64:1=1", "i4:1,1,3=1,-8,3" },
        { "TensorScatter", NULL, "bool:1,2,2=0,0,1,1 bool:1,0,2", "bool:1,2,2=0,0,1,1" },
        /* y[t] = w0 x[t - 1] + w1 x[t] */
        { "CausalConvWithState", NULL, "f32:1,2,3=1,2,3,4,5,6 f32:2,1,2=10,1,1,-1",
          "f32:1,2,3=1,12,23,-4,-1,-1 f32:1,2,1=3,6" },
        { "CausalConvWithState", NULL, "f32:1,2,3=1,2,3,4,5,6 f32:2,1,2=10,1,1,-1 f32:2=0,1 f32:1,2,1=5,7",
          "f32:1,2,3=51,12,23,4,0,0 f32:1,2,1=3,6" },
        { "CausalConvWithState", NULL, "f32:1,1,1=4 f32:1,1,4=1000,100,10,1 _ f32:1,1,3=1,2,3",
          "f32:1,1,1=1234 f32:1,1,3=2,3,4" },
        { "CausalConvWithState", NULL, "f16:1,1,1=4 f16:1,1,4=1000,100,10,1", "f16:1,1,1=4 f16:1,1,3=0,0,4" },
        { "CausalConvWithState", "activation=silu", "f32:1,1,2=1,2 f32:1,1,2=10,1 f32:1=0",
          "f32:1,1,2=0.7310585786,11.9999262697" },
        { "CausalConvWithState", "activation=swish", "bf16:2,1,1=-4,0.5 bf16:1,1,1=1",
          "bf16:2,1,1=-0.0719448398,0.3112296656 bf16:2,1,0" },
        { "com.microsoft::CausalConvWithState", "activation=silu", "f32:1,1,2=1,2 f32:1,1,2=10,1 f32:1=0 f32:1,1,1=0",
          "f32:1,1,2=0.7310585786,11.9999262697 f32:1,1,1=2" },
    };
    op_cases(rows);
}

/* Keys {1, 0} and {0, 1}, values 2 and 5, queries {1, 0} and {1, 1}; a decay of ln 1/2 halves the state. */
static void linear_attention(void **state) {
#define QKV  "f32:1,2,2=1,0,1,1 f32:1,2,2=1,0,0,1 f32:1,2,1=2,5 "
#define PAST "f32:1,1,2,1=4,8 "
#define HALF "-0.6931471805599453"
#define ONE  " q_num_heads=1 kv_num_heads=1 scale=1.0"
    static const op_case rows[] = {
        { "LinearAttention", "update_rule=linear" ONE, QKV, "f32:1,2,1=2,7 f32:1,1,2,1=2,5" },
        { "LinearAttention", "update_rule=linear q_num_heads=1 kv_num_heads=1", QKV PAST,
          "f32:1,2,1=4.2426406871,13.4350288425 f32:1,1,2,1=6,13" },
        { "LinearAttention", "update_rule=gated" ONE, QKV "_ f32:1,2,1=" HALF, "f32:1,2,1=2,6 f32:1,1,2,1=1,5" },
        { "LinearAttention", "update_rule=gated" ONE, QKV PAST "f32:1,2,1=" HALF, "f32:1,2,1=4,9 f32:1,1,2,1=2,7" },
        { "LinearAttention", "update_rule=gated" ONE, QKV PAST "f32:1,2,2=0," HALF "," HALF ",0",
          "f32:1,2,1=6,12 f32:1,1,2,1=3,9" },
        { "LinearAttention", "update_rule=delta" ONE, QKV PAST "_ f32:1,2,1=0.5,0.25",
          "f32:1,2,1=3,10.25 f32:1,1,2,1=3,7.25" },
        { "LinearAttention", "q_num_heads=1 kv_num_heads=1 scale=1.0 chunk_size=1",
          QKV PAST "f32:1,2,1=" HALF " f32:1,2,1=0.5,0.25", "f32:1,2,1=2,3.75 f32:1,1,2,1=1,2.75" },
        { "LinearAttention", "update_rule=linear q_num_heads=2 kv_num_heads=1 scale=1.0",
          "f32:1,1,4=1,0,1,1 f32:1,1,2=1,1 f32:1,1,1=2", "f32:1,1,2=2,4 f32:1,1,2,1=2,2" },
        { "LinearAttention", "update_rule=linear" ONE, "f16:1,1,1=2 f16:1,1,1=3 f16:1,1,2=1,5 f32:1,1,1,2=0.5,0",
          "f16:1,1,2=7,30 f32:1,1,1,2=3.5,15" },
        { "LinearAttention", "update_rule=linear" ONE, "bf16:1,1,1=2 bf16:1,1,1=3 bf16:1,1,1=4",
          "bf16:1,1,1=24 bf16:1,1,1,1=12" },
        { "com.microsoft::LinearAttention", "update_rule=gated" ONE, QKV PAST "f32:1,2,1=" HALF,
          "f32:1,2,1=4,9 f32:1,1,2,1=2,7" },
    };
    op_cases(rows);
}

/* What a subgraph does to the scores, and to the weights: `node` of x and c. */
static ob *mod(const char *op) {
    ob *g = ob_graph();
    ob_input(g, "x", TN_NONE, NULL);
    ob_node(g, op, "x c", "z");
    ob_output(g, "z");
    return g;
}

static ob *flex(tn_dtype t, const char *score_op, const char *prob_op, const char *dims, const float *c, int n) {
    ob *b = ob_new(13, 26);
    ob_opset(b, "ai.onnx.preview", 1);
    ob_input(b, "q", t, NULL);
    ob_input(b, "k", t, NULL);
    ob_input(b, "v", t, NULL);
    ob_output(b, "y");
    ob_floats_init(b, "c", dims, c, n);
    ob_node(b, "ai.onnx.preview::FlexAttention", "q k v", "y");
    ob_float(b, "scale", 1);
    if (score_op) ob_subgraph(b, "score_mod", mod(score_op));
    if (prob_op) ob_subgraph(b, "prob_mod", mod(prob_op));
    return b;
}

static void flexible(void **state) {
    op_data in[] = { { TN_F32, "1,2,1,1", { 1, 0 } },
                     { TN_F32, "1,1,2,1", { 0, 1.0986122886681098 } },
                     { TN_F32, "1,1,2,2", { 8, 0, 4, 1 } } };
    op_data plain = { TN_F32, "1,2,1,2", { 5, 0.75, 6, 0.5 } }, second = { TN_F32, "1,2,1,2", { 4, 1, 4, 1 } };
    op_data twice = { TN_F32, "1,2,1,2", { 10, 1.5, 12, 1 } }, even = { TN_F32, "1,2,1,2", { 6, 0.5, 6, 0.5 } };
    op_gives(flex(TN_F32, NULL, NULL, "", (float[]){ 0 }, 1), 3, in, 1, &plain, 1e-6);
    op_gives(flex(TN_F32, "Add", NULL, "2", (float[]){ -INFINITY, 0 }, 2), 3, in, 1, &second, 1e-6);
    op_gives(flex(TN_F32, "Mul", NULL, "", (float[]){ 0 }, 1), 3, in, 1, &even, 1e-6);
    op_gives(flex(TN_F32, NULL, "Mul", "", (float[]){ 2 }, 1), 3, in, 1, &twice, 1e-6);
    for (int i = 0; i < 3; i++) in[i].type = TN_F16;
    twice.type = TN_F16;
    op_gives(flex(TN_F16, NULL, "Mul", "", (float[]){ 2 }, 1), 3, in, 1, &twice, 1e-3); /* in float32 inside */
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(outputs),          cmocka_unit_test(masked),
                                        cmocka_unit_test(rotations),        cmocka_unit_test(states),
                                        cmocka_unit_test(linear_attention), cmocka_unit_test(flexible) };
    return cmocka_run_group_tests_name("op/attention_forms", tests, NULL, NULL);
}
