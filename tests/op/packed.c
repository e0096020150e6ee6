/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* packed.c - operators that move elements, for every element type, packed ones of 4 and 2 bits at odd places included:
 * they do what they do with int32. */
#include "lib/op_run.h"
#include "test.h"

enum { N = 45 }; /* 3 x 5 x 3 */

/* Numbers that every type has; float8e8m0 has no 0. */
static double number(tn_dtype t, int i) {
    int bit = (i * 7 + i / 5) % 3 == 0;
    return t == TN_F8E8M0 ? 1 + bit : bit;
}

static tn_tensor *run(ob *b, tn_dtype t) {
    tn_text file = ob_finish(b);
    tn_model *m;
    tn_session *s;
    tn_tensor *x, *y;
    check_ok(tn_model_open_memory(file.s, file.n, &m));
    check_ok(tn_session_new(m, NULL, &s));
    check_ok(tn_tensor_new(t, 3, (int64_t[]){ 3, 5, 3 }, &x));
    for (int i = 0; i < N; i++) {
        if (t == TN_STRING)
            check_ok(tn_tensor_set_string(x, i, number(t, i) != 0 ? "1" : "0", 1));
        else if (tn_dtype_is_complex(t))
            tn_set_f64(t == TN_C64 ? TN_F32 : TN_F64, tn_tensor_data(x), 2 * i, number(t, i));
        else
            tn_set_f64(t, tn_tensor_data(x), i, number(t, i));
    }
    tn_status st = tn_session_run(s, 1, (const tn_tensor *const *)&x, 1, &y);
    if (st != TN_OK) fail_msg("%s: %s", tn_dtype_name(t), tn_error());
    assert_int_equal(tn_tensor_dtype(y), t);
    tn_tensor_free(&x);
    tn_session_free(&s);
    tn_model_close(&m);
    tn_text_free(&file);
    return y;
}

static double element(const tn_tensor *y, int64_t i) {
    if (y->dtype == TN_STRING) return ((const tn_string *)y->data)[i].ptr[0] - '0';
    if (tn_dtype_is_complex(y->dtype)) return tn_get_f64(y->dtype == TN_C64 ? TN_F32 : TN_F64, y->data, 2 * i);
    return tn_get_f64(y->dtype, y->data, i) - (y->dtype == TN_F8E8M0);
}

typedef struct {
    const char *op, *inputs;
    const char *name; /* an attribute with one integer, or with three (perm) */
    int64_t v;
} form;

static const form forms[] = {
    { "Identity", "x" },
    { "Reshape", "x shape" },
    { "Flatten", "x" },
    { "Unsqueeze", "x one" },
    { "Transpose", "x", "perm", 102 },
    { "Transpose", "x", "perm", 201 },
    { "Pad", "x pads" },
    { "Pad", "x pads", "edge" },
    { "Pad", "x pads", "reflect" },
    { "Pad", "x pads", "wrap" },
    { "Pad", "x cut" },
    { "Concat", "x x", "axis", 2 },
    { "Concat", "x x x", "axis", 1 },
    { "Slice", "x one four one" },
    { "Slice", "x four zero two back" },
    { "Gather", "x picks", "axis", 1 },
    { "Gather", "x picks", "axis", 2 },
    { "Expand", "x wide" },
    { "Tile", "x reps" },
    { "ScatterND", "x place row" },
    { "GatherND", "x place" },
    { "Squeeze", "u one" },
    { "If", "flag" },
    { "Loop", "trips flag x" },
    { "Scan", "x" },
};

static ob *model(const form *f, tn_dtype t) {
    ob *b = ob_new(13, 25);
    ob_input(b, "x", t, NULL);
    ob_output(b, "y");
    ob_ints_init(b, "shape", "3", (int64_t[]){ 5, -1, 3 }, 3);
    ob_ints_init(b, "zero", "1", (int64_t[]){ 0 }, 1);
    ob_ints_init(b, "one", "1", (int64_t[]){ 1 }, 1);
    ob_ints_init(b, "two", "1", (int64_t[]){ 2 }, 1);
    ob_ints_init(b, "four", "1", (int64_t[]){ 4 }, 1);
    ob_ints_init(b, "back", "1", (int64_t[]){ -2 }, 1);
    ob_ints_init(b, "pads", "6", (int64_t[]){ 0, 1, 2, 1, 0, 1 }, 6);
    ob_ints_init(b, "cut", "6", (int64_t[]){ 0, -1, 1, 0, -2, 2 }, 6);
    ob_ints_init(b, "picks", "3", (int64_t[]){ 2, 0, -1 }, 3);
    ob_ints_init(b, "wide", "4", (int64_t[]){ 2, 1, 1, 1 }, 4);
    ob_ints_init(b, "reps", "3", (int64_t[]){ 1, 2, 3 }, 3);
    ob_ints_init(b, "place", "1,2", (int64_t[]){ 1, 2 }, 2);
    ob_ints_init(b, "trips", "", (int64_t[]){ 2 }, 1);
    ob_ints_init(b, "from", "3", (int64_t[]){ 0, 0, 0 }, 3);
    ob_node(b, "Cast", "one", "flags");
    ob_int(b, "to", 9);
    ob_node(b, "Reshape", "flags from0", "flag");
    ob_ints_init(b, "from0", "0", NULL, 0);
    ob_node(b, "Unsqueeze", "x one", "u");
    ob_node(b, "GatherND", "x other", "row");
    ob_ints_init(b, "other", "1,2", (int64_t[]){ 0, 1 }, 2);
    if (!strcmp(f->op, "If") || !strcmp(f->op, "Loop") || !strcmp(f->op, "Scan")) {
        ob *g[2] = { ob_graph(), ob_graph() };
        for (int i = 0; i < 2; i++) {
            const char *in = *f->op == 'I' ? "x" : "v";
            if (*f->op == 'L') ob_input(g[i], "i", TN_I64, ""), ob_input(g[i], "c", TN_BOOL, "");
            if (*f->op != 'I') ob_input(g[i], "v", t, NULL);
            if (*f->op == 'L') {
                ob_node(g[i], "Identity", "c", "c2");
                ob_output(g[i], "c2");
                ob_node(g[i], "Identity", in, "w");
                ob_output(g[i], "w");
            }
            ob_node(g[i], i ? "Identity" : "Transpose", in, "o");
            ob_output(g[i], "o");
        }
        ob_node(b, f->op, f->inputs, *f->op == 'L' ? "last y" : "y");
        ob_subgraph(b, *f->op == 'I' ? "then_branch" : "body", g[0]);
        if (*f->op == 'I') ob_subgraph(b, "else_branch", g[1]);
        if (*f->op == 'S') {
            ob_int(b, "num_scan_inputs", 1);
            ob_ints(b, "scan_input_axes", (int64_t[]){ 1 }, 1);
            ob_ints(b, "scan_output_axes", (int64_t[]){ -1 }, 1);
        }
        if (*f->op != 'I') {
            tn_text unused = ob_finish(g[1]);
            tn_text_free(&unused);
        }
        return b;
    }
    ob_node(b, f->op, f->inputs, "y");
    if (!strcmp(f->op, "Pad") && f->name)
        ob_string(b, "mode", f->name);
    else if (f->name && !strcmp(f->name, "perm"))
        ob_ints(b, "perm", (int64_t[]){ f->v / 100, f->v / 10 % 10, f->v % 10 }, 3);
    else if (f->name)
        ob_int(b, f->name, f->v);
    return b;
}

static void moving(void **state) {
    for (size_t k = 0; k < TN_COUNT(forms); k++) {
        tn_tensor *want = run(model(&forms[k], TN_I32), TN_I32);
        for (int t = 1; t < TN_DTYPE_COUNT; t++) {
            bool fill = !strcmp(forms[k].op, "Pad") && !forms[k].name;
            if (fill && (t == TN_STRING || t == TN_F8E8M0)) continue; /* what fills is not 0 there */
            tn_tensor *y = run(model(&forms[k], (tn_dtype)t), (tn_dtype)t);
            assert_true(tn_dims_equal(y->rank, y->dims, want->rank, want->dims));
            for (int64_t i = 0; i < tn_count(want); i++)
                check(element(y, i) == element(want, i), "%s %s of %s: element %lld is %g, expected %g\n", forms[k].op,
                      forms[k].name ? forms[k].name : "", tn_dtype_name((tn_dtype)t), (long long)i, element(y, i),
                      element(want, i));
            tn_tensor_free(&y);
        }
        tn_tensor_free(&want);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(moving) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
