/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* loose_weights.c - large weights stay in their file, where they may begin at any byte: every way of packing them reads
 * them there. The name of the first one moves those behind it by a byte. Sanitizers see what is read wrongly. */
#include "lib/onnx_build.h"
#include "tenon.h"
#include "test.h"
#include <math.h>

static const struct {
    const char *op, *x, *w; /* shapes */
    int64_t group, pad;
    double y; /* of ones and ones, away from the borders */
} rows[] = {
    { "Conv", "1,160,9,9", "160,160,1,1", 1, 0, 160 },  { "Conv", "1,160,9,9", "160,160,3,3", 1, 1, 1440 },
    { "Conv", "1,2000,5,5", "2000,1,3,3", 2000, 1, 9 }, { "Conv", "1,64,9,9", "96,16,5,5", 4, 0, 400 },
    { "Conv", "1,3,40,40", "128,3,7,7", 1, 0, 147 },    { "ConvTranspose", "1,160,9,9", "160,120,1,1", 1, 0, 160 },
    { "MatMul", "7,200", "200,160", 0, 0, 200 },        { "Gemm", "7,200", "160,200", 0, 0, 200 },
};

static tn_tensor *ones(const char *shape) {
    int64_t dims[8];
    int rank = 0;
    tn_tensor *t;
    for (const char *p = shape; *p; rank++) {
        char *end;
        dims[rank] = strtoll(p, &end, 10);
        p = *end ? end + 1 : end;
    }
    check_ok(tn_tensor_new(TN_F32, rank, dims, &t));
    for (int64_t i = 0; i < tn_count(t); i++) ((float *)t->data)[i] = 1;
    return t;
}

static void run(size_t row, int shift) {
    ob *b = ob_new(9, 13);
    tn_tensor *w = ones(rows[row].w), *x = ones(rows[row].x), *y = NULL;
    tn_model *m;
    tn_session *s;
    ob_input(b, "x", TN_F32, rows[row].x);
    ob_node(b, rows[row].op, "x w", "y");
    if (rows[row].group) ob_int(b, "group", rows[row].group);
    if (rows[row].pad) ob_ints(b, "pads", (int64_t[]){ 1, 1, 1, 1 }, 4);
    if (*rows[row].op == 'G') ob_int(b, "transB", 1);
    ob_name(b, &"node"[3 - shift]);
    ob_init(b, "w", w);
    ob_output(b, "y");
    tn_text file = ob_finish(b);
    check_ok(tn_model_open_memory(file.s, file.n, &m));
    check_ok(tn_session_new(m, NULL, &s));
    check_ok(tn_session_run(s, 1, (const tn_tensor *const[]){ x }, 1, &y));
    int64_t centre = y->rank == 4 ? y->dims[2] / 2 * y->dims[3] + y->dims[3] / 2 : 0;
    double middle = tn_get_f64(TN_F32, y->data, centre);
    check(fabs(middle - rows[row].y) < 1e-3 * rows[row].y, "%s %s: %g, expected %g\n", rows[row].op, rows[row].w,
          middle, rows[row].y);
    tn_tensor_free(&y), tn_tensor_free(&x), tn_tensor_free(&w);
    tn_session_free(&s);
    tn_model_close(&m);
    tn_text_free(&file);
}

static void anywhere(void **state) {
    for (size_t row = 0; row < TN_COUNT(rows); row++)
        for (int shift = 0; shift < 4; shift++) run(row, shift);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(anywhere) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
