/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* contrib_more.c - forms of com.microsoft's operators that few files hold: softmax with biases of every kind, fused
 * activations, rotated attention, states and scores of windows, taps apart. Expected numbers are worked out here. */
#include "lib/op_run.h"
#include "test.h"
#include <math.h>

#define GIVES(b, in, want) op_gives_present(b, (int)TN_COUNT(in), in, (int)TN_COUNT(want), want, 1e-6)

static ob *one(const char *type, const char *outputs, int n, const op_data *in) {
    return op_one("com.microsoft", type, outputs, n, in);
}

static void numbers(double *v, int n, uint64_t seed) {
    for (int i = 0; i < n; i++) v[i] = (double)(float)((double)(test_random(&seed) >> 40) * 0x1p-23 - 1);
}

/* [2, 3, 2, 2] with softmax from an axis on: `rows` rows of `length`, row r with the bias of row pick(r). */
static void biased_softmax(void **state) {
    static const struct {
        int axis, length, bias_rows, inner;
        const char *bias;
    } cases[] = { { 3, 2, 12, 1, "2,3,2,2" }, { 3, 2, 2, 1, "2,1,1,2" }, { 2, 4, 2, 1, "2,1,2,2" },
                  { 2, 4, 3, 0, "1,3,2,2" },  { 3, 2, 6, 0, "1,3,2,2" }, { 3, 2, 2, 0, "2,2" },
                  { 1, 12, 2, 1, "2,3,2,2" }, { -2, 4, 3, 0, "3,2,2" },  { 0, 24, 1, 1, "2,3,2,2" },
                  { -1, 2, 6, 0, "3,2,2" },   { -1, 2, 1, 1, "1,1,1,2" } };
    for (size_t k = 0; k < TN_COUNT(cases); k++) {
        op_data in[] = { { TN_F32, "2,3,2,2" }, { TN_F32, cases[k].bias } }, y[] = { { TN_F32, "2,3,2,2" } };
        int length = cases[k].length, rows = 24 / length, biases = cases[k].bias_rows;
        numbers(in[0].v, 24, 1 + k);
        numbers(in[1].v, biases * length, 101 + k);
        for (int r = 0; r < rows; r++) {
            int from = cases[k].inner ? r / (rows / biases) : r % biases;
            double sum = 0;
            for (int i = 0; i < length; i++)
                sum += y[0].v[r * length + i] = exp(in[0].v[r * length + i] + in[1].v[from * length + i]);
            for (int i = 0; i < length; i++) y[0].v[r * length + i] /= sum;
        }
        ob *b = one("BiasSoftmax", "y", 2, in);
        ob_int(b, "axis", cases[k].axis);
        ob_int(b, "is_inner_broadcast", cases[k].inner);
        GIVES(b, in, y);
        if (cases[k].axis != 1) continue; /* the default */
        b = one("BiasSoftmax", "y", 2, in);
        ob_int(b, "is_inner_broadcast", cases[k].inner);
        GIVES(b, in, y);
    }
}

static double softplus(double x) { return log1p(exp(x)); }
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

enum { A = 0, B = 1, G = 2 };
static const double act_param[] = { 0.25, 0.75, 1.5 };

static double activation(const char *name, double x) {
    double a = act_param[A], b = act_param[B], g = act_param[G];
    if (!strcmp(name, "Affine")) return a * x + b;
    if (!strcmp(name, "Celu")) return fmax(x, 0) + fmin(0, a * (exp(x / a) - 1));
    if (!strcmp(name, "Clip")) return fmin(fmax(x, a), b);
    if (!strcmp(name, "Elu")) return x < 0 ? a * (exp(x) - 1) : x;
    if (!strcmp(name, "Gelu")) return x / 2 * (1 + erf(x / sqrt(2)));
    if (!strcmp(name, "HardSigmoid")) return fmax(0, fmin(1, a * x + b));
    if (!strcmp(name, "HardSwish")) return x * fmax(0, fmin(1, x / 6 + 0.5));
    if (!strcmp(name, "Identity")) return x;
    if (!strcmp(name, "LeakyRelu")) return x < 0 ? a * x : x;
    if (!strcmp(name, "Mish")) return x * tanh(softplus(x));
    if (!strcmp(name, "ParametricSoftplus")) return a * softplus(b * x);
    if (!strcmp(name, "Relu")) return fmax(x, 0);
    if (!strcmp(name, "ScaledTanh")) return a * tanh(b * x);
    if (!strcmp(name, "Selu")) return g * (x > 0 ? x : a * (exp(x) - 1));
    if (!strcmp(name, "Sigmoid")) return sigmoid(x);
    if (!strcmp(name, "Silu")) return x * sigmoid(x);
    if (!strcmp(name, "Softplus")) return softplus(x);
    if (!strcmp(name, "Softsign")) return x / (1 + fabs(x));
    if (!strcmp(name, "Tanh")) return tanh(x);
    return x > a ? x : 0; /* ThresholdedRelu */
}

static void activations(void **state) {
    static const char *const names[] = { "Affine",
                                         "Celu",
                                         "Clip",
                                         "Elu",
                                         "Gelu",
                                         "HardSigmoid",
                                         "HardSwish",
                                         "Identity",
                                         "LeakyRelu",
                                         "Mish",
                                         "ParametricSoftplus",
                                         "Relu",
                                         "ScaledTanh",
                                         "Selu",
                                         "Sigmoid",
                                         "Silu",
                                         "Softplus",
                                         "Softsign",
                                         "Tanh",
                                         "ThresholdedRelu" };
    static const float params[] = { 0.25f, 0.75f };
    for (size_t k = 0; k < TN_COUNT(names); k++)
        for (int conv = 0; conv < 2; conv++) {
            if (conv && !strcmp(names[k], "Selu")) continue; /* two parameters at most */
            op_data in[] = { { TN_F32, conv ? "1,1,7" : "7,1", { -3, -1, -0.5, 0.5, 1, 2, 5 } },
                             { TN_F32, conv ? "1,1,1" : "1,1", { 1 } } };
            op_data y[] = { { TN_F32, conv ? "1,1,7" : "7,1" } };
            for (int i = 0; i < 7; i++) y[0].v[i] = activation(names[k], in[0].v[i]);
            ob *b = one(conv ? "FusedConv" : "FusedGemm", "y", 2, in);
            ob_string(b, "activation", names[k]);
            if (conv) {
                ob_floats(b, "activation_params", params, 2);
            } else {
                ob_float(b, "activation_alpha", 0.25f);
                ob_float(b, "activation_beta", 0.75f);
                ob_float(b, "activation_gamma", 1.5f);
            }
            GIVES(b, in, y);
        }
    op_data in[] = { { TN_F32, "1,2", { 0, log(3) } }, { TN_F32, "2,2", { 1, 0, 0, 1 } } };
    op_data y[] = { { TN_F32, "1,2", { 0.25, 0.75 } } };
    ob *b = one("FusedMatMulActivation", "y", 2, in);
    ob_string(b, "activation", "Softmax");
    ob_int(b, "activation_axis", -1);
    GIVES(b, in, y);
    b = one("FusedGemm", "y", 2, in);
    ob_string(b, "activation", "Ruel");
    op_refused(b, 2, in, "activation 'Ruel'");
}

/* 1 / RMS of what was normalised together. */
static void deviations(void **state) {
    op_data x = { TN_F32, "2,2,2", { 1, 2, 3, 4, 5, 6, 7, 8 } };
    for (int axis = 0; axis < 3; axis++)
        for (int negative = 0; negative < 2; negative++) {
            static const char *const shape[] = { "2,2,2", "2,2", "2" }, *const kept[] = { "1,1,1", "2,1,1", "2,2,1" };
            int length = 8 >> axis;
            op_data in[] = { x, { TN_F32, shape[axis], { 1, 1, 1, 1, 1, 1, 1, 1 } } };
            op_data want[] = { { TN_F32, "2,2,2" }, { TN_F32, kept[axis] } };
            for (int r = 0; r < 8 / length; r++) {
                double sum = 0;
                for (int i = 0; i < length; i++) sum += x.v[r * length + i] * x.v[r * length + i];
                want[1].v[r] = 1 / sqrt(sum / length + 0.5);
                for (int i = 0; i < length; i++) want[0].v[r * length + i] = x.v[r * length + i] * want[1].v[r];
            }
            ob *b = one("SimplifiedLayerNormalization", "y r", 2, in);
            ob_float(b, "epsilon", 0.5f);
            ob_int(b, "axis", axis - 3 * negative);
            GIVES(b, in, want);
        }
}

/* ------------------------------------------------------------------------------------------------------- attention */

enum { HEADS = 2, SIZE = 4, HIDDEN = HEADS * SIZE, TOKENS = 5 };

static void turn(double *row, int dim, int at) {
    for (int i = 0; i < dim / 2; i++) {
        double angle = at * pow(10000, -2.0 * i / dim), c = cos(angle), s = sin(angle);
        double a = row[i], b = row[i + dim / 2];
        row[i] = a * c - b * s, row[i + dim / 2] = a * s + b * c;
    }
}

/* Tokens in two calls: those of the second see the first ones' keys, which were turned when they came. */
static void rotated(void **state) {
    for (int dim = 2; dim <= SIZE; dim += 2)
        for (int past = 0; past < 4; past += 3) {
            int fresh = TOKENS - past;
            double x[TOKENS * 2], w[2 * 3 * HIDDEN], q[TOKENS][HIDDEN], k[TOKENS][HIDDEN], v[TOKENS][HIDDEN];
            double y[TOKENS * HIDDEN] = { 0 }, cache[2 * HIDDEN * TOKENS], present[2 * HIDDEN * TOKENS];
            numbers(x, TOKENS * 2, 3);
            numbers(w, 2 * 3 * HIDDEN, 4);
            for (int t = 0; t < TOKENS; t++) {
                for (int h = 0; h < HIDDEN; h++) {
                    const double *a = x + 2 * t;
                    q[t][h] = a[0] * w[h] + a[1] * w[3 * HIDDEN + h];
                    k[t][h] = a[0] * w[HIDDEN + h] + a[1] * w[4 * HIDDEN + h];
                    v[t][h] = a[0] * w[2 * HIDDEN + h] + a[1] * w[5 * HIDDEN + h];
                }
                for (int h = 0; h < HEADS; h++) turn(&q[t][h * SIZE], dim, t), turn(&k[t][h * SIZE], dim, t);
            }
            for (int t = past; t < TOKENS; t++)
                for (int h = 0; h < HEADS; h++) {
                    double p[TOKENS], sum = 0;
                    for (int u = 0; u <= t; u++) {
                        double dot = 0;
                        for (int e = 0; e < SIZE; e++) dot += q[t][h * SIZE + e] * k[u][h * SIZE + e];
                        sum += p[u] = exp(dot / 2);
                    }
                    for (int u = 0; u <= t; u++)
                        for (int e = 0; e < SIZE; e++)
                            y[(t - past) * HIDDEN + h * SIZE + e] += p[u] / sum * v[u][h * SIZE + e];
                }
            for (int i = 0; i < 2 * HEADS; i++)
                for (int t = 0; t < TOKENS; t++)
                    for (int e = 0; e < SIZE; e++) {
                        double z = (i < HEADS ? k : v)[t][i % HEADS * SIZE + e];
                        present[(i * TOKENS + t) * SIZE + e] = z;
                        if (t < past) cache[(i * past + t) * SIZE + e] = z;
                    }
            char xd[16], yd[16], pd[24];
            snprintf(xd, sizeof xd, "1,%d,2", fresh);
            snprintf(yd, sizeof yd, "1,%d,8", fresh);
            snprintf(pd, sizeof pd, "2,1,2,%d,4", past);
            op_data in[] = { { TN_F32, xd, .large = x + 2 * past },
                             { TN_F32, "2,24", .large = w },
                             OP_NOTHING,
                             OP_NOTHING,
                             { past ? TN_F32 : TN_NONE, pd, .large = cache } };
            op_data want[] = { { TN_F32, yd, .large = y }, { TN_F32, "2,1,2,5,4", .large = present } };
            ob *b = one("Attention", "y p", 5, in);
            ob_int(b, "num_heads", HEADS);
            ob_int(b, "unidirectional", 1);
            ob_int(b, "do_rotary", 1);
            if (dim < SIZE) ob_int(b, "rotary_embedding_dim", dim);
            GIVES(b, in, want);
        }
}

/* One buffer: without a past there is nothing to share; with one, its length must be said. */
static void shared_buffer(void **state) {
    op_data in[] = { { TN_F32, "1,1,1", { 2 } },
                     { TN_F32, "1,3", { 1, 0, 3 } },
                     OP_NOTHING,
                     OP_NOTHING,
                     { TN_F32, "2,1,1,3,1", { 0, 0, 9, 2, 4, 9 } },
                     OP_NOTHING,
                     { TN_I32, "1", { 2 } } };
    op_data alone[] = { { TN_F32, "1,1,1", { 6 } } }, mean[] = { { TN_F32, "1,1,1", { 4 } } };
    ob *b = one("Attention", "y", 2, in);
    ob_int(b, "num_heads", 1);
    ob_int(b, "past_present_share_buffer", 1);
    op_gives_present(b, 2, in, 1, alone, 1e-6);
    b = one("Attention", "y", 7, in);
    ob_int(b, "num_heads", 1);
    ob_int(b, "past_present_share_buffer", 1);
    GIVES(b, in, mean);
    op_data there[] = { in[0], in[1], in[4] };
    b = one("Attention", "y", 5, in);
    ob_int(b, "num_heads", 1);
    ob_int(b, "past_present_share_buffer", 1);
    op_refused(b, 3, there, "past_sequence_length");
}

/* A cache of three rows for windows of two; five tokens: rows 2 and 3 are there, and the new one. Scores of tokens that
 * are gone, or out of the window, are hidden. */
static void window_scores(void **state) {
    op_data in[] = { { TN_F32, "1,1,1", { 1 } },
                     { TN_F32, "1,1,1", { 14 } },
                     { TN_F32, "1,1,1", { 24 } },
                     { TN_F32, "1,1,3,1", { 12, 13, 0 } },
                     { TN_F32, "1,1,3,1", { 22, 23, 0 } },
                     { TN_I32, "1", { 4 } },
                     { TN_I32, "", { 5 } } };
    double e = exp(1);
    op_data want[] = { { TN_F32, "1,1,1", { (23 + 24 * e) / (1 + e) } }, { TN_F32, "1,1,1,5", { 0, 0, 0, 13, 14 } } };
    for (int mode = 1; mode < 3; mode++) {
        ob *b = one("GroupQueryAttention", "y _ _ s", (int)TN_COUNT(in), in);
        ob_int(b, "num_heads", 1);
        ob_int(b, "kv_num_heads", 1);
        ob_int(b, "sliding_window_cache", 1);
        ob_int(b, "local_window_size", 2);
        ob_int(b, "qk_output", mode);
        if (mode == 2) want[1].v[3] = 1 / (1 + e), want[1].v[4] = e / (1 + e);
        GIVES(b, in, want);
    }
}

/* The first call of a talk whose cache will hold codes: there is no past that could say so. */
static void first_codes(void **state) {
    op_data in[] = { { TN_F32, "1,1,2", { 0, 0 } },
                     { TN_F32, "1,1,2", { 1.1, 9 } },
                     { TN_F32, "1,1,2", { 2.2, -3 } },
                     OP_NOTHING,
                     OP_NOTHING,
                     { TN_I32, "1", { 0 } },
                     { TN_I32, "", { 1 } },
                     OP_NOTHING,
                     OP_NOTHING,
                     OP_NOTHING,
                     OP_NOTHING,
                     OP_NOTHING,
                     { TN_F32, "1", { 0.5 } },
                     { TN_F32, "1", { 0.5 } } };
    op_data wide[] = { { TN_F32, "1,1,2", { 2, -3 } },
                       { TN_I8, "1,1,1,2", { 2, 18 } },
                       { TN_I8, "1,1,1,2", { 4, -6 } } };
    op_data narrow[] = { { TN_F32, "1,1,2", { 2, -3 } },
                         { TN_U8, "1,1,1,1", { 0xfa } },
                         { TN_U8, "1,1,1,1", { 0x2c } } };
    for (int bits = 4; bits <= 8; bits += 4) {
        ob *b = one("GroupQueryAttention", "y k v", (int)TN_COUNT(in), in);
        ob_int(b, "num_heads", 1);
        ob_int(b, "kv_num_heads", 1);
        ob_string(b, "k_quant_type", "PER_TENSOR");
        ob_string(b, "v_quant_type", "PER_TENSOR");
        ob_int(b, "kv_cache_bit_width", bits);
        op_gives_present(b, (int)TN_COUNT(in), in, 3, bits == 8 ? wide : narrow, 1e-6);
    }
}

/* --------------------------------------------------------------------------------------------------------- states */

static ob *linear(const op_data *in, int n, int heads, int values, const char *rule, int window) {
    ob *b = one("LinearAttention", "y s", n, in);
    ob_int(b, "q_num_heads", heads);
    ob_int(b, "kv_num_heads", values);
    ob_string(b, "update_rule", rule);
    ob_float(b, "scale", 1);
    if (window) ob_int(b, "state_window", window);
    return b;
}

/* States are sums of k v: after each of the last tokens, the oldest first. */
static void state_windows(void **state) {
    op_data in[] = { { TN_F32, "1,3,1", { 1, 1, 2 } },
                     { TN_F32, "1,3,1", { 1, 2, 3 } },
                     { TN_F32, "1,3,1", { 5, 6, 7 } },
                     { TN_F32, "2,1,1,1,1", { 50, 100 } } };
    op_data two[] = { { TN_F32, "1,3,1", { 105, 117, 276 } }, { TN_F32, "2,1,1,1,1", { 117, 138 } } };
    GIVES(linear(in, 4, 1, 1, "linear", 2), in, two);
    op_data no_past[] = { { TN_F32, "1,3,1", { 5, 17, 76 } }, { TN_F32, "5,1,1,1,1", { 0, 0, 5, 17, 38 } } };
    op_gives_present(linear(in, 3, 1, 1, "linear", 5), 3, in, 2, no_past, 1e-6);
    /* decaying by a half; delta: what is learnt is what the state does not say yet */
    double half = log(0.5);
    op_data both[] = {
        in[0], in[1], in[2], OP_NOTHING, { TN_F32, "1,3,1", { half, half, half } }, { TN_F32, "1,3,1", { 1, 1, 1 } }
    };
    /* 0 + 1 (5 - 0) = 5; 2.5 + 2 (6 - 2 * 2.5) = 4.5; 2.25 + 3 (7 - 3 * 2.25) = 3 */
    op_data learnt[] = { { TN_F32, "1,3,1", { 5, 4.5, 6 } }, { TN_F32, "2,1,1,1,1", { 4.5, 3 } } };
    GIVES(linear(both, 6, 1, 1, "gated_delta", 2), both, learnt);
    op_refused(linear(in, 3, 1, 1, "linear", 9), 3, in, "state_window");
}

/* Two states to one query, and to one key. */
static void more_values_than_queries(void **state) {
    op_data in[] = { { TN_F32, "1,1,2", { 1, 2 } },
                     { TN_F32, "1,1,4", { 3, 4, 5, 6 } },
                     { TN_F32, "1,1,2", { 7, 8 } } };
    op_data want[] = { { TN_F32, "1,1,2", { 7 * 11, 8 * 17 } }, { TN_F32, "1,2,2,1", { 21, 28, 40, 48 } } };
    GIVES(linear(in, 3, 1, 2, "linear", 0), in, want);
    ob *b = ob_new(10, 17); /* fewer keys: their number follows from sizes that are known */
    ob_opset(b, "com.microsoft", 1);
    ob_input(b, "q", TN_F32, "1,1,2");
    ob_input(b, "k", TN_F32, "1,1,2");
    ob_input(b, "v", TN_F32, "1,1,2");
    ob_output(b, "y");
    ob_node(b, "com.microsoft::LinearAttention", "q k v", "y s");
    ob_int(b, "q_num_heads", 1);
    ob_int(b, "kv_num_heads", 2);
    ob_string(b, "update_rule", "linear");
    ob_float(b, "scale", 1);
    op_data keys[] = { in[0], { TN_F32, "1,1,2", { 3, 4 } }, in[2] };
    op_data shared[] = { { TN_F32, "1,1,2", { 7 * 11, 8 * 11 } } };
    op_gives(b, 3, keys, 1, shared, 1e-6);
}

/* y[t] = w0 x[t - 2 d] + w1 x[t - d] + w2 x[t] per channel, over what was there before. */
static void causal_forms(void **state) {
    for (int kind = 0; kind < 16; kind++) {
        int step = 1 + (kind & 1), window = kind & 2 ? 3 : 0, last = kind >> 2 & 1, with_past = kind >> 3 & 1;
        enum { LENGTH = 2, CHANNELS = 2 };
        int keep = 2 * step;
        double x[CHANNELS][LENGTH] = { { 1, 2 }, { 3, 5 } }, w[] = { 1, 10, 100, 2, 20, 200 };
        double line[CHANNELS][8] = { { 0 } }, past[3 * 2 * 4], state_is[3 * 2 * 4] = { 0 }, y[4], flat[4];
        char past_dims[24], w_dims[] = "2,1,3";
        int slots = window ? window : 1;
        for (int c = 0; c < CHANNELS; c++) {
            for (int i = 0; i < keep && with_past; i++) line[c][i] = 7 + c + 2 * i;
            for (int t = 0; t < LENGTH; t++) line[c][keep + t] = x[c][t];
            for (int t = 0; t < LENGTH; t++) {
                double sum = 0.5;
                for (int i = 0; i < 3; i++) sum += w[3 * c + i] * line[c][t + i * step];
                y[last ? t * CHANNELS + c : c * LENGTH + t] = sum;
                flat[last ? t * CHANNELS + c : c * LENGTH + t] = x[c][t];
            }
            for (int j = 0; j < slots; j++)
                for (int i = 0; i < keep; i++) {
                    int token = LENGTH - slots + j; /* the state behind it */
                    int at = j * CHANNELS * keep + (last ? i * CHANNELS + c : c * keep + i);
                    past[at] = j + 1 < slots ? 99 : line[c][i];
                    if (token >= 0) state_is[at] = line[c][token + 1 + i];
                }
        }
        snprintf(past_dims, sizeof past_dims, "%s1,%d,%d", window ? "3," : "", last ? keep : 2, last ? 2 : keep);
        op_data in[] = { { TN_F32, last ? "1,2,1,2" : "1,2,2", .large = flat },
                         { TN_F32, w_dims, .large = w },
                         { TN_F32, "2", { 0.5, 0.5 } },
                         { with_past ? TN_F32 : TN_NONE, past_dims, .large = past } };
        char deep[32];
        snprintf(deep, sizeof deep, "%s1,%d,1,2", window ? "3," : "", keep);
        if (last) in[3].dims = deep;
        op_data want[] = { { TN_F32, in[0].dims, .large = y }, { TN_F32, last ? deep : past_dims, .large = state_is } };
        ob *b = one("CausalConvWithState", "y s", 4, in);
        if (step > 1) ob_int(b, "dilation", step);
        if (window) ob_int(b, "state_window", window);
        if (last) ob_int(b, "channels_last", 1);
        GIVES(b, in, want);
    }
    op_data in[] = { { TN_F32, "1,1,2,2", { 0 } }, { TN_F32, "1,1,1,2", { 0 } } };
    ob *b = one("CausalConvWithState", "y", 2, in);
    ob_int(b, "ndim", 2);
    op_refused(b, 2, in, "several dimensions");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(biased_softmax), cmocka_unit_test(activations),   cmocka_unit_test(deviations),
        cmocka_unit_test(rotated),        cmocka_unit_test(shared_buffer), cmocka_unit_test(window_scores),
        cmocka_unit_test(first_codes),    cmocka_unit_test(state_windows), cmocka_unit_test(more_values_than_queries),
        cmocka_unit_test(causal_forms),
    };
    return cmocka_run_group_tests_name("op/contrib_more", tests, NULL, NULL);
}
