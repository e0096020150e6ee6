/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* nchwc.c - models that ONNX Runtime's optimiser saved with channels in blocks: the weights' order, the size of a block
 * where shapes tell it, what is said where they do not, and what is no such model. */
#include "base/cpu.h"
#include "base/log.h"
#include "lib/op_run.h"
#include "test.h"

enum { SIDE = 3, CELLS = SIDE * SIDE, MOST = 48 };

/* `used` of the convolution's rounded outputs are real ones; channels: of x, and per group of the weights. */
typedef struct {
    int used, channels, group, block;
    bool sum, relu, last;
} shape;

static int up(int n, int block) { return (n + block - 1) / block * block; }
static int per_group(const shape *s) { return s->channels / s->group; }
static float weight(int o, int i, int t) { return (float)((o * 7 + i * 5 + t * 3) % 11 - 5) / 4; }
static float data(int c, int at) { return (float)((c * 3 + at * 5) % 9 - 4) / 2; }
static float bias(int o) { return (float)(o % 5) - 2; }

static int filter_channels(const shape *s) {
    return per_group(s) < s->block ? per_group(s) : up(per_group(s), s->block);
}

/* Where ONNX Runtime puts weight [o, i, t]. */
static int place(const shape *s, int o, int i, int t) {
    int b = s->block, n = filter_channels(s);
    if (n < b) return ((o / b * n + i) * CELLS + t) * b + o % b;
    return (((o / b * (n / b) + i / b) * CELLS + t) * b + i % b) * b + o % b;
}

static double wanted(const shape *s, int o, int y, int x) {
    double v = bias(o);
    int first = o / (s->used / s->group) * per_group(s);
    for (int i = 0; i < per_group(s); i++)
        for (int t = 0; t < CELLS; t++) {
            int a = y + t / SIDE - 1, b = x + t % SIDE - 1;
            if (a < 0 || b < 0 || a >= SIDE || b >= SIDE) continue;
            v += (double)weight(o, i, t) * data(first + i, a * SIDE + b);
        }
    if (s->sum) v += 1.5;
    return s->relu && v < 0 ? 0 : v;
}

static ob *saved(const shape *s) {
    static float w[MOST * MOST * CELLS], b[MOST], more[MOST * CELLS];
    int out = up(s->used, s->block), in = filter_channels(s);
    bool direct = s->group == 1 && s->channels < s->block;
    char text[64];
    memset(w, 0, sizeof w);
    memset(b, 0, sizeof b);
    for (int o = 0; o < s->used; o++) {
        b[o] = bias(o);
        for (int i = 0; i < per_group(s); i++)
            for (int t = 0; t < CELLS; t++) w[place(s, o, i, t)] = weight(o, i, t);
    }
    for (int i = 0; i < out * CELLS; i++) more[i] = 1.5f;
    ob *m = ob_new(8, 13);
    ob_opset(m, "com.microsoft.nchwc", 1);
    snprintf(text, sizeof text, s->last ? "1,%d,%d,%d" : "1,%d,%d,%d", s->last ? SIDE : s->channels, SIDE,
             s->last ? s->channels : SIDE);
    ob_input(m, "x", TN_F32, text);
    snprintf(text, sizeof text, "%d,%d,%d,%d", out, in, SIDE, SIDE);
    ob_floats_init(m, "w", text, w, out * in * CELLS);
    snprintf(text, sizeof text, "%d", out);
    ob_floats_init(m, "b", text, b, out);
    snprintf(text, sizeof text, "1,%d,%d,%d", out, SIDE, SIDE);
    ob_floats_init(m, "more", text, more, out * CELLS);
    if (!direct) {
        ob_node(m, "com.microsoft.nchwc::ReorderInput", "x", "blocked");
        ob_int(m, "channels_last", s->last);
    }
    ob_node(m, "com.microsoft.nchwc::Conv",
            direct   ? s->sum ? "x w b more" : "x w b"
            : s->sum ? "blocked w b more"
                     : "blocked w b",
            "c");
    ob_ints(m, "pads", (int64_t[]){ 1, 1, 1, 1 }, 4);
    ob_int(m, "group", s->group);
    if (s->relu) ob_string(m, "activation", "Relu");
    ob_node(m, "com.microsoft.nchwc::ReorderOutput", "c", "y");
    ob_int(m, "channels", s->used);
    ob_int(m, "channels_last", s->last);
    ob_output(m, "y");
    return m;
}

static int findings(ob *b, const char *words) {
    tn_text file = ob_finish(b);
    tn_model *m;
    tn_finding f = { 0 };
    check_ok(tn_model_open_memory(file.s, file.n, &m));
    int n = (int)tn_model_findings(m);
    if (n) check_ok(tn_model_finding(m, 0, &f));
    check(!n || strstr(f.text, words), "'%s' lacks '%s'\n", f.text, words);
    tn_model_close(&m);
    tn_text_free(&file);
    return n;
}

static void gives(const shape *s) {
    static double x[MOST * CELLS], y[MOST * CELLS];
    char in[32], out[32];
    for (int c = 0; c < s->channels; c++)
        for (int i = 0; i < CELLS; i++) x[s->last ? i * s->channels + c : c * CELLS + i] = data(c, i);
    for (int o = 0; o < s->used; o++)
        for (int i = 0; i < CELLS; i++) y[s->last ? i * s->used + o : o * CELLS + i] = wanted(s, o, i / SIDE, i % SIDE);
    snprintf(in, sizeof in, s->last ? "1,3,3,%d" : "1,%d,3,3", s->channels);
    snprintf(out, sizeof out, s->last ? "1,3,3,%d" : "1,%d,3,3", s->used);
    op_gives(saved(s), 1, &(op_data){ .type = TN_F32, .dims = in, .large = x }, 1,
             &(op_data){ .type = TN_F32, .dims = out, .large = y }, 1e-5);
}

static const shape told[] = {
    { 8, 3, 1, 8, false, true, false },   { 20, 3, 1, 8, true, true, false },    { 24, 8, 1, 8, false, false, false },
    { 24, 20, 1, 8, true, false, true },  { 24, 24, 24, 8, false, true, false }, { 24, 24, 3, 8, false, false, false },
    { 20, 3, 1, 16, true, true, false },  { 20, 32, 1, 16, true, true, false },  { 4, 12, 1, 16, false, false, false },
    { 20, 20, 1, 16, false, true, true },
};

/* Whatever CPU this is, the shapes of these say how large a block is. */
static void blocks(void **state) {
    (void)state;
    for (size_t i = 0; i < TN_COUNT(told); i++) {
        check(findings(saved(&told[i]), "") == 0, "shape %zu is doubted\n", i);
        gives(&told[i]);
    }
}

/* Of 32 outputs of 16 channels anything could be said; ONNX Runtime takes what it would write itself. */
static void untold(void **state) {
    (void)state;
    shape s = { 32, 16, 1, tn_cpu_detected() & TN_CPU_AVX512 ? 16 : 8, true, true, false };
    tn_log_set(TN_LOG_ERROR);
    check(findings(saved(&s), s.block == 16 ? "16 are taken" : "8 are taken") == 1, "nothing is said\n");
    gives(&s);
    tn_log_set(TN_LOG_WARN);
}

static ob *one(const char *op, const char *dims) {
    ob *b = ob_new(8, 13);
    ob_opset(b, "com.microsoft.nchwc", 1);
    ob_input(b, "x", TN_F32, dims);
    ob_output(b, "y");
    ob_node(b, op, "x", "y");
    return b;
}

static void others(void **state) {
    (void)state;
    op_data x = { TN_F32, "1,1,2,2", { 1, 2, 3, 5 } };
    op_data most = { TN_F32, "1,1,1,1", { 5 } }, mean = { TN_F32, "1,1,1,1", { 2.75 } };
    op_data twice = { TN_F32, "1,1,2,4", { 1, 1, 2, 2, 3, 3, 5, 5 } };
    op_data between = { TN_F32, "1,1,2,4", { 1, 1.25, 1.75, 2, 3, 3.5, 4.5, 5 } };
    tn_log_set(TN_LOG_ERROR);
    op_gives(one("com.microsoft.nchwc::GlobalMaxPool", "1,1,2,2"), 1, &x, 1, &most, 0);
    op_gives(one("com.microsoft.nchwc::GlobalAveragePool", "1,1,2,2"), 1, &x, 1, &mean, 1e-6);
    for (int k = 0; k < 2; k++) {
        ob *b = one(k ? "com.microsoft.nchwc::MaxPool" : "com.microsoft.nchwc::AveragePool", "1,1,2,2");
        ob_ints(b, "kernel_shape", (int64_t[]){ 2, 2 }, 2);
        op_gives(b, 1, &x, 1, k ? &most : &mean, 1e-6);
        b = one("com.microsoft.nchwc::Upsample", "1,1,2,2");
        ob_ints(b, "scales", (int64_t[]){ 1, 1, 1, 2 }, 4);
        ob_string(b, "mode", k ? "linear" : "nearest");
        ob_string(b, "coordinate_transformation_mode", "half_pixel");
        op_gives(b, 1, &x, 1, k ? &between : &twice, 1e-6);
    }
    tn_log_set(TN_LOG_WARN);
}

static void wrong(void **state) {
    (void)state;
    op_data x = { TN_F32, "1,1,2,2", { 1, 2, 3, 5 } };
    tn_log_set(TN_LOG_ERROR);
    ob *b = one("com.microsoft.nchwc::Upsample", "1,1,2,2");
    ob_ints(b, "scales", (int64_t[]){ 1, 1, 2 }, 3);
    op_refused(b, 1, &x, "3 scales for 4 dimensions");
    b = one("com.microsoft.nchwc::ReorderOutput", "1,1,2,2");
    ob_int(b, "channels", INT64_MIN);
    op_refused(b, 1, &x, "1 or more are needed");
    op_refused(one("com.microsoft.nchwc::ReorderInput", "1,2"), 1, &x, "3 or more");
    op_refused(one("com.microsoft.nchwc::ReorderInput", "1,c,2,2"), 1, &x, "channels is not known");
    op_refused(one("com.microsoft.nchwc::ReorderOutput", "1,1,2,2"), 1, &x, "channels");
    for (int k = 0; k < 2; k++) { /* 12 outputs are no blocks of 8, nor are 9 channels */
        b = one("com.microsoft.nchwc::Conv", "1,9,3,3");
        op_refused(b, 1, &x, "needs at least 2");
        b = ob_new(8, 13);
        ob_opset(b, "com.microsoft.nchwc", 1);
        ob_input(b, "x", TN_F32, "1,9,3,3");
        ob_floats_init(b, "w", k ? "12,1,1,1" : "8,9,1,1", (float[72]){ 0 }, k ? 12 : 72);
        ob_node(b, "com.microsoft.nchwc::Conv", "x w", "y");
        ob_output(b, "y");
        op_refused(b, 1, &x, "no blocks of 8");
    }
    tn_log_set(TN_LOG_WARN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks),
        cmocka_unit_test(untold),
        cmocka_unit_test(others),
        cmocka_unit_test(wrong),
    };
    return cmocka_run_group_tests_name("format/nchwc", tests, NULL, NULL);
}
