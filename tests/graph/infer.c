/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* infer.c - symbolic shapes on graphs made by hand: the chains that exporters write. */
#include "op/core/infer.h"
#include "test.h"

static tn_model *m;
static tn_graph *g;

static int setup(void **state) {
    if (tn_model_new(&m) != TN_OK) return 1;
    g = m->graph;
    return 0;
}
static int teardown(void **state) {
    tn_model_close(&m);
    return 0;
}

/* An input; dims as text, as they are printed: "batch", "3", "past + seq". */
static tn_value *input(const char *name, tn_dtype dtype, int rank, const char *const *dims) {
    tn_type t = tn_type_tensor(dtype);
    t.rank = rank;
    for (int i = 0; i < rank; i++) t.dims[i] = tn_dim_parse(m->syms, dims[i]);
    return tn_value_input(g, name, &t);
}
#define INPUT(name, dtype, ...) \
    input(name, dtype, (int)TN_COUNT(((const char *[]){ __VA_ARGS__ })), (const char *[]){ __VA_ARGS__ })

static tn_node *node(const char *type, int n, tn_value *const *in) {
    tn_node *made = tn_node_new(g, NULL, "", type, in, n, 1);
    assert_non_null(made);
    return made;
}
#define OP(type, ...) \
    node(type, (int)TN_COUNT(((tn_value *[]){ __VA_ARGS__ })), (tn_value *[]){ __VA_ARGS__ })->outputs[0]

static tn_value *ints(int n, const int64_t *v) { return tn_value_ints(g, "k", v, n); }
#define INTS(...) ints((int)TN_COUNT(((int64_t[]){ __VA_ARGS__ })), (int64_t[]){ __VA_ARGS__ })

static tn_value *scalar(int64_t v) {
    tn_tensor t = { 0 };
    check_ok(tn_tensor_init(&t, TN_I64, 0, NULL, TN_MEM_GENERAL));
    memcpy(t.data, &v, sizeof v);
    return tn_value_constant(g, "s", &t);
}

static tn_value *weights(int rank, const int64_t *dims) {
    tn_tensor t = { 0 };
    check_ok(tn_tensor_init(&t, TN_F32, rank, dims, TN_MEM_GENERAL));
    memset(t.data, 0, (size_t)tn_count(&t) * 4);
    return tn_value_constant(g, "w", &t);
}

static tn_value *with_int(tn_value *v, const char *attr, int64_t i) {
    check_ok(tn_attr_set_int(v->producer, attr, i));
    return v;
}
static tn_value *with_ints(tn_value *v, const char *attr, int n, const int64_t *i) {
    check_ok(tn_attr_set_ints(v->producer, attr, i, n));
    return v;
}

static void infer(void) {
    check_ok(tn_graph_check(g));
    check_ok(tn_graph_infer(g));
}

static void expect(const tn_value *v, const char *want) {
    tn_text t = { 0 };
    tn_type_print(m->syms, &v->type, &t);
    assert_string_equal(t.s, want);
    tn_text_free(&t);
}

/* x.reshape(x.shape[0], x.shape[1], 12, -1).transpose(1, 2): the heads of an attention. */
static tn_value *split_heads(tn_value *x) {
    tn_value *shape = OP("Shape", x);
    tn_value *b = OP("Unsqueeze", OP("Gather", shape, scalar(0)), INTS(0));
    tn_value *s = OP("Unsqueeze", OP("Gather", shape, scalar(1)), INTS(0));
    tn_value *to = with_int(OP("Concat", b, s, INTS(12), INTS(-1)), "axis", 0);
    return with_ints(OP("Transpose", OP("Reshape", x, to)), "perm", 4, (int64_t[]){ 0, 2, 1, 3 });
}

static void attention(void **state) {
    tn_value *x = INPUT("x", TN_F32, "batch", "sequence", "768"), *w = weights(2, (int64_t[]){ 768, 768 });
    tn_value *q = split_heads(OP("MatMul", x, w)), *k = split_heads(OP("MatMul", x, w));
    tn_value *kt = with_ints(OP("Transpose", k), "perm", 4, (int64_t[]){ 0, 1, 3, 2 });
    tn_value *scores = OP("MatMul", q, kt), *soft = OP("Softmax", scores);
    tn_value *y = with_ints(OP("Transpose", OP("MatMul", soft, q)), "perm", 4, (int64_t[]){ 0, 2, 1, 3 });
    tn_value *shape = OP("Shape", x);
    tn_value *back =
        OP("Reshape", y, with_int(OP("Concat", OP("Slice", shape, INTS(0), INTS(2)), INTS(768)), "axis", 0));
    tn_value *sum = OP("Add", x, back);
    infer();
    expect(q, "float32[batch,12,sequence,64]");
    expect(scores, "float32[batch,12,sequence,sequence]");
    expect(back, "float32[batch,sequence,768]");
    expect(sum, "float32[batch,sequence,768]");
}

static void past_keys(void **state) {
    tn_value *x = INPUT("k", TN_F32, "batch", "12", "seq", "64");
    tn_value *past = INPUT("past", TN_F32, "batch", "12", "past", "64");
    tn_value *mask = INPUT("mask", TN_F32, "batch", "1", "1", "past + seq");
    tn_value *all = with_int(OP("Concat", past, x), "axis", -2);
    tn_value *w = OP("MatMul", x, with_ints(OP("Transpose", all), "perm", 4, (int64_t[]){ 0, 1, 3, 2 }));
    tn_value *masked = OP("Add", w, mask);
    /* bias[:, :, ns - nd : ns, :ns] of a triangle kept as a constant */
    tn_value *ns = OP("Gather", OP("Shape", w), INTS(3)), *nd = OP("Gather", OP("Shape", w), INTS(2));
    tn_value *bias = weights(4, (int64_t[]){ 1, 1, 1024, 1024 });
    tn_value *rows = OP("Slice", bias, OP("Sub", ns, nd), ns, INTS(2));
    infer();
    expect(all, "float32[batch,12,seq + past,64]");
    expect(masked, "float32[batch,12,seq,seq + past]");
    assert_int_equal(rows->type.rank, 4);
    for (int d = 0; d < 4; d++) assert_true(rows->type.dims[d] != TN_DIM_UNKNOWN);
}

static void convolutions(void **state) {
    tn_value *x = INPUT("x", TN_F32, "n", "3", "h", "w");
    tn_value *a = OP("Conv", x, weights(4, (int64_t[]){ 16, 3, 3, 3 }));
    with_ints(with_ints(a, "pads", 4, (int64_t[]){ 1, 1, 1, 1 }), "strides", 2, (int64_t[]){ 2, 2 });
    tn_value *b = OP("Conv", a, weights(4, (int64_t[]){ 8, 16, 3, 3 }));
    with_ints(with_ints(b, "pads", 4, (int64_t[]){ 1, 1, 1, 1 }), "strides", 2, (int64_t[]){ 2, 2 });
    tn_value *flat = with_int(OP("Flatten", b), "axis", 1);
    infer();
    expect(a, "float32[n,16,ceil(h/2),ceil(w/2)]");
    expect(b, "float32[n,8,ceil(h/4),ceil(w/4)]");
    expect(flat, "float32[n,8*ceil(h/4)*ceil(w/4)]");
}

/* torch's expand: Where(Equal(shape, -1), ones, shape). */
static void expand(void **state) {
    tn_value *x = INPUT("x", TN_F32, "batch", "4"), *token = weights(3, (int64_t[]){ 1, 1, 4 });
    tn_value *b = OP("Gather", OP("Shape", x), INTS(0));
    tn_value *want = with_int(OP("Concat", b, INTS(-1), INTS(-1)), "axis", 0);
    tn_value *ones = OP("ConstantOfShape", INTS(3));
    tn_tensor one = { 0 };
    check_ok(tn_tensor_init(&one, TN_I64, 1, (int64_t[]){ 1 }, TN_MEM_GENERAL));
    *(int64_t *)one.data = 1;
    tn_tensor *kept = tn_model_tensor(m);
    *kept = one;
    check_ok(tn_attr_set(ones->producer, &(tn_attr){ .name = "value", .kind = TN_ATTR_TENSOR, .tensor = kept }));
    tn_value *y = OP("Expand", token, OP("Where", OP("Equal", want, OP("Mul", ones, scalar(-1))), ones, want));
    infer();
    expect(y, "float32[batch,1,4]");
}

/* torch's pad: the list is reversed through a two-column matrix, with symbolic entries. */
static void padding(void **state) {
    tn_value *x = INPUT("x", TN_F32, "n", "h");
    tn_value *h = OP("Gather", OP("Shape", x), INTS(1));
    tn_value *rest = OP("Mod", OP("Sub", INTS(8), OP("Mod", h, INTS(8))), INTS(8));      /* up to a multiple of 8 */
    tn_value *pads = with_int(OP("Concat", INTS(0), rest, INTS(0), INTS(0)), "axis", 0); /* last dimension first */
    tn_value *table = OP("Reshape", pads, INTS(-1, 2));
    tn_value *upside = OP("Slice", table, INTS(-1), INTS(INT64_MIN + 1), INTS(0), INTS(-1));
    tn_value *turned = with_ints(OP("Transpose", upside), "perm", 2, (int64_t[]){ 1, 0 });
    tn_value *y = OP("Pad", x, OP("Reshape", turned, INTS(-1)));
    tn_value *blocks = OP("Reshape", y, INTS(0, -1, 8));
    infer();
    assert_true(y->type.dims[1] == tn_dim_mul(m->syms, tn_dim_ceil_div(m->syms, tn_sym(m->syms, "h"), 8), 8));
    expect(blocks, "float32[n,ceil(h/8),8]");
}

static void shuffle(void **state) {
    tn_value *x = INPUT("x", TN_F32, "n", "116", "h", "w");
    tn_value *s = OP("Shape", x);
    tn_value *c = OP("Gather", s, INTS(1));
    tn_value *to = with_int(OP("Concat", OP("Gather", s, INTS(0)), INTS(2), OP("Div", c, INTS(2)),
                               OP("Gather", s, INTS(2)), OP("Gather", s, INTS(3))),
                            "axis", 0);
    tn_value *t = with_ints(OP("Transpose", OP("Reshape", x, to)), "perm", 5, (int64_t[]){ 0, 2, 1, 3, 4 });
    tn_value *back =
        with_int(OP("Concat", OP("Gather", s, INTS(0)), INTS(-1), OP("Gather", s, INTS(2)), OP("Gather", s, INTS(3))),
                 "axis", 0);
    tn_value *y = OP("Reshape", t, back);
    infer();
    expect(t, "float32[n,58,2,h,w]");
    expect(y, "float32[n,116,h,w]");
}

/* One branch or the other; a known condition decides. */
static void branches(void **state) {
    tn_value *x = INPUT("x", TN_F32, "n", "6"), *cond = input("c", TN_BOOL, 0, NULL);
    tn_value *outs[2];
    for (int k = 0; k < 2; k++) {
        tn_value *is = k ? OP("Equal", OP("Gather", OP("Shape", x), scalar(1)), scalar(6)) : cond;
        tn_node *n = node("If", 1, &is);
        for (int b = 0; b < 2; b++) {
            tn_graph *sub = tn_graph_new(m, g, "branch");
            tn_value *in[2] = { x, b ? ints(2, (int64_t[]){ 0, 6 }) : ints(2, (int64_t[]){ 0, -1 }) };
            if (k && b) in[1] = ints(1, (int64_t[]){ 5 }); /* never taken: fits no 6 columns, and need not */
            tn_node *r = tn_node_new(sub, NULL, "", "Reshape", in, 2, 1);
            check_ok(tn_graph_add_output(sub, r->outputs[0]));
            check_ok(tn_attr_set(n, &(tn_attr){ .name = b ? "else_branch" : "then_branch",
                                                .kind = TN_ATTR_GRAPH,
                                                .graph = sub }));
        }
        outs[k] = n->outputs[0];
    }
    infer();
    expect(outs[0], "float32[n,6]");
    expect(outs[1], "float32[n,6]");
}

static void contradictions(void **state) {
    tn_value *x = INPUT("x", TN_F32, "n", "6"), *bad = weights(2, (int64_t[]){ 5, 4 });
    tn_value *y = OP("MatMul", x, bad);
    y->producer->name = "product";
    tn_status st = tn_graph_infer(g);
    assert_true(st == TN_E_SHAPE);
    assert_non_null(strstr(tn_error(), "node 'product' (MatMul)"));
    check_ok(tn_node_set_input(y->producer, 1, weights(2, (int64_t[]){ 6, 4 })));
    infer();
    expect(y, "float32[n,4]");
    tn_value *z = OP("Conv", INPUT("i", TN_F32, "1", "1", "2", "2"), weights(4, (int64_t[]){ 1, 1, 3, 3 }));
    assert_true(tn_graph_infer(g) == TN_E_SHAPE); /* the kernel is larger than the picture */
    tn_node_remove(z->producer);
    tn_value *w = OP("Add", x, INTS(1));
    check_fails(tn_graph_infer(g), TN_E_TYPE, "float32");
    tn_node_remove(w->producer);
    check_ok(tn_attr_set_string(OP("Conv", x, x)->producer, "auto_pad", "SOMEHOW"));
    check_fails(tn_graph_check(g), TN_E_INVALID, "SOMEHOW");
}

/* Exact shapes for given inputs, without touching the model. */
static void exact(void **state) {
    tn_value *x = INPUT("x", TN_F32, "batch", "sequence", "768");
    tn_value *q = split_heads(x), *picked = OP("Slice", q, INTS(0), INTS(INT64_MAX), INTS(2));
    infer();
    tn_type in = x->type;
    in.dims[0] = 3;
    in.dims[1] = 50;
    tn_arena *a = tn_arena_new(0, TN_MEM_GENERAL);
    tn_type_table table;
    check_ok(tn_infer_graph_types(m, g, &in, a, NULL, &table));
    const tn_type *t = &table.facts[picked->id].type;
    assert_true(tn_type_static(t));
    assert_true(tn_dims_equal(t->rank, t->dims, 4, (int64_t[]){ 3, 12, 50, 64 }));
    expect(q, "float32[batch,12,sequence,64]"); /* as it was */
    tn_arena_free(&a);
}

/* "To the end" is beyond what a dimension holds: fine for slices, never the number itself. */
static void huge_numbers(void **state) {
    tn_value *x = INPUT("x", TN_F32, "n", "6");
    tn_value *end = with_int(OP("Concat", INTS(INT64_MAX), INTS(INT64_MAX)), "axis", 0);
    tn_value *y = OP("Slice", x, INTS(1, 2), end), *less = OP("Sub", end, INTS(1));
    infer();
    expect(y, "float32[max(n - 1, 0),4]");
    assert_true(!less->content || !tn_dim_known(less->content->v[0]) || less->content->v[0] == INT64_MAX - 1);
    assert_true(!end->content || !tn_dim_exact(end->content->v[0]));
}

/* Sizes that only data decides are symbols, and equal ones stay equal. */
static void data_dependent(void **state) {
    if (!tn_op_find("", "NonZero")) skip();
    tn_value *x = INPUT("x", TN_F32, "n", "6");
    tn_value *where = OP("NonZero", x), *twice = OP("Add", where, where);
    infer();
    assert_int_equal(where->type.rank, 2);
    assert_int_equal(where->type.dims[0], 2);
    assert_true(tn_dim_symbolic(where->type.dims[1]));
    assert_true(tn_dim_same(where->type.dims[1], twice->type.dims[1]));
}

/* The items that a sequence of no declared type holds already can have any shape. */
static void unknown_items(void **state) {
    tn_value *y = OP("SequenceInsert", tn_value_input(g, "s", NULL), INPUT("x", TN_F32, "3"));
    tn_value *empty = OP("SequenceInsert", node("SequenceEmpty", 0, NULL)->outputs[0], INPUT("z", TN_F32, "3"));
    (void)state;
    infer();
    assert_int_equal(y->type.kind, TN_KIND_SEQUENCE);
    assert_int_equal(y->type.elem->dtype, TN_F32);
    assert_int_equal(y->type.elem->rank, -1);
    assert_int_equal(empty->type.elem->dtype, TN_F32);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void) {
    const struct CMUnitTest tests[] = { T(attention),      T(past_keys),      T(convolutions), T(expand),
                                        T(padding),        T(shuffle),        T(branches),     T(exact),
                                        T(contradictions), T(data_dependent), T(huge_numbers), T(unknown_items) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
