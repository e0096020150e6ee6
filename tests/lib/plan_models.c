/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* plan_models.c - see plan_models.h. */
#include "lib/plan_models.h"
#include "base/cpu.h"
#include "format/tnplan/tnplan.h"
#include "lib/onnx_build.h"
#include "op/core/op.h"
#include <string.h>

/* Weights that differ from each other, small. */
static void weights(ob *b, const char *name, tn_dtype t, int rank, const int64_t *dims) {
    tn_tensor *w;
    if (tn_tensor_new(t, rank, dims, &w) != TN_OK) return;
    for (int64_t i = 0; i < tn_count(w); i++)
        tn_set_f64(t, w->data, i, (double)((i * 7 + i / 5) % 13 - 6) / (t == TN_F32 ? 8 : 1));
    ob_init(b, name, w);
    tn_tensor_free(&w);
}

static void convolutions(ob *b) {
    ob_input(b, "x", TN_F32, "n,8,9,9");
    weights(b, "w", TN_F32, 4, (int64_t[]){ 16, 8, 3, 3 });
    weights(b, "v", TN_F32, 4, (int64_t[]){ 16, 16, 1, 1 });
    weights(b, "d", TN_F32, 4, (int64_t[]){ 16, 1, 3, 3 });
    ob_node(b, "Conv", "x w", "a"), ob_ints(b, "pads", (int64_t[]){ 1, 1, 1, 1 }, 4);
    ob_node(b, "Relu", "a", "r");
    ob_node(b, "Conv", "r v", "e");
    ob_node(b, "Add", "e r", "s");
    ob_node(b, "Conv", "s d", "g"), ob_int(b, "group", 16);
    ob_node(b, "MaxPool", "g", "p"), ob_ints(b, "kernel_shape", (int64_t[]){ 2, 2 }, 2);
    ob_node(b, "GlobalAveragePool", "p", "q");
    ob_node(b, "Sigmoid", "q", "y");
    ob_output(b, "y");
}

static void attention(ob *b) {
    ob_input(b, "x", TN_F32, "1,t,16");
    weights(b, "wq", TN_F32, 2, (int64_t[]){ 16, 16 });
    weights(b, "wk", TN_F32, 2, (int64_t[]){ 16, 16 });
    weights(b, "wv", TN_F32, 2, (int64_t[]){ 16, 16 });
    weights(b, "c", TN_F32, 1, (int64_t[]){ 16 });
    ob_floats_init(b, "scale", "", (float[]){ 0.25f }, 1);
    ob_node(b, "MatMul", "x wq", "q");
    ob_node(b, "MatMul", "x wk", "k0");
    ob_node(b, "Transpose", "k0", "k"), ob_ints(b, "perm", (int64_t[]){ 0, 2, 1 }, 3);
    ob_node(b, "MatMul", "x wv", "v");
    ob_node(b, "MatMul", "q k", "s0");
    ob_node(b, "Mul", "s0 scale", "s");
    ob_node(b, "Softmax", "s", "p");
    ob_node(b, "MatMul", "p v", "o");
    ob_node(b, "Add", "o c", "a");
    ob_node(b, "Tanh", "a", "h");
    ob_node(b, "Mul", "h a", "y");
    ob_output(b, "y");
}

/* Between codes: an integer convolution. */
static void codes(ob *b) {
    ob_input(b, "x", TN_F32, "1,16,5,5");
    weights(b, "w", TN_I8, 4, (int64_t[]){ 16, 16, 3, 3 });
    ob_floats_init(b, "s", "", (float[]){ 0.05f }, 1);
    ob_floats_init(b, "so", "", (float[]){ 0.2f }, 1);
    tn_tensor *z;
    if (tn_tensor_new(TN_I8, 0, NULL, &z) == TN_OK) ob_init(b, "z", z);
    tn_tensor_free(&z);
    ob_node(b, "QuantizeLinear", "x s z", "xq");
    ob_node(b, "DequantizeLinear", "xq s z", "xd");
    ob_node(b, "DequantizeLinear", "w s z", "wd");
    ob_node(b, "Conv", "xd wd", "c");
    ob_node(b, "Relu", "c", "r");
    ob_node(b, "QuantizeLinear", "r so z", "yq");
    ob_node(b, "DequantizeLinear", "yq so z", "y");
    ob_output(b, "y");
}

static void branches(ob *b) {
    ob_input(b, "x", TN_F32, "n,4");
    ob_input(b, "c", TN_BOOL, "");
    ob_floats_init(b, "spare", "1", (float[]){ 5 }, 1);
    ob_input(b, "spare", TN_F32, "1"); /* with a default */
    weights(b, "w", TN_F32, 2, (int64_t[]){ 4, 4 });
    ob_node(b, "If", "c", "i");
    for (int k = 0; k < 2; k++) {
        ob *g = ob_graph();
        weights(g, k ? "inner" : "other", TN_F32, 2, (int64_t[]){ 4, 4 });
        ob_node(g, "MatMul", k ? "x inner" : "x other", "m");
        ob_node(g, "MatMul", "m w", "r");
        ob_output(g, "r");
        ob_subgraph(b, k ? "else_branch" : "then_branch", g);
    }
    ob_node(b, "Add", "i spare", "y");
    ob_output(b, "y");
}

static void strings(ob *b) {
    tn_tensor *t;
    ob_input(b, "x", TN_STRING, "n,2");
    if (tn_tensor_new(TN_STRING, 1, (int64_t[]){ 2 }, &t) == TN_OK && tn_tensor_set_string(t, 0, "one", 3) == TN_OK &&
        tn_tensor_set_string(t, 1, "", 0) == TN_OK)
        ob_init(b, "k", t);
    tn_tensor_free(&t);
    ob_node(b, "StringConcat", "x k", "y");
    ob_output(b, "y");
}

static void recurrent(ob *b) {
    ob_input(b, "x", TN_F32, "t,1,6");
    weights(b, "w", TN_F32, 3, (int64_t[]){ 1, 20, 6 });
    weights(b, "r", TN_F32, 3, (int64_t[]){ 1, 20, 5 });
    ob_node(b, "LSTM", "x w r", "y h"), ob_int(b, "hidden_size", 5);
    ob_node(b, "Shape", "x", "s");
    ob_output(b, "y");
    ob_output(b, "h");
    ob_output(b, "s");
}

static const struct {
    const char *name;
    void (*build)(ob *b);
} models[PM_MODELS] = { { "convolutions", convolutions }, { "attention", attention }, { "codes", codes },
                        { "branches", branches },         { "strings", strings },     { "recurrent", recurrent } };

const char *pm_name(size_t i) { return models[i].name; }

tn_text pm_model(size_t i) {
    ob *b = ob_new(10, 20);
    models[i].build(b);
    return ob_finish(b);
}

/* ---------------------------------------------------------------------------------------------------------- running */

static bool make_input(const tn_value_info *v, tn_tensor **t) {
    int64_t dims[TN_MAX_RANK], n = 1;
    for (int i = 0; i < v->rank; i++) {
        dims[i] = v->dims[i] < 0 ? 3 : v->dims[i];
        if (dims[i] > 4096 || (n *= dims[i]) > 65536) return false;
    }
    if (v->dtype == TN_NONE || v->rank < 0 || tn_tensor_new(v->dtype, v->rank, dims, t) != TN_OK) return false;
    for (int64_t i = 0; i < n && v->dtype != TN_STRING && !tn_dtype_is_complex(v->dtype); i++)
        tn_set_f64(v->dtype, (*t)->data, i,
                   v->dtype == TN_BOOL ? 1 : (double)(i % 9) / (tn_dtype_is_float(v->dtype) ? 4 : 1));
    return true;
}

size_t pm_inputs(const tn_model *m, tn_tensor *in[PM_INPUTS]) {
    size_t n = tn_model_inputs(m), made = 0;
    tn_value_info v;
    for (size_t i = 0; i < PM_INPUTS; i++) in[i] = NULL;
    while (n <= PM_INPUTS && made < n && tn_model_input(m, made, &v) == TN_OK &&
           (v.optional || make_input(&v, &in[made])))
        made++;
    if (made == n) return n;
    for (size_t i = 0; i < PM_INPUTS; i++) tn_tensor_free(&in[i]);
    tn_error_clear();
    return 0;
}

tn_status pm_compile(size_t i, const char *path, tn_tensor *out[PM_INPUTS]) {
    tn_text file = pm_model(i);
    tn_model *m = NULL;
    tn_session *s = NULL;
    tn_tensor *in[PM_INPUTS] = { NULL }, *y[PM_INPUTS] = { NULL };
    tn_session_opts o = { .size = sizeof o, .threads = 1 };
    tn_status st = tn_model_open_memory(file.s, file.n, &m);
    if (st == TN_OK) st = tn_session_new(m, &o, &s);
    size_t n = st == TN_OK ? pm_inputs(m, in) : 0;
    if (st == TN_OK) st = tn_session_run(s, n, (const tn_tensor *const *)in, tn_model_outputs(m), y);
    if (st == TN_OK) st = tn_session_compile(s, path);
    for (size_t k = 0; k < PM_INPUTS; k++) {
        tn_tensor_free(&in[k]);
        if (out) out[k] = y[k];
        if (!out) tn_tensor_free(&y[k]);
    }
    tn_session_free(&s);
    tn_model_close(&m);
    tn_text_free(&file);
    return st;
}

/* --------------------------------------------------------------------------------------------------------- damaging */

static uint64_t sum_of(const char *file, size_t n, uint64_t at, uint64_t bytes) {
    return at <= n && bytes <= n - at ? tn_plan_sum(file + at, (size_t)bytes) : 0;
}

void pm_seal(void *file, size_t n) {
    tn_plan_header h;
    if (n < sizeof h) return;
    memcpy(&h, file, sizeof h);
    memcpy(h.magic, TN_PLAN_MAGIC, sizeof h.magic);
    h.format = TN_PLAN_FORMAT;
    h.features = tn_cpu_flags();
    memset(h.version, 0, sizeof h.version);
    memcpy(h.version, tn_version(), strlen(tn_version()));
    h.size = n;
    h.table_sum = sum_of(file, n, h.table_at, h.n_blobs < n ? h.n_blobs * sizeof(tn_plan_blob) : n + 1);
    h.graph_sum = sum_of(file, n, h.graph_at, h.graph_bytes);
    h.sum = tn_plan_sum(&h, offsetof(tn_plan_header, sum));
    memcpy(file, &h, sizeof h);
}
