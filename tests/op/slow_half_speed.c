/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* half_speed.c - no operator is much slower on float16 or bfloat16 than on float32. Each row runs as float32 and as a
 * 16-bit type in turn; the least times are compared. TN_SHOW=1 prints them all. The bound is wide, since other programs
 * run beside tests: what it finds is an operator that converts element by element, or has plain C alone (10 to 400
 * times). */
#include "base/cpu.h"
#include "op/core/op.h"
#include "test.h"
#include <math.h>
#include <time.h>

enum { MOST_INPUTS = 8, TURNS = 7 };
#define MOST_RATIO 4.0 /* 8 in plain C, which takes a dozen instructions to convert a number */
#define LEAST_MS   0.1 /* shorter times are mostly the call */

/* Inputs: dimensions of each, "!" before constants, ":" before int64 constants that hold the numbers themselves. */
static const struct {
    const char *op, *attrs, *in;
} rows[] = {
    { "Conv", "pads=1,1,1,1", "1,64,56,56 !64,64,3,3 !64" },
    { "Conv", NULL, "1,64,56,56 !128,64,1,1" },
    { "Conv", "group=64 pads=1,1,1,1", "1,64,56,56 !64,1,3,3" },
    { "Conv", "strides=2,2 pads=3,3,3,3", "1,3,224,224 !64,3,7,7" },
    { "Conv", "pads=1,1", "1,64,3000 !64,64,3" },
    { "Conv", "pads=1,1,1,1", "1,32,40,40 32,32,3,3" },
    { "ConvTranspose", "strides=2,2", "1,64,28,28 !64,32,2,2" },
    { "MatMul", NULL, "128,512 !512,512" },
    { "MatMul", NULL, "1,2048 !2048,2048" },
    { "MatMul", NULL, "8,128,64 8,64,128" },
    { "Gemm", "transB=1", "64,512 !512,512 !512" },
    { "Einsum", "equation='bij,bjk->bik'", "8,64,64 8,64,64" },
    { "BatchNormalization", NULL, "1,64,56,56 !64 !64 !64 !64" },
    { "LayerNormalization", NULL, "512,768 !768 !768" },
    { "InstanceNormalization", NULL, "1,64,56,56 !64 !64" },
    { "GroupNormalization", "num_groups=8", "1,64,56,56 !64 !64" },
    { "RMSNormalization", NULL, "512,768 !768" },
    { "LRN", "size=5", "1,64,28,28" },
    { "LpNormalization", NULL, "512,768" },
    { "Softmax", NULL, "12,128,128" },
    { "Softmax", "axis=1", "12,128,128" },
    { "LogSoftmax", NULL, "512,768" },
    { "Hardmax", NULL, "512,768" },
    { "MaxPool", "kernel_shape=3,3 strides=2,2 pads=1,1,1,1", "1,64,112,112" },
    { "AveragePool", "kernel_shape=2,2 strides=2,2", "1,64,112,112" },
    { "LpPool", "kernel_shape=2,2 strides=2,2", "1,16,112,112" },
    { "GlobalAveragePool", NULL, "1,512,28,28" },
    { "GlobalMaxPool", NULL, "1,512,28,28" },
    { "Resize", "mode='linear'", "1,64,28,28 _ _ :1,64,56,56" },
    { "Resize", "mode='nearest'", "1,64,28,28 _ _ :1,64,56,56" },
    { "Resize", "mode='cubic'", "1,32,28,28 _ _ :1,32,56,56" },
    { "GridSample", NULL, "1,16,64,64 1,64,64,2" },
    { "LSTM", "hidden_size=64", "32,4,64 !1,256,64 !1,256,64 !1,512" },
    { "GRU", "hidden_size=64", "32,4,64 !1,192,64 !1,192,64 !1,384" },
    { "RNN", "hidden_size=64", "32,4,64 !1,64,64 !1,64,64 !1,128" },
    { "ReduceMean", NULL, "512,768 :1" },
    { "ReduceSum", NULL, "512,768 :0" },
    { "ReduceMax", NULL, "64,64,96 :1" },
    { "ReduceL2", NULL, "512,768 :1" },
    { "ReduceLogSumExp", NULL, "512,768 :1" },
    { "ReduceProd", NULL, "512,768 :1" },
    { "ArgMax", "axis=1", "512,768" },
    { "TopK", NULL, "512,768 :5" },
    { "CumSum", NULL, "512,768 :1" },
    { "Relu", NULL, "512,1024" },
    { "Sigmoid", NULL, "512,1024" },
    { "Tanh", NULL, "512,1024" },
    { "Exp", NULL, "512,1024" },
    { "Erf", NULL, "512,1024" },
    { "Gelu", NULL, "512,1024" },
    { "Sqrt", NULL, "512,1024" },
    { "HardSwish", NULL, "512,1024" },
    { "Floor", NULL, "512,1024" },
    { "Sign", NULL, "512,1024" },
    { "Sin", NULL, "512,1024" },
    { "Softplus", NULL, "512,1024" },
    { "Add", NULL, "512,1024 512,1024" },
    { "Mul", NULL, "512,1024 !1024" },
    { "Div", NULL, "512,1024 512,1024" },
    { "Pow", NULL, "512,1024 !1" },
    { "Max", NULL, "512,1024 512,1024" },
    { "PRelu", NULL, "1,64,64,64 !64,1,1" },
    { "Mod", "fmod=1", "512,1024 512,1024" },
    { "Equal", NULL, "512,1024 512,1024" },
    { "Less", NULL, "512,1024 512,1024" },
    { "IsNaN", NULL, "512,1024" },
    { "Transpose", "perm=0,2,1", "8,256,256" },
    { "Concat", "axis=1", "64,4096 64,4096" },
    { "Pad", NULL, "64,64,64 :0,1,1,0,1,1" },
    { "Tile", NULL, "64,1024 :4,2" },
    { "Expand", NULL, "64,1,1024 :64,8,1024" },
    { "Trilu", NULL, "8,256,256" },
    { "DepthToSpace", "blocksize=2", "1,64,64,64" },
    { "Attention", NULL, "1,8,64,64 1,8,64,64 1,8,64,64" },
    { "Attention", NULL, "1,8,16,64 1,8,16,64 1,8,16,64 _ 1,8,256,64 1,8,256,64" },
    { "RotaryEmbedding", NULL, "1,8,256,64 !1,256,32 !1,256,32" },
    { "com.microsoft::MultiHeadAttention", "num_heads=8", "1,64,512 1,64,512 1,64,512" },
    { "Gather", "axis=0", "!4096,256 :5,9,77,1023,4000" },
};

typedef struct {
    tn_model *m;
    tn_session *s;
    tn_tensor *in[MOST_INPUTS], *out[4];
    size_t n_in;
    double best; /* ms */
} subject;

static int numbers(const char *text, int64_t *v) {
    int n = 0;
    for (char *end; *text; text = end + (*end == ',')) {
        v[n++] = strtoll(text, &end, 10);
        if (*end != ',') break;
    }
    return n;
}

/* Small positive numbers, so that every function is defined. */
static void fill(tn_tensor *t) {
    for (int64_t i = 0; i < tn_count(t); i++)
        tn_set_f64(t->dtype, t->data, i, 0.05 + 0.9 * (double)((uint64_t)i * 2654435761u % 1024) / 1024);
}

static tn_value *operand(subject *s, const char *word, int index, tn_dtype t) {
    int64_t v[8];
    char name[16];
    tn_tensor k;
    snprintf(name, sizeof name, "x%d", index);
    if (*word == '_') return NULL;
    int n = numbers(word + (*word == ':' || *word == '!'), v);
    if (*word == ':') return tn_value_ints(s->m->graph, name, v, n);
    if (*word == '!') {
        check_ok(tn_tensor_init(&k, t, n, v, TN_MEM_WEIGHTS));
        fill(&k);
        return tn_value_constant(s->m->graph, name, &k);
    }
    tn_type type = tn_type_tensor(t);
    type.rank = n;
    memcpy(type.dims, v, (size_t)n * sizeof *v);
    check_ok(tn_tensor_new(t, n, v, &s->in[s->n_in]));
    fill(s->in[s->n_in++]);
    return tn_value_input(s->m->graph, name, &type);
}

/* "pads=1,1 group=2 mode='linear'" */
static void set_attrs(tn_node *n, const char *attrs) {
    char *copy = strdup(attrs ? attrs : ""), *save = NULL;
    for (char *p = strtok_r(copy, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
        char *value = strchr(p, '=') + 1;
        int64_t v[8];
        value[-1] = 0;
        if (*value == '\'') {
            value[strlen(value) - 1] = 0;
            check_ok(tn_attr_set_string(n, p, value + 1));
            continue;
        }
        int count = numbers(value, v);
        bool list = strstr("pads strides perm kernel_shape", p) != NULL;
        check_ok(list ? tn_attr_set_ints(n, p, v, count) : tn_attr_set_int(n, p, v[0]));
    }
    free(copy);
}

static subject make(size_t row, tn_dtype t) {
    subject s = { .best = INFINITY };
    tn_value *in[MOST_INPUTS];
    char *copy = strdup(rows[row].in), *save = NULL;
    int n = 0;
    check_ok(tn_model_new(&s.m));
    for (char *p = strtok_r(copy, " ", &save); p; p = strtok_r(NULL, " ", &save), n++) in[n] = operand(&s, p, n, t);
    free(copy);
    int outputs = !strcmp(rows[row].op, "TopK") ? 2 : 1;
    const char *colons = strstr(rows[row].op, "::");
    tn_node *node = tn_node_new(s.m->graph, NULL, colons ? "com.microsoft" : "", colons ? colons + 2 : rows[row].op, in,
                                n, outputs);
    assert_non_null(node);
    set_attrs(node, rows[row].attrs);
    for (int i = 0; i < outputs; i++) check_ok(tn_graph_add_output(s.m->graph, node->outputs[i]));
    check_ok(tn_graph_infer(s.m->graph));
    check_ok(tn_session_new(s.m, &(tn_session_opts){ .size = sizeof(tn_session_opts), .threads = 1 }, &s.s));
    return s;
}

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* other programs' time is not ours */
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void turn(subject *s) {
    double t0 = now_ms();
    size_t n_out = (size_t)s->m->graph->n_outputs;
    check_ok(tn_session_run(s->s, s->n_in, (const tn_tensor *const *)s->in, n_out, s->out));
    s->best = fmin(s->best, now_ms() - t0);
    for (size_t i = 0; i < n_out; i++) tn_tensor_free(&s->out[i]);
}

static void drop(subject *s) {
    for (size_t i = 0; i < s->n_in; i++) tn_tensor_free(&s->in[i]);
    tn_session_free(&s->s);
    tn_model_close(&s->m);
}

/* How many times longer the row takes in type t. */
static double ratio_of(size_t row, tn_dtype t, double *ms) {
    subject wide = make(row, TN_F32), narrow = make(row, t);
    for (int i = 0; i < TURNS; i++) turn(&wide), turn(&narrow);
    double ratio = fmax(narrow.best, LEAST_MS) / fmax(wide.best, LEAST_MS);
    *ms = wide.best;
    drop(&wide);
    drop(&narrow);
    return ratio;
}

static void every_operator_is_about_as_fast(void **state) {
    const bool show = getenv("TN_SHOW") != NULL;
    const double most = tn_cpu_flags() & TN_CPU_AVX2 ? MOST_RATIO : 2 * MOST_RATIO;
    (void)state;
    int slow = 0;
    for (size_t i = 0; i < TN_COUNT(rows); i++) {
        double ms, f16 = ratio_of(i, TN_F16, &ms), bf16 = ratio_of(i, TN_BF16, &ms);
        if (f16 > most || bf16 > most) { /* once more: the machine may have been away */
            f16 = fmin(f16, ratio_of(i, TN_F16, &ms));
            bf16 = fmin(bf16, ratio_of(i, TN_BF16, &ms));
        }
        bool bad = f16 > most || bf16 > most;
        if (show || bad)
            print_message("%-22s %-45s %-40s %8.3f ms  float16 %.2f  bfloat16 %.2f%s\n", rows[i].op, rows[i].in,
                          rows[i].attrs ? rows[i].attrs : "", ms, f16, bf16, bad ? "  TOO SLOW" : "");
        slow += bad;
    }
    assert_int_equal(slow, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_operator_is_about_as_fast) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
