/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* trim.c - what a session keeps between runs is bounded, is used again, and goes when asked. */
#include "base/mem.h"
#include "engine/session.h"
#include "lib/onnx_build.h"
#include "test.h"
#include <math.h>

/* y = Concat(past, x) along the rows, and z = Relu(x W) W': outputs that grow from step to step, a block, packs. */
static tn_model *growing(tn_text *file) {
    ob *b = ob_new(9, 13);
    tn_tensor *w;
    check_ok(tn_tensor_new(TN_F32, 2, (int64_t[]){ 256, 256 }, &w));
    for (int i = 0; i < 256; i++) ((float *)w->data)[i * 256 + i] = 1;
    ob_input(b, "past", TN_F32, "p,256");
    ob_input(b, "x", TN_F32, "n,256");
    ob_node(b, "Concat", "past x", "y"), ob_int(b, "axis", 0);
    ob_node(b, "MatMul", "x w", "a");
    ob_node(b, "Sin", "a", "c");
    ob_node(b, "MatMul", "c w", "z");
    ob_init(b, "w", w);
    ob_output(b, "y");
    ob_output(b, "z");
    *file = ob_finish(b);
    tn_tensor_free(&w);
    tn_model *m;
    check_ok(tn_model_open_memory(file->s, file->n, &m));
    return m;
}

static tn_tensor *rows(int64_t n) {
    tn_tensor *t;
    check_ok(tn_tensor_new(TN_F32, 2, (int64_t[]){ n, 256 }, &t));
    for (int64_t i = 0; i < n * 256; i++) ((float *)t->data)[i] = (float)(i % 7);
    return t;
}

static void run(tn_session *s, const tn_tensor *past, int64_t n, tn_tensor *out[2]) {
    tn_tensor *x = rows(n);
    check_ok(tn_session_run(s, 2, (const tn_tensor *const[]){ past, x }, 2, out));
    for (int64_t i = 0; i < n * 256; i++)
        check(fabsf(((float *)out[1]->data)[i] - sinf((float)(i % 7))) < 1e-5f, "z at %d\n", (int)i);
    tn_tensor_free(&x);
}

/* A cache that grows by a row a step: buffers of yesterday's sizes make room for today's, so that after the first
 * classes, too, most steps take their outputs from what lies idle. */
static void growing_outputs_are_recycled(void **state) {
    (void)state;
    tn_text file;
    tn_model *m = growing(&file);
    tn_session *s;
    check_ok(tn_session_new(m, &(tn_session_opts){ .size = sizeof(tn_session_opts), .threads = 1 }, &s));
    tn_tensor *past = rows(1), *out[2];
    int fresh = 0;
    for (int step = 0; step < 400; step++) {
        tn_heap *h = s->outputs;
        size_t idle = tn_heap_idle(h), own = tn_tensor_bytes(past) + 1024;
        run(s, past, 1, out);
        if (step >= 200 && own > 8192 && tn_heap_idle(h) >= idle) fresh++; /* nothing was taken */
        check(tn_heap_idle(h) <= 4 * (own + 2048) + 65536, "step %d: %zu bytes lie idle\n", step, tn_heap_idle(h));
        tn_tensor_free(&past);
        past = out[0];
        tn_tensor_free(&out[1]);
    }
    check(fresh < 20, "%d of 200 steps took fresh memory\n", fresh);
    tn_tensor_free(&past);
    tn_session_free(&s);
    tn_model_close(&m);
    tn_text_free(&file);
}

static size_t held(void) {
    size_t n = 0;
    for (tn_mem_tag t = TN_MEM_GENERAL; t < TN_MEM_TAG_COUNT; t++)
        if (t != TN_MEM_GRAPH) n += tn_mem_stats_of(t).now;
    return n;
}

static void trimming(void **state) {
    (void)state;
    tn_text file;
    tn_model *m = growing(&file);
    tn_session *s;
    check_ok(tn_session_new(m, &(tn_session_opts){ .size = sizeof(tn_session_opts), .threads = 1 }, &s));
    tn_tensor *past = rows(3), *out[2];
    run(s, past, 5, out);
    tn_tensor_free(&out[0]), tn_tensor_free(&out[1]);
    tn_session_trim(s);
    size_t least = held();
    for (int64_t n = 1; n < 3000; n += 400) {
        run(s, past, n, out);
        tn_tensor_free(&out[0]), tn_tensor_free(&out[1]);
    }
    size_t most = held();
    run(s, past, 5, out);
    tn_tensor_free(&out[0]), tn_tensor_free(&out[1]);
    size_t before = held(), freed = tn_session_trim(s), now = held();
    check(most > least + (1u << 20), "%zu bytes after large runs, %zu after a small one\n", most, least);
    check(now <= least + 8192, "%zu bytes after trimming, %zu were enough\n", now, least);
    check(freed <= before - now + 65536 && freed + 65536 >= before - now, "%zu bytes said, %zu given back\n", freed,
          before - now);
    assert_int_equal(s->n_plans, 1);
    assert_true(tn_session_trim(s) < 4096);
    assert_int_equal(tn_session_trim(NULL), 0);
    run(s, past, 5, out); /* and it still runs */
    tn_tensor_free(&out[0]), tn_tensor_free(&out[1]);
    tn_tensor_free(&past);
    tn_session_free(&s);
    tn_model_close(&m);
    tn_text_free(&file);
}

/* A block that grew for a plan goes with the plan. */
static void blocks_of_dropped_plans(void **state) {
    (void)state;
    tn_text file;
    tn_model *m = growing(&file);
    tn_session *s;
    check_ok(
        tn_session_new(m,
                       &(tn_session_opts){ .size = sizeof(tn_session_opts), .threads = 1, .plans = 2, .no_ranges = 1 },
                       &s));
    tn_tensor *past = rows(3), *out[2];
    for (int64_t n = 4000; n; n /= 10) {
        run(s, past, n, out);
        tn_tensor_free(&out[0]), tn_tensor_free(&out[1]);
    }
    size_t blocks = 0;
    for (const tn_block *b = s->blocks; b; b = b->next) blocks += b->bytes;
    check(blocks < 40 * 2048 * 4, "%zu bytes of blocks for plans of 40 and 4 rows\n", blocks);
    tn_tensor_free(&past);
    tn_session_free(&s);
    tn_model_close(&m);
    tn_text_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(growing_outputs_are_recycled), cmocka_unit_test(trimming),
                                        cmocka_unit_test(blocks_of_dropped_plans) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
