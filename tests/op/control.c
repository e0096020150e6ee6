/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* control.c - If, Loop and Scan where shapes depend on the way taken: branches of other shapes, carried values that
 * grow, directions and axes of Scan against a loop of its own, what nested bodies capture. */
#include "lib/op_run.h"
#include "test.h"

/* A branch that reshapes outer values. */
static ob *branch_of(const char *inputs, const char *out) {
    ob *g = ob_graph();
    ob_node(g, "Reshape", inputs, out);
    ob_output(g, out);
    return g;
}

/* Two branches that agree in the element type alone: neither's shape may be taken for the result's. */
static void branches_of_two_shapes(void **state) {
    (void)state;
    static const struct {
        int then_rank, else_rank;
        int64_t then_dims[2], else_dims[2];
        const char *then_text, *else_text, *then_shape, *else_shape;
    } cases[] = {
        { 1, 1, { 4 }, { 2 }, "4", "2", "1", "1" },
        { 1, 2, { 4 }, { 1, 2 }, "4", "1,2", "1", "2" },
        { 2, 2, { 2, 2 }, { 2, 1 }, "2,2", "2,1", "2", "2" },
        { 2, 0, { 4, 1 }, { 0 }, "4,1", "", "2", "0" },
    };
    for (size_t i = 0; i < TN_COUNT(cases); i++)
        for (int on = 0; on < 2; on++) {
            ob *b = ob_new(10, 21);
            int count = cases[i].else_rank ? 2 : 1;
            ob_input(b, "on", TN_BOOL, "");
            ob_input(b, "f", TN_F32, "4");
            ob_output(b, "y");
            ob_output(b, "shape");
            ob_ints_init(b, "a", cases[i].then_shape, cases[i].then_dims, cases[i].then_rank);
            ob_ints_init(b, "b", cases[i].else_shape, cases[i].else_dims, cases[i].else_rank);
            ob_ints_init(b, "zero", "1", (int64_t[]){ 0 }, 1);
            ob_ints_init(b, "count", "1", (int64_t[]){ count }, 1);
            ob_node(b, "Slice", "f zero count", "few");
            ob_node(b, "If", "on", "y");
            ob_subgraph(b, "then_branch", branch_of("f a", "t"));
            ob_subgraph(b, "else_branch", branch_of("few b", "e"));
            ob_node(b, "Shape", "y", "shape");
            op_data in[] = { { TN_BOOL, "", { on } }, { TN_F32, "4", { 1, 2, 3, 4 } } };
            op_data out[] = { { TN_F32, on ? cases[i].then_text : cases[i].else_text, { 1, 2, 3, 4 } },
                              { TN_I64, on ? cases[i].then_shape : cases[i].else_shape } };
            for (int d = 0; d < 2; d++) out[1].v[d] = (double)(on ? cases[i].then_dims[d] : cases[i].else_dims[d]);
            op_gives(b, 2, in, 2, out, 0);
        }
}

/* v doubles its length in every step; its length is asked for in the body and behind the loop. */
static void growing(void **state) {
    (void)state;
    for (int steps = 0; steps <= 3; steps++) {
        ob *b = ob_new(10, 21), *g = ob_graph();
        ob_input(b, "steps", TN_I64, "");
        ob_input(b, "x", TN_F32, "2");
        ob_output(b, "y");
        ob_output(b, "seen");
        ob_output(b, "shape");
        ob_input(g, "i", TN_I64, "");
        ob_input(g, "go", TN_BOOL, "");
        ob_input(g, "v", TN_F32, NULL);
        ob_node(g, "Identity", "go", "on");
        ob_node(g, "Concat", "v v", "w");
        ob_int(g, "axis", 0);
        ob_node(g, "Size", "v", "n");
        ob_output(g, "on");
        ob_output(g, "w");
        ob_output(g, "n");
        ob_node(b, "Loop", "steps _ x", "y seen");
        ob_subgraph(b, "body", g);
        ob_node(b, "Shape", "y", "shape");
        char length[8], count[8];
        int n = 2 << steps;
        snprintf(length, sizeof length, "%d", n);
        snprintf(count, sizeof count, "%d", steps);
        op_data in[] = { { TN_I64, "", { steps } }, { TN_F32, "2", { 5, 7 } } };
        op_data out[] = { { TN_F32, length }, { TN_I64, count, { 2, 4, 8 } }, { TN_I64, "1", { n } } };
        for (int k = 0; k < n; k++) out[0].v[k] = k % 2 ? 7 : 5;
        op_gives(b, 2, in, 3, out, 0);
    }
}

/* What a scan of x [2, 3] along an axis gives when every step hands out the sum so far. */
typedef struct {
    int axis, backwards, out_axis, out_backwards;
} way;

static void sums_by_loop(const way *s, const double *x, double *y, double *total) {
    int steps = s->axis ? 3 : 2, each = s->axis ? 2 : 3;
    memset(total, 0, 3 * sizeof *total);
    for (int t = 0; t < steps; t++) {
        int k = s->backwards ? steps - 1 - t : t, row = s->out_backwards ? steps - 1 - t : t;
        for (int e = 0; e < each; e++) {
            total[e] += s->axis ? x[e * 3 + k] : x[k * 3 + e];
            y[s->out_axis ? e * steps + row : row * each + e] = total[e];
        }
    }
}

static void directions_and_axes(void **state) {
    (void)state;
    for (int i = 0; i < 32; i++) {
        way s = { i & 1, i >> 1 & 1, i >> 2 & 1, i >> 3 & 1 };
        bool negative = i >> 4 & 1; /* axes counted from the end */
        int steps = s.axis ? 3 : 2, each = s.axis ? 2 : 3;
        char one[8], all[16];
        ob *b = ob_new(10, 21), *g = ob_graph();
        ob_input(b, "zero", TN_F64, NULL);
        ob_input(b, "x", TN_F64, "2,3");
        ob_output(b, "total");
        ob_output(b, "y");
        ob_input(g, "sum", TN_F64, NULL);
        ob_input(g, "e", TN_F64, NULL);
        ob_node(g, "Add", "sum e", "more");
        ob_node(g, "Identity", "more", "seen");
        ob_output(g, "more");
        ob_output(g, "seen");
        ob_node(b, "Scan", "zero x", "total y");
        ob_int(b, "num_scan_inputs", 1);
        ob_ints(b, "scan_input_axes", (int64_t[]){ s.axis - 2 * negative }, 1);
        ob_ints(b, "scan_input_directions", (int64_t[]){ s.backwards }, 1);
        ob_ints(b, "scan_output_axes", (int64_t[]){ s.out_axis - 2 * negative }, 1);
        ob_ints(b, "scan_output_directions", (int64_t[]){ s.out_backwards }, 1);
        ob_subgraph(b, "body", g);
        snprintf(one, sizeof one, "%d", each);
        snprintf(all, sizeof all, "%d,%d", s.out_axis ? each : steps, s.out_axis ? steps : each);
        op_data in[] = { { TN_F64, one }, { TN_F64, "2,3", { 1, 20, 300, 4000, 50000, 600000 } } };
        op_data out[] = { { TN_F64, one }, { TN_F64, all } };
        sums_by_loop(&s, in[1].v, out[1].v, out[0].v);
        op_gives(b, 2, in, 2, out, 0);
    }
}

/* A branch in a loop's body reads the graph's input, the body's own values and the number of the step. */
static void captures_through_two_bodies(void **state) {
    (void)state;
    ob *b = ob_new(10, 21), *g = ob_graph(), *even = ob_graph(), *odd = ob_graph();
    ob_input(b, "x", TN_I64, "2");
    ob_output(b, "last");
    ob_output(b, "all");
    ob_ints_init(b, "steps", "", (int64_t[]){ 4 }, 1);
    ob_ints_init(b, "two", "", (int64_t[]){ 2 }, 1);
    ob_input(g, "i", TN_I64, "");
    ob_input(g, "go", TN_BOOL, "");
    ob_input(g, "v", TN_I64, NULL);
    ob_node(g, "Identity", "go", "on");
    ob_node(g, "Mod", "i two", "rest");
    ob_node(g, "Cast", "rest", "is_odd");
    ob_int(g, "to", 9);
    ob_node(g, "Add", "v x", "moved");
    ob_node(odd, "Mul", "moved i", "r");
    ob_output(odd, "r");
    ob_node(even, "Sub", "moved x", "q");
    ob_output(even, "q");
    ob_node(g, "If", "is_odd", "w");
    ob_subgraph(g, "then_branch", odd);
    ob_subgraph(g, "else_branch", even);
    ob_node(g, "Add", "w i", "seen");
    ob_output(g, "on");
    ob_output(g, "w");
    ob_output(g, "seen");
    ob_node(b, "Loop", "steps _ x", "last all");
    ob_subgraph(b, "body", g);
    op_data in = { TN_I64, "2", { 1, 10 } }, out[] = { { TN_I64, "2" }, { TN_I64, "4,2" } };
    for (int e = 0; e < 2; e++) {
        double v = in.v[e];
        for (int i = 0; i < 4; i++) {
            if (i % 2) v = (v + in.v[e]) * i; /* else v + x - x */
            out[1].v[2 * i + e] = v + i;
        }
        out[0].v[e] = v;
    }
    op_gives(b, 1, &in, 2, out, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(branches_of_two_shapes), cmocka_unit_test(growing),
                                        cmocka_unit_test(directions_and_axes),
                                        cmocka_unit_test(captures_through_two_bodies) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
