/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* impls.c - every implementation that a row lists, for every description that it says it fits: results are those of the
 * definition (in float64, or, on blocked channels, summed in double), and nothing behind its tensors, scratch and room
 * is touched. The kernels beneath have tests of their own (tests/kernel). */
#include "kernel/kernel.h"
#include "op/core/exec.h"
#include "op/core/infer.h"
#include "op/core/op.h"
#include "test.h"
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

static uint64_t seed = 7;
static int64_t draw(int64_t lo, int64_t hi) { return lo + (int64_t)(test_random(&seed) % (uint64_t)(hi - lo + 1)); }

/* ----------------------------------------------------------------------------------------------------------- memory */

/* Memory that ends where a page begins that nobody may touch, but for what aligns it. */
typedef struct {
    char *map, *data;
    size_t bytes;
} guarded;

static guarded guard(size_t bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (tn_align_up(bytes, 64) + page - 1) / page * page;
    char *map = mmap(NULL, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(map != MAP_FAILED);
    assert_int_equal(mprotect(map + whole, page, PROT_NONE), 0);
    memset(map, 0x7f, whole); /* no number */
    return (guarded){ map, map + whole - tn_align_up(bytes, 64), whole + page };
}

static void drop(guarded *g) {
    if (g->map) munmap(g->map, g->bytes);
    *g = (guarded){ 0 };
}

/* ------------------------------------------------------------------------------------------------------------ cases */

enum { INPUTS = 9, IMPLS = 16 };

/* A node with its inputs: all constants but the first, and the residual. */
typedef struct {
    tn_model *m;
    tn_node *n;
    tn_datum in[INPUTS];
    guarded memory[INPUTS];
    int n_in;
    unsigned constant; /* bit i: input i */
    int64_t group;     /* blocked: channels that x really has */
} op_case;

static void tensor_of(op_case *c, tn_dtype type, bool constant, int rank, const int64_t *dims) {
    tn_tensor *t = &c->in[c->n_in].tensor;
    c->in[c->n_in].kind = TN_KIND_TENSOR;
    *t = (tn_tensor){ .dtype = type, .rank = rank };
    if (rank) memcpy(t->dims, dims, (size_t)rank * sizeof *dims);
    c->memory[c->n_in] = guard(tn_tensor_bytes(t));
    t->data = c->memory[c->n_in].data;
    for (int64_t i = 0; i < tn_count(t) && type == TN_F32; i++)
        ((float *)t->data)[i] = (float)draw(-1000, 1000) * 1e-3f;
    for (int64_t i = 0; i < tn_count(t) && type == TN_I32; i++) ((int32_t *)t->data)[i] = (int32_t)draw(-9999, 9999);
    for (int64_t i = 0; i < tn_count(t) && (type == TN_U8 || type == TN_I8); i++)
        ((uint8_t *)t->data)[i] = (uint8_t)draw(0, 255);
    if (constant) c->constant |= 1u << c->n_in;
    c->n_in++;
}

static void tensor(op_case *c, bool constant, int rank, const int64_t *dims) {
    tensor_of(c, TN_F32, constant, rank, dims);
}

static void node(op_case *c, const char *domain, const char *type) {
    tn_value *v[INPUTS];
    char name[8];
    check_ok(tn_model_new(&c->m));
    for (int i = 0; i < c->n_in; i++) {
        tn_type t = tn_type_of(&c->in[i]);
        snprintf(name, sizeof name, "x%d", i);
        v[i] = tn_value_input(c->m->graph, name, &t);
    }
    c->n = tn_node_new(c->m->graph, NULL, domain, type, v, c->n_in, 1);
    assert_non_null(c->n);
}

static void done(op_case *c) {
    tn_model_close(&c->m);
    for (int i = 0; i < INPUTS; i++) drop(&c->memory[i]);
    *c = (op_case){ 0 };
}

/* ---------------------------------------------------------------------------------------------------------- running */

/* y of c by x into memory of its own. */
static void run(const op_case *c, const tn_impl *x, tn_prep *p, tn_tensor *y, guarded *memory) {
    const tn_op *op = c->n->op;
    tn_datum out = { .kind = TN_KIND_TENSOR }, *outs[1] = { &out }, *in[INPUTS];
    tn_arena *temp = tn_arena_new(0, TN_MEM_SCRATCH);
    for (int i = 0; i < c->n_in; i++) in[i] = (tn_datum *)&c->in[i];
    p->impl = x;
    check_ok(tn_op_prepare(op, p));
    assert_ptr_equal(p->impl, x);
    out.tensor = (tn_tensor){ .dtype = p->types.out[0].dtype, .rank = p->types.out[0].rank };
    memcpy(out.tensor.dims, p->types.out[0].dims, sizeof out.tensor.dims);
    *memory = guard(tn_tensor_bytes(&out.tensor));
    out.tensor.data = memory->data;
    guarded scratch = guard(p->scratch), room = guard(p->room);
    tn_run r = { .node = c->n,
                 .attrs = p->types.attrs,
                 .impl = x,
                 .state = p->state,
                 .n_in = c->n_in,
                 .n_out = 1,
                 .in = in,
                 .out = outs,
                 .pool = p->pool,
                 .scratch = scratch.data,
                 .room = room.data,
                 .room_bytes = p->room,
                 .arena = temp };
    check_ok(tn_op_run(op, &r));
    if (op->release && p->state) op->release(p->state);
    *y = out.tensor;
    drop(&scratch), drop(&room);
    tn_arena_free(&temp);
}

/* The operator itself in float64. */
static void by_float64(const op_case *c, double *want, int64_t n) {
    tn_datum wide[INPUTS] = { 0 }, *in[INPUTS], out = { 0 };
    for (int i = 0; i < c->n_in; i++) {
        const tn_tensor *t = &c->in[i].tensor;
        check_ok(tn_tensor_init(&wide[i].tensor, TN_F64, t->rank, t->dims, TN_MEM_GENERAL));
        wide[i].kind = TN_KIND_TENSOR;
        for (int64_t k = 0; k < tn_count(t); k++) ((double *)wide[i].tensor.data)[k] = (double)((float *)t->data)[k];
        in[i] = &wide[i];
    }
    check_ok(tn_eval_node(c->n, in, NULL, &out));
    assert_int_equal(tn_count(&out.tensor), n);
    memcpy(want, out.tensor.data, (size_t)n * sizeof *want);
    for (int i = 0; i < c->n_in; i++) tn_datum_reset(&wide[i]);
    tn_datum_reset(&out);
}

static void compare(const op_case *c, const tn_impl *x, const tn_tensor *y, const double *want) {
    double most = 1;
    for (int64_t i = 0; i < tn_count(y); i++) most = fmax(most, fabs(want[i]));
    for (int64_t i = 0; i < tn_count(y); i++) {
        double have = tn_get_f64(y->dtype, y->data, i), off = y->dtype == TN_F32 ? 3e-5 * most : 0;
        check(fabs(have - want[i]) <= off, "%s by %s: element %lld is %g, expected %g\n", c->n->type, x->name,
              (long long)i, have, want[i]);
    }
}

static int tried[IMPLS]; /* of the row under test */

/* All that fit against `definition`, NULL: float64. Clears c. */
static void check_all(op_case *c, const char *definition) {
    tn_arena *a = tn_arena_new(0, TN_MEM_GENERAL);
    tn_datum *in[INPUTS];
    const tn_tensor *constants[INPUTS] = { NULL };
    tn_prep p = { .arena = a };
    double *want = NULL;
    for (int i = 0; i < c->n_in; i++) {
        in[i] = &c->in[i];
        if (c->constant >> i & 1) constants[i] = &c->in[i].tensor;
    }
    check_ok(tn_infer_data(&p.types, c->n, NULL, in, a));
    p.types.in_tensor = constants;
    const tn_impl *list = c->n->op->impls;
    int64_t n = tn_dims_count(p.types.out[0].rank, p.types.out[0].dims);
    if (!(want = calloc((size_t)n + 1, sizeof *want))) fail();
    if (!definition) by_float64(c, want, n);
    for (int pass = definition ? 0 : 1; pass < 2; pass++)
        for (int i = 0; list[i].name; i++) {
            tn_prep q = { .types = p.types, .arena = a };
            guarded memory;
            tn_tensor y;
            bool is_it = definition && !strcmp(list[i].name, definition);
            if ((pass == 0 && !is_it) || !tn_impl_fits(&list[i], &q)) continue;
            run(c, &list[i], &q, &y, &memory);
            for (int64_t k = 0; pass == 0 && k < n; k++) want[k] = tn_get_f64(y.dtype, y.data, k);
            if (pass == 1) compare(c, &list[i], &y, want);
            tried[i] += pass;
            drop(&memory);
        }
    free(want);
    tn_arena_free(&a);
    done(c);
}

/* The implementations of that row were all tried but for those named. */
static void all_tried(const char *domain, const char *type, const char *but) {
    const tn_op *op = tn_op_find(domain, type);
    for (int i = 0; op->impls[i].name; i++)
        check(tried[i] || strstr(but, op->impls[i].name), "%s: %s was never tried\n", type, op->impls[i].name);
    memset(tried, 0, sizeof tried);
}

/* ----------------------------------------------------------------------------------------------------- convolutions */

typedef struct {
    int64_t n, ic, oc, group, h, w, k, stride, dilation, pad;
} sizes;

static sizes random_sizes(int kind) {
    sizes s = { draw(1, 2), draw(1, 40), draw(1, 40), 1, draw(7, 24), draw(7, 24), 3, 1, 1, draw(0, 1) };
    if (kind % 6 == 1) s.group = s.ic = s.oc = draw(1, 3) * 8;                        /* depthwise */
    if (kind % 6 == 2) s.ic = draw(1, 4), s.k = draw(1, 7), s.stride = draw(1, 2);    /* thin */
    if (kind % 6 == 3) s.group = draw(2, 4), s.ic = s.group * 16, s.oc = s.group * 8; /* groups */
    if (kind % 6 == 4) s.k = draw(1, 3), s.stride = draw(1, 3), s.dilation = draw(1, 2), s.h = draw(7, 30);
    return s;
}

static void attributes(tn_node *n, const sizes *s) {
    tn_attr_set_int(n, "group", s->group);
    tn_attr_set_ints(n, "strides", (int64_t[]){ s->stride, s->stride }, 2);
    tn_attr_set_ints(n, "dilations", (int64_t[]){ s->dilation, s->dilation }, 2);
    tn_attr_set_ints(n, "pads", (int64_t[]){ s->pad, s->pad, s->pad, s->pad }, 4);
}

static void plain_convolutions(void **state) {
    (void)state;
    for (int i = 0; i < 60; i++) {
        sizes s = random_sizes(i);
        bool turned = i % 5 == 4;
        op_case c = { 0 };
        if (i % 10 == 9) s.k = s.stride = 2, s.pad = 0, s.group = s.dilation = 1; /* patches beside each other */
        tensor(&c, false, 4, (int64_t[]){ s.n, s.ic, s.h, s.w });
        if (turned)
            tensor(&c, true, 4, (int64_t[]){ s.ic, s.oc / s.group, s.k, s.k });
        else
            tensor(&c, true, 4, (int64_t[]){ s.oc, s.ic / s.group, s.k, s.k });
        if (i % 2) tensor(&c, true, 1, &s.oc);
        node(&c, "", turned ? "ConvTranspose" : "Conv");
        attributes(c.n, &s);
        check_all(&c, NULL);
    }
    all_tried("", "Conv", "thin depthwise winograd blocked transposed pairs reordered_pairs"); /* of blocked tensors, or
                                                                                                  asked for */
}

static void zero_lanes(op_case *c, int input, int64_t channels, int64_t block) {
    tn_tensor *t = &c->in[input].tensor;
    int64_t pixels = t->dims[2] * t->dims[3];
    for (int64_t i = 0; i < tn_count(t); i++) {
        int64_t plane = i / (pixels * block) % t->dims[1];
        if (plane * block + i % block >= channels) ((float *)t->data)[i] = 0;
    }
}

static void blocked_convolutions(void **state) {
    (void)state;
    int64_t b = tn_kernels_get()->conv.block;
    for (int i = 0; i < 60; i++) {
        sizes s = random_sizes(i);
        op_case c = { 0 };
        bool thin = i % 6 == 2;
        int64_t reach = s.dilation * (s.k - 1) + 1, oh = (s.h + 2 * s.pad - reach) / s.stride + 1;
        int64_t ow = (s.w + 2 * s.pad - reach) / s.stride + 1;
        if (thin)
            tensor(&c, false, 4, (int64_t[]){ s.n, s.ic, s.h, s.w });
        else
            tensor(&c, false, 5, (int64_t[]){ s.n, (s.ic + b - 1) / b, s.h, s.w, b });
        if (!thin) zero_lanes(&c, 0, s.ic, b);
        tensor(&c, true, 4, (int64_t[]){ s.oc, s.ic / s.group, s.k, s.k });
        tensor(&c, true, 1, &s.oc);
        if (i % 2) tensor(&c, false, 5, (int64_t[]){ s.n, (s.oc + b - 1) / b, oh, ow, b });
        if (i % 2) zero_lanes(&c, 3, s.oc, b);
        node(&c, "tenon", "Conv");
        attributes(c.n, &s);
        tn_attr_set_int(c.n, "x_block", thin ? 0 : b);
        tn_attr_set_int(c.n, "y_block", b);
        check_all(&c, "direct");
    }
    all_tried("tenon", "Conv", "interleaved transposed reordered_winograd reordered columns pairs reordered_pairs");
}

/* Sums of codes are exact: both ways give the same. */
static void integer_convolutions(void **state) {
    (void)state;
    for (int i = 0; i < 40; i++) {
        sizes s = random_sizes(i);
        op_case c = { 0 };
        if (i % 2) s.group = draw(1, 9), s.ic = s.group, s.oc = s.group * draw(1, 10); /* one input channel each */
        tensor_of(&c, i % 3 ? TN_U8 : TN_I8, false, 4, (int64_t[]){ s.n, s.ic, s.h, s.w });
        tensor_of(&c, i % 4 ? TN_I8 : TN_U8, true, 4, (int64_t[]){ s.oc, s.ic / s.group, s.k, s.k });
        tensor_of(&c, i % 3 ? TN_U8 : TN_I8, true, 0, NULL);
        tensor_of(&c, i % 4 ? TN_I8 : TN_U8, true, 0, NULL);
        node(&c, "", "ConvInteger");
        attributes(c.n, &s);
        check_all(&c, "product");
    }
    all_tried("", "ConvInteger", "");
}

/* --------------------------------------------------------------------------------------------------------- products */

static void products(void **state) {
    (void)state;
    for (int i = 0; i < 80; i++) {
        int64_t m = i % 4 ? draw(1, 70) : 1, k = draw(1, 300), n = i % 7 ? draw(1, 130) : 1;
        op_case c = { 0 };
        bool left = i % 3 == 2, gemm = i % 2;
        tensor(&c, left, 2, (int64_t[]){ m, k });
        if (gemm)
            tensor(&c, !left, 2, (int64_t[]){ n, k });
        else
            tensor(&c, !left, 2, (int64_t[]){ k, n });
        node(&c, "", gemm ? "Gemm" : "MatMul");
        if (gemm) tn_attr_set_int(c.n, "transB", 1);
        check_all(&c, NULL);
    }
    all_tried("", "MatMul", "coded"); /* of encoded weights: kernel/coded, op/encoded */
}

/* A scale, or one for each of n. */
static void factors(op_case *c, int64_t n, float about) {
    tensor(c, true, n > 1, &n);
    tn_tensor *t = &c->in[c->n_in - 1].tensor;
    for (int64_t i = 0; i < tn_count(t); i++) ((float *)t->data)[i] *= about;
}

/* Products of codes: exact sums, rounded alike. Inputs are in the order of each row. */
static void quantised_products(void **state) {
    (void)state;
    for (int i = 0; i < 90; i++) {
        int64_t m = i % 4 ? draw(1, 40) : 1, k = draw(1, 200), n = i % 7 ? draw(1, 70) : 1, columns = i % 2 ? n : 1;
        tn_dtype a = i % 3 ? TN_U8 : TN_I8, b = i % 5 ? TN_I8 : TN_U8, y = i % 4 ? TN_U8 : TN_I8;
        bool constant = i % 8 != 7, turn = i % 3 == 2 && i / 3 % 2;
        int kind = i % 3;
        op_case c = { 0 };
        tensor_of(&c, a, false, 2, (int64_t[]){ m, k });
        if (kind == 0) tensor_of(&c, b, constant, 2, (int64_t[]){ k, n });
        factors(&c, 1, 0.02f);
        if (kind == 0) factors(&c, columns, 0.02f);
        tensor_of(&c, a, true, 0, NULL);
        if (kind != 0) tensor_of(&c, b, constant, 2, turn ? (int64_t[]){ n, k } : (int64_t[]){ k, n });
        if (kind != 0) factors(&c, columns, 0.02f);
        tensor_of(&c, b, true, columns > 1, &columns);
        if (kind == 0) tensor(&c, true, 1, &n);
        if (kind == 2) tensor_of(&c, TN_I32, true, 1, &n);
        if (kind != 0) factors(&c, 1, 0.5f), tensor_of(&c, y, true, 0, NULL);
        node(&c, kind == 1 ? "" : "com.microsoft",
             kind == 0   ? "MatMulIntegerToFloat"
             : kind == 1 ? "QLinearMatMul"
                         : "QGemm");
        if (turn) tn_attr_set_int(c.n, "transB", 1);
        check_all(&c, "plain");
    }
    all_tried("", "QLinearMatMul", "");
}

/* Names are unique, and some implementation always fits. */
static void lists(void **state) {
    (void)state;
    for (int i = 0; i < tn_op_count(); i++) {
        const tn_op *op = tn_op_at(i);
        const tn_impl *x = op->impls;
        for (; x && x->name; x++) {
            assert_ptr_equal(tn_impl_find(op, x->name, strlen(x->name)), x);
            assert_true(x->devices && x->run);
            assert_int_equal(strspn(x->name, "abcdefghijklmnopqrstuvwxyz0123456789-_"), strlen(x->name));
        }
        if (op->impls) assert_true(op->prepare == tn_impl_prepare && op->run == tn_impl_run);
    }
    for (int i = 0; tn_conv_all[i]; i++) {
        const tn_impl *x = tn_impl_find(tn_op_find("", "Conv"), tn_conv_all[i]->name, strlen(tn_conv_all[i]->name));
        assert_non_null(x);
        assert_int_equal(x->arg, i);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(lists),
                                        cmocka_unit_test(plain_convolutions),
                                        cmocka_unit_test(blocked_convolutions),
                                        cmocka_unit_test(integer_convolutions),
                                        cmocka_unit_test(products),
                                        cmocka_unit_test(quantised_products) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
