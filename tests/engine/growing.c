/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* growing.c - a decoder whose keys and values grow by a row in every run: every run has a plan of its own and outputs a
 * little larger than the last, and yet what earlier runs left is enough for most of them. Counted are page faults
 * (fresh pages cost more than filling them) and allocations. */
#include "base/asan.h"
#include "base/mem.h"
#include "lib/onnx_build.h"
#include "tenon.h"
#include "test.h"
#include <sys/resource.h>

enum { LAYERS = 4, WIDTH = 256, HEADS = 4, SIZE = WIDTH / HEADS, FIRST = 300, WARM = 100, STEPS = 200 };

static const char *name(const char *stem, int layer) {
    static char ring[64][32];
    static int at;
    char *s = ring[at++ % 64];
    snprintf(s, sizeof ring[0], "%s%d", stem, layer);
    return s;
}

static const char *names(const char *a, const char *b) {
    static char ring[64][64];
    static int at;
    char *s = ring[at++ % 64];
    snprintf(s, sizeof ring[0], "%s %s", a, b);
    return s;
}

static void weight(ob *b, const char *called, int64_t rows, int64_t columns) {
    tn_tensor *w;
    check_ok(tn_tensor_new(TN_F32, 2, (int64_t[]){ rows, columns }, &w));
    for (int64_t i = 0; i < rows * columns; i++) ((float *)w->data)[i] = (float)(i * 7 % 13 - 6) / 512;
    ob_init(b, called, w);
    tn_tensor_free(&w);
}

/* x times a weight, as heads [1, heads, 1, size]. */
static const char *heads(ob *b, const char *x, const char *stem, int layer) {
    const char *w = name(stem, 100 + layer), *y = name(stem, 200 + layer), *z = name(stem, 300 + layer);
    weight(b, w, WIDTH, WIDTH);
    ob_node(b, "MatMul", names(x, w), y);
    ob_node(b, "Reshape", names(y, "heads"), z);
    ob_node(b, "Transpose", z, name(stem, 400 + layer));
    ob_ints(b, "perm", (int64_t[]){ 0, 2, 1, 3 }, 4);
    return name(stem, 400 + layer);
}

static const char *grown(ob *b, const char *more, const char *stem, int layer) {
    ob_input(b, name(stem, layer), TN_F32, "1,4,past,64");
    ob_node(b, "Concat", names(name(stem, layer), more), name(stem, 500 + layer));
    ob_int(b, "axis", 2);
    return name(stem, 500 + layer);
}

static tn_model *decoder(tn_text *file) {
    ob *b = ob_new(9, 17);
    ob_input(b, "x", TN_F32, "1,1,256");
    ob_ints_init(b, "heads", "4", (int64_t[]){ 1, 1, HEADS, SIZE }, 4);
    ob_ints_init(b, "rows", "3", (int64_t[]){ 1, 1, WIDTH }, 3);
    ob_floats_init(b, "root", "", (float[]){ 8 }, 1);
    const char *x = "x";
    for (int i = 0; i < LAYERS; i++) {
        const char *q = heads(b, x, "q", i), *k = grown(b, heads(b, x, "k", i), "past_k", i),
                   *v = grown(b, heads(b, x, "v", i), "past_v", i);
        ob_node(b, "Transpose", k, name("t", i)), ob_ints(b, "perm", (int64_t[]){ 0, 1, 3, 2 }, 4);
        ob_node(b, "MatMul", names(q, name("t", i)), name("s", i));
        ob_node(b, "Div", names(name("s", i), "root"), name("d", i));
        ob_node(b, "Softmax", name("d", i), name("p", i)), ob_int(b, "axis", -1);
        ob_node(b, "MatMul", names(name("p", i), v), name("y", i));
        ob_node(b, "Transpose", name("y", i), name("z", i)), ob_ints(b, "perm", (int64_t[]){ 0, 2, 1, 3 }, 4);
        ob_node(b, "Reshape", names(name("z", i), "rows"), name("r", i));
        ob_node(b, "Add", names(x, name("r", i)), name("o", i));
        x = name("o", i);
    }
    ob_output(b, x);
    for (int i = 0; i < LAYERS; i++) ob_output(b, name("past_k", 500 + i)), ob_output(b, name("past_v", 500 + i));
    *file = ob_finish(b);
    tn_model *m;
    check_ok(tn_model_open_memory(file->s, file->n, &m));
    return m;
}

static long faults(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_minflt;
}

enum { TENSORS = 1 + 2 * LAYERS };

static void step(tn_session *s, tn_tensor **in) {
    tn_tensor *out[TENSORS];
    check_ok(tn_session_run(s, TENSORS, (const tn_tensor *const *)in, TENSORS, out));
    for (int i = 0; i < TENSORS; i++) tn_tensor_free(&in[i]), in[i] = out[i];
}

static void runs_need_few_fresh_pages(void **state) {
    (void)state;
    tn_text file;
    tn_model *m = decoder(&file);
    tn_session *s;
    tn_tensor *in[TENSORS];
    check_ok(tn_session_new(m, &(tn_session_opts){ .size = sizeof(tn_session_opts), .threads = 1 }, &s));
    check_ok(tn_tensor_new(TN_F32, 3, (int64_t[]){ 1, 1, WIDTH }, &in[0]));
    for (int i = 1; i < TENSORS; i++) check_ok(tn_tensor_new(TN_F32, 4, (int64_t[]){ 1, HEADS, FIRST, SIZE }, &in[i]));
    for (int i = 0; i < WARM; i++) step(s, in);
    long before = faults();
    size_t count = tn_mem_stats_all().count;
    for (int i = 0; i < STEPS; i++) step(s, in);
    double each = (double)(faults() - before) / STEPS, blocks = (double)(tn_mem_stats_all().count - count) / STEPS;
    /* Eight outputs grow by 1 KiB a run, and so do the eight buffers that the next run finds idle: 4 pages. */
    check(TN_ASAN || each < 40, "%.1f page faults a run\n", each); /* the sanitizer keeps freed memory for a while */
    check(blocks < 60, "%.1f allocations a run\n", blocks);
    for (int i = 0; i < TENSORS; i++) tn_tensor_free(&in[i]);
    tn_session_free(&s);
    tn_model_close(&m);
    tn_text_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(runs_need_few_fresh_pages) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
