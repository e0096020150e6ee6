/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* exact.c - every pass leaves a graph that computes the same: random graphs around each pattern that some pass looks
 * for, run as they stand, after each pass alone and after all of them. Types and shapes must be equal, values within
 * rounding - 8-bit codes by one, and few of them - ; NaN and infinities lie where they lay.
 *
 * The graphs are like what a pass wants and not quite: constants of every rank that broadcasts (also of one more),
 * constants a little beside the number that the pattern means, masks with rows that hide everything, large numbers,
 * NaN, and inner values that somebody else uses, too. A pass without a pattern here, and a pattern that no pass takes,
 * are failures: whoever adds a pass adds its pattern. */
#include "engine/session.h"
#include "pass/pass.h"
#include "test.h"
#include <math.h>

enum { ROUNDS = 400, MOST = 64, SYMBOL = 6 }; /* SYMBOL: the size that symbolic dimensions get */
typedef enum { PLAIN, LARGE, SPECIAL, MODES } mode;

static uint64_t seed;
static int below(int n) { return (int)(test_random(&seed) >> 33) % n; }
static bool once_in(int n) { return below(n) == 0; }
static double uniform(void) { return (double)(test_random(&seed) >> 40) / 8388608.0 - 1; }

/* A graph under construction. */
typedef struct {
    tn_model *m;
    mode mode;
    tn_dtype t;
    tn_value *all[MOST]; /* what nodes made */
    int n;
    tn_value *scale;    /* errors are measured against the largest number in it; NULL: in all inputs */
    tn_value *exponent; /* that e is raised to, so that its rounding grows by its size; NULL: none */
    bool wide;          /* against the largest number anywhere */
    bool tame;          /* no NaN or infinity in the inputs: a fast convolution may spread them to its neighbours */
} graph;

/* ------------------------------------------------------------------------------------------------------- building */

static tn_value *op(graph *g, const char *type, tn_value *a, tn_value *b, tn_value *c) {
    tn_value *in[3] = { a, b, c };
    tn_node *n = tn_node_new(g->m->graph, NULL, "", type, in, c ? 3 : b ? 2 : 1, 1);
    assert_non_null(n);
    check(n->op != NULL, "%s\n", type);
    assert_true(g->n < MOST);
    return g->all[g->n++] = n->outputs[0];
}

/* Operands of a commutative operator come in any order. */
static tn_value *either(graph *g, const char *type, tn_value *a, tn_value *b) {
    return once_in(2) ? op(g, type, a, b, NULL) : op(g, type, b, a, NULL);
}

static tn_value *input(graph *g, const char *name, tn_dtype t, int rank, const int64_t *dims) {
    tn_type type = tn_type_tensor(t);
    type.rank = rank;
    for (int i = 0; i < rank; i++) type.dims[i] = dims[i];
    tn_value *v = tn_value_input(g->m->graph, name, &type);
    assert_non_null(v);
    return v;
}

static tn_value *constant(graph *g, tn_dtype t, int rank, const int64_t *dims, double lo, double hi) {
    tn_tensor x;
    check_ok(tn_tensor_init(&x, t, rank, dims, TN_MEM_WEIGHTS));
    for (int64_t i = 0; i < tn_count(&x); i++) tn_set_f64(t, x.data, i, lo + (hi - lo) * (uniform() + 1) / 2);
    return tn_value_constant(g->m->graph, "c", &x);
}

static const int64_t ones[TN_MAX_RANK] = { 1, 1, 1, 1, 1, 1, 1, 1 };

/* A number that a pattern means, or one close to it, of some rank up to one more than that of the value beside it. */
static tn_value *number_of(graph *g, tn_dtype t, double v, int rank) {
    static const double off[] = { 1, 1, 1, 1, 1, 1 + 5e-5, 1 - 5e-5, 1.001 };
    v *= off[below(TN_COUNT(off))];
    return constant(g, t, once_in(2) ? 0 : below(rank + 2), ones, v, v);
}
static tn_value *number(graph *g, double v, int rank) { return number_of(g, g->t, v, rank); }

static tn_value *scalar(graph *g, double v) { return constant(g, g->t, 0, ones, v, v); }

static tn_value *ints(graph *g, const int64_t *v, int n) { return tn_value_ints(g->m->graph, "i", v, n); }

static tn_value *turned(graph *g, tn_value *v, const int64_t *perm, int rank) {
    tn_value *y = op(g, "Transpose", v, NULL, NULL);
    check_ok(tn_attr_set_ints(y->producer, "perm", perm, rank));
    return y;
}

static int64_t size(graph *g) { return once_in(4) ? tn_sym(g->m->syms, once_in(2) ? "n" : "k") : 1 + below(5); }

/* A shape that broadcasts to dims and is no larger. */
static int part_of(int rank, const int64_t *dims, int64_t *out) {
    int skip = below(rank + 1);
    for (int i = skip; i < rank; i++) out[i - skip] = once_in(3) ? 1 : dims[i];
    return rank - skip;
}

static tn_value *some_float(graph *g, int *rank, int64_t *dims, int of_many_types) {
    static const tn_dtype types[] = { TN_F32, TN_F32, TN_F32, TN_F16, TN_F64, TN_I32 };
    g->t = types[below(of_many_types)];
    *rank = below(4);
    for (int i = 0; i < *rank; i++) dims[i] = size(g);
    return input(g, "x", g->t, *rank, dims);
}

/* ------------------------------------------------------------------------------------------- forms of one operand */

static tn_value *gate(graph *g) {
    int rank;
    int64_t dims[4];
    tn_value *x = some_float(g, &rank, dims, 5);
    bool hard = once_in(2);
    tn_value *s = op(g, hard ? "HardSigmoid" : "Sigmoid", x, NULL, NULL);
    static const float slopes[] = { 1 / 6.0f, 1 / 6.0f, 0.1667f, 0.16666f, 0.2f };
    if (hard) check_ok(tn_attr_set_float(s->producer, "alpha", slopes[below(5)]));
    if (hard && !once_in(4)) check_ok(tn_attr_set_float(s->producer, "beta", once_in(4) ? 0.50002f : 0.5f));
    return either(g, "Mul", x, s);
}

static tn_value *hard(graph *g) {
    int rank;
    int64_t dims[4];
    tn_value *x = some_float(g, &rank, dims, 6);
    tn_value *a = either(g, "Add", x, number(g, 3, rank));
    tn_value *y = op(g, "Clip", a, scalar(g, 0), scalar(g, once_in(5) ? 6.0002 : 6));
    bool before = once_in(2), times = !once_in(3);
    if (times && before) y = either(g, "Mul", x, y);
    y = once_in(2) ? op(g, "Div", y, number(g, 6, rank), NULL) : either(g, "Mul", y, number(g, 1 / 6.0, rank));
    return times && !before ? either(g, "Mul", x, y) : y;
}

static tn_value *gelu(graph *g) {
    int rank;
    int64_t dims[4];
    tn_value *x = some_float(g, &rank, dims, 5);
    tn_value *e =
        once_in(2) ? op(g, "Div", x, number(g, sqrt(2), rank), NULL) : either(g, "Mul", x, number(g, sqrt(0.5), rank));
    e = either(g, "Add", op(g, "Erf", e, NULL, NULL), number(g, 1, rank));
    tn_value *half = number(g, 0.5, rank);
    switch (below(3)) {
    case 0: return either(g, "Mul", either(g, "Mul", x, e), half);
    case 1: return either(g, "Mul", either(g, "Mul", x, half), e);
    default: return either(g, "Mul", either(g, "Mul", e, half), x);
    }
}

static tn_value *layer_norm(graph *g) {
    static const tn_dtype types[] = { TN_F32, TN_F32, TN_F64, TN_F16 };
    int rank = 2 + below(2), k = 1 + below(rank);
    int64_t dims[4], axes[4];
    g->t = types[below(4)];
    for (int i = 0; i < rank; i++) dims[i] = i < rank - k ? size(g) : 2 + below(5);
    for (int i = 0; i < k; i++) axes[i] = once_in(2) ? rank - 1 - i : -1 - i;
    if (once_in(8)) axes[0] = 0;
    tn_value *x = input(g, "x", g->t, rank, dims), *mean = op(g, "ReduceMean", x, ints(g, axes, k), NULL);
    tn_value *d = op(g, "Sub", x, mean, NULL);
    tn_value *sq = once_in(2) ? op(g, "Pow", d, number(g, 2, rank), NULL) : op(g, "Mul", d, d, NULL);
    tn_value *var = op(g, "ReduceMean", sq, ints(g, axes, k), NULL);
    static const double epsilons[] = { 1e-5, 1e-3, 1e-12, 0.7, 0 };
    tn_value *root = op(g, "Sqrt", either(g, "Add", var, number(g, epsilons[below(5)], rank)), NULL, NULL);
    tn_value *y = op(g, "Div", d, root, NULL);
    int64_t tail[4];
    memcpy(tail, dims + rank - k, sizeof *tail * (size_t)k);
    if (once_in(4)) tail[0] = 1;
    y = either(g, "Mul", y, constant(g, g->t, k, tail, 0.5, 2));
    if (once_in(3)) return y;
    return either(g, "Add", y, once_in(4) ? number(g, 0.3, rank) : constant(g, g->t, k, tail, -1, 1));
}

/* ------------------------------------------------------------------------------------------------------ attention */

static tn_value *scaled(graph *g, tn_value *v, int rank, bool often) {
    static const double by[] = { 0.125, 0.5, 4, 0.35, 2.8, 0, 1e30 };
    if (!once_in(often ? 2 : 5)) return v;
    double s = by[g->mode == LARGE ? below(3) : once_in(6) ? below(7) : below(5)];
    tn_value *k = constant(g, TN_F32, below(rank + (once_in(8) ? 2 : 1)), ones, s, s);
    return once_in(2) && s != 0 ? op(g, "Div", v, k, NULL) : either(g, "Mul", v, k);
}

/* A value with these logical dimensions, perhaps out of a transpose. */
static tn_value *operand(graph *g, const char *name, int rank, const int64_t *dims, bool keys) {
    int64_t perm[4] = { 0, 1, 2, 3 }, held[4];
    int r = rank - 1;
    if (once_in(2)) perm[r - 1] = r - 2, perm[r - 2] = r - 1; /* rows before heads */
    if (keys) {
        int64_t last = perm[r];
        perm[r] = perm[r - 1], perm[r - 1] = last;
    }
    bool turn = false;
    for (int i = 0; i < rank; i++) held[perm[i]] = dims[i], turn = turn || perm[i] != i;
    tn_value *v = scaled(g, input(g, name, TN_F32, rank, held), rank, false);
    if (turn) v = turned(g, v, perm, rank);
    return scaled(g, v, rank, false);
}

static tn_value *masked(graph *g, tn_value *s, int rank, const int64_t *dims) {
    static const double fills[] = { -1e4, -65504, -1e9, -3.4028234663852886e38, -INFINITY, 0, 3 };
    int64_t part[5];
    int r = part_of(rank, dims, part);
    if (once_in(12)) { /* one dimension more */
        memmove(part + 1, dims, sizeof *part * (size_t)rank);
        part[0] = 1, r = rank + 1;
    }
    if (once_in(6) && r && part[0] == 1) part[0] = 3; /* larger than the scores, perhaps */
    switch (below(4)) {
    case 0: return s;
    case 1: return either(g, "Add", s, input(g, "mask", TN_F32, r, part));
    default: {
        double v = fills[below(TN_COUNT(fills))];
        tn_value *fill = constant(g, TN_F32, once_in(2) ? 0 : below(rank + 1 + once_in(4)), ones, v, v);
        tn_value *c = input(g, "mask", TN_BOOL, r, part);
        return once_in(2) ? op(g, "Where", c, fill, s) : op(g, "Where", c, s, fill);
    }
    }
}

static tn_value *attention(graph *g) {
    int rank = 3 + below(2);
    g->t = TN_F32;
    int64_t b = size(g), h = 1 + below(3), rows = once_in(3) ? tn_sym(g->m->syms, "n") : 1 + below(20),
            keys = once_in(12)  ? 0
                   : once_in(3) ? tn_sym(g->m->syms, "k")
                                : 1 + below(20),
            wide = 1 + below(16);
    int64_t lead[3] = { b, h, 1 }, *l = lead + (rank == 3);
    int64_t q[4] = { l[0], l[1] }, k[4] = { l[0], l[1] }, v[4] = { l[0], l[1] }, s[4] = { l[0], l[1] };
    int at = rank - 2;
    q[at] = rows, q[at + 1] = wide;
    k[at] = wide, k[at + 1] = keys;
    v[at] = keys, v[at + 1] = 1 + below(8);
    s[at] = rows, s[at + 1] = keys;
    if (once_in(10)) k[0] = 1;
    tn_value *scores = op(g, "MatMul", operand(g, "q", rank, q, false), operand(g, "k", rank, k, true), NULL);
    scores = scaled(g, scores, rank, true);
    if (g->mode != LARGE) g->exponent = scores; /* large numbers are whole, and scaled by powers of two */
    tn_value *p = op(g, "Softmax", masked(g, scores, rank, s), NULL, NULL);
    check_ok(tn_attr_set_int(p->producer, "axis", once_in(8) ? rank - 2 : -1));
    tn_value *values = operand(g, "v", rank, v, false);
    g->scale = values;
    tn_value *y = op(g, "MatMul", p, values, NULL);
    int64_t perm[4] = { 0, 1, 2, 3 };
    perm[at] = at - 1, perm[at - 1] = at;
    return once_in(2) ? turned(g, y, perm, rank) : y;
}

/* -------------------------------------------------------------------------------- what follows sums of products */

static tn_value *activated(graph *g, tn_value *v, int rank) {
    static const char *const kinds[] = { "Relu", "LeakyRelu", "HardSwish", "HardSigmoid", "Sigmoid",
                                         "Tanh", "Gelu",      "Swish",     "Clip",        "Elu" };
    int k = below(TN_COUNT(kinds));
    if (strcmp(kinds[k], "Clip")) return op(g, kinds[k], v, NULL, NULL);
    static const double lows[] = { -1, 0, 2, NAN, -INFINITY }, highs[] = { 1, 6, -2, INFINITY, NAN };
    int which = below(4);
    tn_value *in[3] = { v, which & 1 ? scalar(g, lows[once_in(3) ? below(5) : below(2)]) : NULL,
                        which & 2 ? scalar(g, highs[once_in(3) ? below(5) : below(2)]) : NULL };
    tn_node *n = tn_node_new(g->m->graph, NULL, "", "Clip", in, in[2] ? 3 : in[1] ? 2 : 1, 1);
    return g->all[g->n++] = n->outputs[0];
}

/* A constant that stands beside a value of `rank` dimensions with c channels (or columns) at `axis`. */
static tn_value *beside(graph *g, int rank, int axis, int64_t c, double lo, double hi) {
    int64_t dims[TN_MAX_RANK] = { 1, 1, 1, 1, 1, 1, 1, 1 };
    if (once_in(4)) {
        double v = once_in(6) ? 0 : lo + (hi - lo) * 0.7;
        return constant(g, TN_F32, below(rank + 2), ones, v, v);
    }
    int missing = below(axis + 1);
    dims[axis - missing] = c;
    if (once_in(6)) dims[rank - missing - 1] = c; /* along pixels, too, when that fits */
    return constant(g, TN_F32, rank - missing, dims, lo, hi);
}

static tn_value *conv(graph *g, tn_value *x, int64_t ic, int64_t oc, int64_t k, int64_t pad) {
    tn_value *w = constant(g, TN_F32, 4, (int64_t[]){ oc, ic, k, k }, -1, 1);
    tn_value *y = op(g, "Conv", x, w, once_in(2) ? constant(g, TN_F32, 1, &oc, -1, 1) : NULL);
    check_ok(tn_attr_set_ints(y->producer, "pads", (int64_t[]){ pad, pad, pad, pad }, 4));
    return y;
}

static tn_value *norm(graph *g, tn_value *v, int64_t c) {
    tn_value *in[5] = { v };
    for (int i = 1; i < 5; i++) in[i] = constant(g, TN_F32, 1, &c, i == 4 ? 0.1 : -1, 2);
    tn_node *n = tn_node_new(g->m->graph, NULL, "", "BatchNormalization", in, 5, 1);
    return g->all[g->n++] = n->outputs[0];
}

static tn_value *conv_affine(graph *g) {
    static const int64_t kernels[] = { 1, 1, 3 };
    int64_t ic = 1 + below(9), oc = 1 + below(9), k = kernels[below(3)], side = once_in(4) ? oc : 4 + below(4);
    g->t = TN_F32, g->wide = true, g->tame = k > 1;
    tn_value *x = input(g, "x", TN_F32, 4, (int64_t[]){ size(g), ic, side, side }), *y;
    if (once_in(4)) {
        y = op(g, "ConvTranspose", x, constant(g, TN_F32, 4, (int64_t[]){ ic, oc, k, k }, -1, 1), NULL);
        check_ok(tn_attr_set_ints(y->producer, "pads", (int64_t[]){ k / 2, k / 2, k / 2, k / 2 }, 4));
    } else {
        y = conv(g, x, ic, oc, k, k / 2);
    }
    for (int i = 1 + below(3); i > 0; i--) {
        int kind = below(5);
        tn_value *c = kind ? beside(g, 4, 1, oc, kind == 2 ? 0.3 : -2, 2) : NULL;
        int rank = 4;
        if (!c)
            y = norm(g, y, oc);
        else if (kind == 1)
            y = either(g, "Mul", y, c);
        else if (kind == 2)
            y = op(g, "Div", y, c, NULL);
        else if (kind == 3)
            y = either(g, "Add", y, c);
        else
            y = once_in(2) ? op(g, "Sub", y, c, NULL) : op(g, "Sub", c, y, NULL);
        if (c && c->constant->rank > rank) break; /* no image any more */
    }
    return y;
}

/* The sum with something of the same shape, or nearly: perhaps with itself. */
static tn_value *plus(graph *g, tn_value *y, int rank, const int64_t *dims) {
    int64_t part[5];
    int r = rank;
    memcpy(part, dims, sizeof *part * (size_t)rank);
    if (once_in(3)) r = part_of(rank, dims, part);
    if (once_in(8)) return op(g, "Add", y, y, NULL);
    return either(g, "Add", y, input(g, "r", TN_F32, r, part));
}

static tn_value *conv_activation(graph *g) {
    int64_t ic = 1 + below(5), oc = 1 + below(20), n = size(g), side = 3 + below(4), k = once_in(2) ? 1 : 3;
    g->t = TN_F32, g->wide = true, g->tame = k > 1;
    tn_value *x = input(g, "x", TN_F32, 4, (int64_t[]){ n, ic, side, side });
    tn_value *y = conv(g, x, ic, oc, k, k / 2);
    if (once_in(2)) y = plus(g, y, 4, (int64_t[]){ n, oc, side, side });
    if (!once_in(4)) y = activated(g, y, 4);
    return y;
}

static tn_value *product(graph *g) {
    int64_t m = size(g), k = 1 + below(9), n = 1 + below(9), lead = 1 + below(3);
    int rank = 2 + below(2);
    int64_t a[3] = { m, k }, y_dims[3] = { m, n };
    if (rank == 3) a[0] = y_dims[0] = lead, a[1] = y_dims[1] = m, a[2] = k, y_dims[2] = n;
    g->t = TN_F32, g->wide = true;
    tn_value *x = input(g, "x", TN_F32, rank, a), *w = constant(g, TN_F32, 2, (int64_t[]){ k, n }, -1, 1), *y;
    if (rank == 2 && once_in(3)) {
        tn_value *c = once_in(2) ? beside(g, 1, 0, n, -1, 1) : NULL;
        if (c && c->constant->rank > 2) c = NULL;
        y = op(g, "Gemm", x, w, c);
        if (once_in(2)) check_ok(tn_attr_set_float(y->producer, "alpha", 0.7f));
        if (once_in(2)) check_ok(tn_attr_set_float(y->producer, "beta", 1.3f));
    } else {
        y = op(g, "MatMul", x, w, NULL);
    }
    if (once_in(3)) {
        tn_value *s = number(g, once_in(5) ? 0 : 0.35, rank);
        y = once_in(2) ? op(g, "Div", y, s, NULL) : either(g, "Mul", y, s);
        if (s->constant->rank > rank) return y;
    }
    if (once_in(2)) {
        tn_value *c = beside(g, rank, rank - 1, n, -1, 1);
        y = either(g, "Add", y, c);
        if (c->constant->rank > rank) return y;
    }
    if (once_in(2)) y = plus(g, y, rank, y_dims);
    return once_in(4) ? y : activated(g, y, rank);
}

/* ----------------------------------------------------------------------------------- regions of blocked channels */

static tn_value *region(graph *g) {
    static const int64_t channels[] = { 3, 5, 8, 12, 13, 16, 18, 32 };
    int64_t c = channels[below(8)], d = channels[below(8)], side = 6; /* too small for Winograd's convolution */
    g->t = TN_F32, g->wide = true;
    tn_value *x = input(g, "x", TN_F32, 4, (int64_t[]){ 1 + below(2), c, side, side });
    tn_value *y = conv(g, x, c, d, once_in(2) ? 1 : 3, 0);
    for (int i = 1 + below(3); i > 0; i--) {
        static const char *const pools[] = { "MaxPool", "AveragePool" };
        static const char *const words[] = { "Add", "Mul", "Sub", "Max", "Min" };
        tn_value *k;
        int64_t v[4];
        switch (below(6)) {
        case 0: y = activated(g, y, 4); break;
        case 1:
            y = op(g, pools[below(2)], y, NULL, NULL);
            check_ok(tn_attr_set_ints(y->producer, "kernel_shape", (int64_t[]){ 2, 2 }, 2));
            break;
        case 2:
            k = beside(g, 4, 1, d, -2, 2);
            y = either(g, words[below(5)], y, k);
            if (k->constant->rank > 4) return y;
            break;
        case 3: {
            tn_tensor s;
            check_ok(tn_tensor_init(&s, TN_F32, 1, (int64_t[]){ 4 }, TN_MEM_WEIGHTS));
            float by[4] = { once_in(4) ? 1.0001f : 1, once_in(4) ? 1.0001f : 1, 2, once_in(2) ? 2 : 1 };
            memcpy(s.data, by, sizeof by);
            tn_value *in[3] = { y, NULL, tn_value_constant(g->m->graph, "scales", &s) };
            tn_node *n = tn_node_new(g->m->graph, NULL, "", "Resize", in, 3, 1);
            check_ok(tn_attr_set_string(n, "mode", once_in(2) ? "linear" : "nearest"));
            y = g->all[g->n++] = n->outputs[0];
            break;
        }
        case 4:
            y = op(g, "Concat", y, y, NULL);
            check_ok(tn_attr_set_int(y->producer, "axis", v[0] = below(4)));
            if (v[0] == 1) d *= 2;
            break;
        default:
            v[0] = 2 + below(2), v[1] = -1;
            y = op(g, "ReduceMean", y, ints(g, v, 1), NULL);
            break;
        }
    }
    return once_in(3) ? y : conv(g, y, d, channels[below(8)], 1, 0);
}

/* ---------------------------------------------------------------------------------------------- pointwise chains */

static tn_value *chain(graph *g) {
    static const char *const one[] = { "Relu", "Tanh", "Sigmoid", "Abs", "Neg", "Floor", "Gelu", "HardSwish", "Swish" };
    static const char *const two[] = { "Add", "Mul", "Sub", "Max", "Min", "Div" };
    static const char *const test[] = { "Greater", "Less", "Equal", "GreaterOrEqual" };
    int rank = 1 + below(3);
    int64_t dims[4], part[4];
    g->t = TN_F32, g->wide = true;
    for (int i = 0; i < rank; i++) dims[i] = size(g);
    tn_value *x = input(g, "x", TN_F32, rank, dims), *v[8] = { x }, *c;
    int n = 1;
    for (int i = 2 + below(5); i > 0; i--) {
        tn_value *a = v[below(n)], *b = v[below(n)];
        if (once_in(3)) b = number(g, 0.5 + below(3), rank);
        if (once_in(4)) {
            int r = part_of(rank, dims, part);
            b = input(g, "b", TN_F32, r, part);
        }
        switch (below(5)) {
        case 0:
        case 1: v[n] = op(g, one[below(TN_COUNT(one))], v[n - 1], NULL, NULL); break;
        case 2:
            c = op(g, test[below(4)], a, b, NULL);
            if (once_in(3)) c = op(g, "Not", c, NULL, NULL);
            v[n] = once_in(2) ? op(g, "Where", c, v[n - 1], b) : op(g, "Where", c, number(g, 2, rank), v[n - 1]);
            break;
        case 3: {
            static const double powers[] = { 2, 3, 0.5, -1 };
            bool whole = once_in(2);
            v[n] =
                op(g, "Pow", v[n - 1], number_of(g, whole ? TN_I64 : TN_F32, powers[below(whole ? 2 : 4)], rank), NULL);
            break;
        }
        default: {
            const char *word = two[below(b->constant ? 6 : 5)];
            v[n] = !strcmp(word, "Div") ? op(g, word, v[n - 1], b, NULL) : either(g, word, v[n - 1], b);
        }
        }
        n++;
    }
    return v[n - 1];
}

/* ------------------------------------------------------------------------------------------- 16-bit floats */

/* Products and convolutions of 16-bit floats with what follows them, moved about, compared, cast. Inner results are not
 * rounded when they are computed in float32; the graph as it stands rounds every one of them: `near` allows for it. */
static tn_value *halves(graph *g) {
    static const char *const one[] = { "Relu", "Tanh", "Sigmoid", "Neg", "Softmax", "Gelu", "Abs" };
    int64_t rows = 1 + below(4), k = 1 + below(20), n = 1 + below(20);
    g->t = once_in(3) ? TN_BF16 : TN_F16;
    g->wide = g->tame = true;
    tn_value *x, *y;
    int rank = 2;
    if (once_in(2)) {
        x = input(g, "x", g->t, 2, (int64_t[]){ once_in(3) ? tn_sym(g->m->syms, "n") : rows, k });
        tn_value *w = constant(g, g->t, 2, (int64_t[]){ k, n }, -0.5, 0.5);
        y = once_in(2) ? op(g, "MatMul", x, w, NULL)
                       : op(g, "Gemm", x, w, once_in(2) ? constant(g, g->t, 1, &n, -1, 1) : NULL);
    } else {
        int64_t side = k = 3 + below(4);
        rank = 4, rows = n;
        x = input(g, "x", g->t, 4, (int64_t[]){ 1, k, side, side });
        tn_value *w = constant(g, g->t, 4, (int64_t[]){ n, k, 1, 1 }, -0.5, 0.5);
        y = op(g, "Conv", x, w, once_in(2) ? constant(g, g->t, 1, &n, -1, 1) : NULL);
        n = side;
    }
    for (int i = below(4); i > 0; i--) {
        static const int64_t turn[2][4] = { { 1, 0 }, { 0, 1, 3, 2 } };
        switch (below(6)) {
        case 0: y = either(g, "Add", y, scalar(g, 0.3)); break;
        case 1: y = either(g, "Mul", y, scalar(g, 0.7)); break;
        case 2: y = turned(g, turned(g, y, turn[rank == 4], rank), turn[rank == 4], rank); break;
        case 3: { /* rounded as it is written */
            tn_value *c = op(g, "Cast", y, NULL, NULL);
            check_ok(tn_attr_set_int(c->producer, "to", tn_dtypes[TN_F32].onnx));
            y = op(g, "Cast", c, NULL, NULL);
            check_ok(tn_attr_set_int(y->producer, "to", tn_dtypes[g->t].onnx));
            break;
        }
        case 4: y = either(g, "Add", y, y); break;
        default: y = op(g, one[below(TN_COUNT(one))], y, NULL, NULL);
        }
    }
    return y;
}

/* Weights of float32 that are large enough to be kept in 16 bits, when that is asked for. */
static tn_value *kept(graph *g) {
    int64_t k = 32 + below(9), n = 33 + below(40);
    g->t = TN_F32, g->wide = g->tame = true;
    if (once_in(2)) {
        tn_value *x = input(g, "x", TN_F32, 4, (int64_t[]){ size(g), k, 4, 3 });
        tn_value *w = constant(g, TN_F32, 4, (int64_t[]){ n, k, 1, 1 }, -0.5, 0.5);
        tn_value *y = op(g, "Conv", x, w, once_in(2) ? constant(g, TN_F32, 1, &n, -1, 1) : NULL);
        return once_in(2) ? y : op(g, "Relu", y, NULL, NULL);
    }
    tn_value *x = input(g, "x", TN_F32, 2, (int64_t[]){ once_in(3) ? 1 : size(g), k });
    tn_value *w = constant(g, TN_F32, 2, (int64_t[]){ k, n }, -0.5, 0.5);
    if (once_in(2)) return op(g, "MatMul", x, w, NULL);
    tn_value *y = op(g, "Gemm", x, w, once_in(2) ? constant(g, TN_F32, 1, &n, -1, 1) : NULL);
    if (once_in(2)) check_ok(tn_attr_set_float(y->producer, "alpha", 0.7f));
    return y;
}

/* ------------------------------------------------------------------------------- what does nothing, what is known */

static tn_value *nothing(graph *g) {
    int rank = 2 + below(2);
    int64_t dims[4] = { 2, 3, 4 }, v[8] = { 0 };
    static const tn_dtype types[] = { TN_F32, TN_F64, TN_I32 };
    g->t = types[below(3)];
    tn_value *x = input(g, "x", g->t, rank, dims), *y = x;
    for (int i = 2 + below(4); i > 0; i--) {
        int64_t perm[4] = { 0, 1, 2, 3 };
        switch (below(10)) {
        case 0: y = op(g, "Identity", y, NULL, NULL); break;
        case 1:
        case 2:
            for (int k = rank - 1; k > 0 && !once_in(3); k--) {
                int to = below(k + 1);
                int64_t was = perm[k];
                perm[k] = perm[to], perm[to] = was;
            }
            y = turned(g, y, perm, rank);
            break;
        case 3:
            for (int k = 0; k < rank; k++) v[k] = once_in(3) ? 0 : -1;
            for (int k = 0, open = -1; k < rank; k++) { /* one -1 at most */
                if (v[k] == -1 && open >= 0) v[k] = 0;
                if (v[k] == -1) open = k;
            }
            y = op(g, "Reshape", y, ints(g, v, rank), NULL);
            break;
        case 4:
            memset(v, 0, sizeof v);
            if (once_in(2)) v[rank] = 1;
            y = op(g, "Pad", y, ints(g, v, 2 * rank), NULL);
            break;
        case 5: {
            int64_t from[4] = { once_in(3) }, to[4] = { INT64_MAX };
            y = op(g, "Slice", y, ints(g, from, 1), ints(g, to, 1));
            break;
        }
        case 6: {
            int64_t wide[5] = { 1, 1, 1, 1, 1 };
            bool more = once_in(4);
            y = op(g, "Expand", y, ints(g, wide, rank + more), NULL);
            rank += more;
            if (rank > 3) return y;
            break;
        }
        case 7:
            if (g->t == TN_I32) break;
            y = op(g, "Dropout", y, constant(g, TN_F32, 0, ones, 0.5 * below(2), 0.5), NULL);
            break;
        case 8: y = op(g, once_in(2) ? "Sum" : "Max", y, once_in(2) ? y : NULL, NULL); break;
        default:
            y = op(g, "Cast", y, NULL, NULL);
            if (once_in(3)) g->t = types[below(3)];
            check_ok(tn_attr_set_int(y->producer, "to", tn_dtypes[g->t].onnx));
        }
    }
    tn_value *a = op(g, "Neg", y, NULL, NULL), *b = op(g, "Neg", y, NULL, NULL); /* twins */
    return op(g, "Add", a, b, NULL);
}

static tn_value *known(graph *g) {
    int rank = 1 + below(3);
    int64_t dims[4], part[4];
    g->t = TN_F32, g->wide = true;
    for (int i = 0; i < rank; i++) dims[i] = size(g);
    tn_value *x = input(g, "x", TN_F32, rank, dims);
    tn_value *k = op(g, "Tanh", constant(g, TN_F32, 0, ones, -1, 1), NULL, NULL);
    for (int i = below(3); i > 0; i--) k = either(g, "Add", k, number(g, 2, rank));
    tn_value *s = op(g, "Shape", x, NULL, NULL);
    int64_t one = 0;
    tn_value *first = op(g, "Gather", s, ints(g, &one, 1), NULL);
    first = op(g, "Cast", first, NULL, NULL);
    check_ok(tn_attr_set_int(first->producer, "to", tn_dtypes[TN_F32].onnx));
    int r = part_of(rank, dims, part);
    tn_value *e = op(g, "ConstantOfShape", ints(g, part, 0), NULL, NULL);
    (void)r;
    return either(g, "Add", either(g, "Mul", either(g, "Add", x, k), first), e);
}

/* ------------------------------------------------------------------------------------------------ quantised regions */

/* A coding: scale and zero point of codes of u8 or s8. */
typedef struct {
    tn_dtype t;
    tn_value *scale, *zero;
} coding;

static tn_value *codes(graph *g, tn_dtype t, int rank, const int64_t *dims) {
    tn_tensor x;
    bool ends = once_in(4); /* nothing but the least and the greatest */
    int many = 1 << tn_dtype_bits(t);
    check_ok(tn_tensor_init(&x, t, rank, dims, TN_MEM_WEIGHTS));
    for (int64_t i = 0; i < tn_count(&x); i++) {
        int v = ends ? (many - 1) * below(2) : below(many);
        tn_set_i64(t, x.data, i, tn_dtype_is_signed(t) ? v - many / 2 : v);
    }
    return tn_value_constant(g->m->graph, "codes", &x);
}

/* One for all, or n of them. */
static coding coding_of(graph *g, int64_t n, double step, bool symmetric) {
    coding c = { .t = once_in(2) ? TN_U8 : TN_I8 };
    bool many = n > 1;
    c.scale = constant(g, TN_F32, many, &n, step * 0.7, step * 1.3);
    double middle = c.t == TN_U8 ? 128 : 0, wide = symmetric && once_in(2) ? 0 : 100;
    c.zero = once_in(6) ? NULL : constant(g, c.t, many, &n, middle - wide, middle + wide);
    return c;
}

static tn_value *coded_as(graph *g, const char *type, tn_value *v, coding c, int64_t axis) {
    tn_value *y = op(g, type, v, c.scale, c.zero);
    check_ok(tn_attr_set_int(y->producer, "axis", axis));
    return y;
}
static tn_value *quantised(graph *g, tn_value *v, coding c) {
    if (!c.zero && c.t == TN_I8) c.zero = constant(g, TN_I8, 0, ones, 0, 0);
    return coded_as(g, "QuantizeLinear", v, c, 1);
}
static tn_value *numbers(graph *g, tn_value *v, coding c) {
    if (!c.zero && v->constant == NULL && c.t == TN_I8) c.zero = constant(g, TN_I8, 0, ones, 0, 0);
    return coded_as(g, "DequantizeLinear", v, c, 1);
}

/* An input as codes and back: a value of 8 bits, perhaps by way of a table. */
static tn_value *eight_bits(graph *g, const char *name, int rank, const int64_t *dims) {
    coding c = coding_of(g, 1, 0.03, false);
    tn_value *v = numbers(g, quantised(g, input(g, name, TN_F32, rank, dims), c), c);
    if (!once_in(3)) return v;
    v = activated(g, v, rank);
    c = coding_of(g, 1, 0.03, false);
    return numbers(g, quantised(g, v, c), c);
}

static tn_value *weights(graph *g, int rank, const int64_t *dims, int64_t axis) {
    coding c = coding_of(g, once_in(2) ? dims[axis] : 1, 1.0 / 128, true);
    if (once_in(8)) *(float *)c.scale->constant->data = once_in(2) ? 0 : -0.01f;
    return coded_as(g, "DequantizeLinear", codes(g, c.t, rank, dims), c, axis);
}

/* int32 in units near those of the sums, or numbers. */
static tn_value *offsets(graph *g, int64_t n) {
    if (once_in(3)) return NULL;
    if (once_in(2)) return constant(g, TN_F32, 1, &n, -1, 1);
    tn_value *scale = constant(g, TN_F32, 0, ones, 0.0002, 0.0003);
    return op(g, "DequantizeLinear", constant(g, TN_I32, 1, &n, -3000, 3000), scale, NULL);
}

/* What ends a region: perhaps a limit, then codes. The last value is codes, or something moved of them. */
static tn_value *ends(graph *g, tn_value *v, double step, int rank) {
    if (once_in(3)) v = once_in(2) ? op(g, "Relu", v, NULL, NULL) : op(g, "Clip", v, scalar(g, -1), scalar(g, 2));
    coding c = coding_of(g, 1, step, false);
    v = quantised(g, v, c);
    if (!once_in(4)) return v;
    int64_t perm[4] = { 1, 0, 2, 3 };
    return quantised(g, turned(g, numbers(g, v, c), perm, rank), c);
}

static tn_value *quantised_conv(graph *g) {
    int64_t k = once_in(3) ? 1 : 1 + below(4), group = once_in(2) ? 1 : 1 + below(20),
            ic = 1 + below(group > 1 ? 2 : 40);
    int64_t oc = group > 1 && once_in(2) ? 1 : 1 + below(group > 1 ? 3 : 40), side = 4 + below(5),
            stride = 1 + below(2);
    if (once_in(3)) ic = 1, oc = 1, group = 1 + below(40);
    g->t = TN_F32, g->tame = true;
    tn_value *x =
        eight_bits(g, "x", 4, (int64_t[]){ size(g), ic * group, once_in(4) ? tn_sym(g->m->syms, "h") : side, side });
    tn_value *w = weights(g, 4, (int64_t[]){ oc * group, ic, k, k }, 0),
             *y = op(g, "Conv", x, w, offsets(g, oc * group));
    check_ok(tn_attr_set_int(y->producer, "group", group));
    check_ok(tn_attr_set_ints(y->producer, "strides", (int64_t[]){ stride, stride }, 2));
    if (once_in(2)) check_ok(tn_attr_set_ints(y->producer, "pads", (int64_t[]){ k / 2, k - 1, k / 2, 1 }, 4));
    if (once_in(5)) check_ok(tn_attr_set_ints(y->producer, "dilations", (int64_t[]){ 1, 2 }, 2));
    return ends(g, y, sqrt((double)(ic * k * k)) * 0.02, 4);
}

/* The same in one operator. */
static tn_value *linear_conv(graph *g) {
    int64_t k = 1 + below(3), group = once_in(3) ? 1 + below(20) : 1, ic = 1 + below(20), oc = 1 + below(20), n;
    g->t = TN_F32, g->tame = true;
    coding x = coding_of(g, 1, 0.03, false), y = coding_of(g, 1, sqrt((double)(ic * k * k)) * 0.02, false), w;
    tn_value *in[9] = { quantised(g, input(g, "x", TN_F32, 4, (int64_t[]){ size(g), ic * group, 6, 5 }), x), x.scale,
                        x.zero };
    n = oc * group;
    w = coding_of(g, once_in(2) ? n : 1, 1.0 / 128, true);
    if (!x.zero) in[2] = constant(g, x.t, 0, ones, 0, 0);
    in[3] = codes(g, w.t, 4, (int64_t[]){ n, ic, k, k }), in[4] = w.scale;
    in[5] = w.zero ? w.zero : constant(g, w.t, w.scale->constant->rank, w.scale->constant->dims, 0, 0);
    in[6] = y.scale, in[7] = y.zero ? y.zero : constant(g, y.t, 0, ones, 0, 0);
    if (once_in(2)) in[8] = constant(g, TN_I32, 1, &n, -3000, 3000);
    tn_node *c = tn_node_new(g->m->graph, NULL, "", "QLinearConv", in, in[8] ? 9 : 8, 1);
    check_ok(tn_attr_set_int(c, "group", group));
    check_ok(tn_attr_set_ints(c, "pads", (int64_t[]){ k / 2, k / 2, k / 2, k / 2 }, 4));
    tn_value *v = g->all[g->n++] = c->outputs[0];
    if (!once_in(3)) return v;
    v = op(g, "MaxPool", v, NULL, NULL);
    check_ok(tn_attr_set_ints(v->producer, "kernel_shape", (int64_t[]){ 2, 2 }, 2));
    return v;
}

static tn_value *quantised_product(graph *g) {
    int64_t m = once_in(16) ? 0 : size(g), k = 1 + below(40), n = 1 + below(40);
    g->t = TN_F32, g->tame = true;
    int rank = once_in(2) ? 3 : 2;
    int64_t a[3] = { 2, m, k };
    tn_value *x = eight_bits(g, "x", rank, a + 3 - rank), *y;
    if (rank == 2 && once_in(2)) {
        bool turn = once_in(2);
        y = op(g, "Gemm", x, weights(g, 2, (int64_t[]){ turn ? n : k, turn ? k : n }, !turn), offsets(g, n));
        if (turn) check_ok(tn_attr_set_int(y->producer, "transB", 1));
    } else if (once_in(3)) {
        y = op(g, "MatMul", x, eight_bits(g, "b", rank, (int64_t[]){ 2, k, n } + 3 - rank), NULL);
    } else if (once_in(3)) {
        y = op(g, "MatMul", x, turned(g, weights(g, 2, (int64_t[]){ n, k }, 0), (int64_t[]){ 1, 0 }, 2), NULL);
    } else {
        y = op(g, "MatMul", x, weights(g, 2, (int64_t[]){ k, n }, 1), NULL);
    }
    g->wide = true;
    if (once_in(4)) return y; /* stays float */
    return ends(g, y, sqrt((double)k) * 0.03, rank);
}

static tn_value *quantised_pair(graph *g) {
    static const char *const words[] = { "Add", "Sub", "Mul" };
    int rank = 2 + below(3);
    int64_t dims[4], part[4];
    g->t = TN_F32, g->tame = true;
    for (int i = 0; i < rank; i++) dims[i] = size(g);
    if (rank == 4) dims[1] = 1 + below(40);
    memcpy(part, dims, sizeof part);
    int r = rank;
    if (once_in(3)) r = part_of(rank, dims, part);
    tn_value *a = eight_bits(g, "a", rank, dims), *b = once_in(6) ? a : eight_bits(g, "b", r, part);
    const char *word = words[below(3)];
    return ends(g, once_in(2) ? op(g, word, a, b, NULL) : op(g, word, b, a, NULL), 0.06, rank);
}

static tn_value *quantised_moves(graph *g) {
    static const char *const pools[] = { "MaxPool", "AveragePool", "GlobalAveragePool" };
    int64_t c = once_in(2) ? 16 : 1 + below(40), dims[4] = { size(g), c, 5 + below(4), 6 };
    g->t = TN_F32, g->tame = true;
    tn_value *x = eight_bits(g, "x", 4, dims), *y = x;
    switch (below(5)) {
    case 0: y = activated(g, x, 4); break;
    case 1:
        y = op(g, "Concat", x, once_in(3) ? x : eight_bits(g, "b", 4, dims), NULL);
        check_ok(tn_attr_set_int(y->producer, "axis", 1 + below(3)));
        break;
    case 2: {
        tn_value *in[3] = { x, ints(g, (int64_t[]){ 0, 0, 1, 2, 0, 0, 1, 0 }, 8), once_in(2) ? scalar(g, 0.7) : NULL };
        y = op(g, "Pad", in[0], in[1], in[2]);
        if (once_in(3)) check_ok(tn_attr_set_string(y->producer, "mode", "reflect"));
        break;
    }
    default: {
        const char *word = pools[below(3)];
        y = op(g, word, x, NULL, NULL);
        if (!strcmp(word, "GlobalAveragePool")) break;
        int64_t k = 2 + below(2);
        check_ok(tn_attr_set_ints(y->producer, "kernel_shape", (int64_t[]){ k, 2 }, 2));
        check_ok(tn_attr_set_ints(y->producer, "strides", (int64_t[]){ 1 + below(2), 2 }, 2));
        check_ok(tn_attr_set_ints(y->producer, "pads", (int64_t[]){ 1, 0, below(2), 1 }, 4));
        if (once_in(3)) check_ok(tn_attr_set_int(y->producer, "ceil_mode", 1));
        if (*word == 'A' && once_in(2)) check_ok(tn_attr_set_int(y->producer, "count_include_pad", 1));
    }
    }
    return ends(g, y, 0.03, 4);
}

/* What dynamic quantisation writes. */
static tn_value *dynamic_product(graph *g) {
    int64_t m = size(g), k = 1 + below(60), n = 2 + below(40);
    g->t = TN_F32, g->wide = true, g->tame = true;
    tn_value *x = input(g, "x", TN_F32, 2, (int64_t[]){ m, k });
    tn_node *q = tn_node_new(g->m->graph, NULL, "", "DynamicQuantizeLinear", &x, 1, 3);
    coding c = coding_of(g, once_in(2) ? n : 1, 1.0 / 128, true);
    tn_value *in[4] = { q->outputs[0], codes(g, c.t, 2, (int64_t[]){ k, n }), q->outputs[2], c.zero };
    tn_node *p = tn_node_new(g->m->graph, NULL, "", "MatMulInteger", in, 4, 1);
    tn_value *y = op(g, "Cast", p->outputs[0], NULL, NULL);
    check_ok(tn_attr_set_int(y->producer, "to", tn_dtypes[TN_F32].onnx));
    y = either(g, "Mul", y, either(g, "Mul", q->outputs[1], c.scale));
    return once_in(3) ? y : either(g, "Add", y, constant(g, TN_F32, 1, &n, -1, 1));
}

/* Weights of few bits, with scales for all, for columns or for blocks. */
static tn_value *few_bits(graph *g) {
    static const tn_dtype types[] = { TN_I4, TN_U4, TN_I2, TN_U2, TN_I8, TN_U8 };
    tn_dtype t = types[below((int)TN_COUNT(types))];
    int64_t m = once_in(16) ? 0 : size(g), k = 16 * (1 + below(9)) + (once_in(3) ? below(16) : 0), n = 1 + below(40),
            block = 0;
    int turn = once_in(2), kind = tn_dtype_bits(t) == 8 ? 2 : below(3);
    if (kind == 2) block = once_in(3) ? 48 : 16 << below(3);
    int64_t blocks = block ? (k + block - 1) / block : 1, rows = turn ? n : k, columns = turn ? k : n,
            parts[2] = { turn ? n : blocks, turn ? blocks : n };
    g->t = TN_F32, g->wide = true, g->tame = true;
    tn_value *scale = kind == 0 ? scalar(g, 0.1) : constant(g, TN_F32, kind, kind == 1 ? &n : parts, 0.05, 0.15);
    tn_value *zero = once_in(3) ? NULL : codes(g, t, scale->constant->rank, scale->constant->dims);
    tn_value *w = op(g, "DequantizeLinear", codes(g, t, 2, (int64_t[]){ rows, columns }), scale, zero);
    check_ok(tn_attr_set_int(w->producer, "axis", kind == 2 ? turn : !turn));
    if (block) check_ok(tn_attr_set_int(w->producer, "block_size", block));
    bool gemm = once_in(2);
    tn_value *x = input(g, "x", TN_F32, gemm ? 2 : 3, gemm ? (int64_t[]){ m, k } : (int64_t[]){ 2, m, k });
    if (turn && !gemm) w = turned(g, w, (int64_t[]){ 1, 0 }, 2);
    tn_value *y = op(g, gemm ? "Gemm" : "MatMul", x, w, gemm && once_in(2) ? constant(g, TN_F32, 1, &n, -1, 1) : NULL);
    if (turn && gemm) check_ok(tn_attr_set_int(y->producer, "transB", 1));
    return once_in(3) ? op(g, "Add", y, op(g, "MatMul", x, w, NULL), NULL) : y;
}

/* Activations of 16 bits, weights of 8. */
static tn_value *sixteen_bits(graph *g) {
    tn_dtype t = once_in(2) ? TN_U16 : TN_I16;
    int64_t m = size(g), k = 1 + below(40), n = 1 + below(40);
    g->t = TN_F32, g->wide = true, g->tame = true;
    tn_value *x = input(g, "x", TN_F32, 2, (int64_t[]){ m, k }), *scale = scalar(g, once_in(2) ? 1e-4 : 3e-5);
    tn_value *zero = constant(g, t, 0, ones, t == TN_U16 ? 32000 : -700, t == TN_U16 ? 33000 : 700);
    for (int i = below(2); i >= 0; i--) {
        x = op(g, "DequantizeLinear", op(g, "QuantizeLinear", x, scale, zero), scale, zero);
        if (i) x = activated(g, x, 2);
    }
    tn_value *w = weights(g, 2, (int64_t[]){ k, n }, 1);
    return once_in(2) ? op(g, "MatMul", x, w, NULL) : op(g, "Gemm", x, w, offsets(g, n));
}

static const struct {
    const char *name;
    tn_value *(*build)(graph *g);
} patterns[] = {
    { "gate", gate },
    { "hard swish, hard sigmoid", hard },
    { "gelu", gelu },
    { "layer normalisation", layer_norm },
    { "attention", attention },
    { "convolution, scale, shift", conv_affine },
    { "convolution, activation", conv_activation },
    { "product, activation", product },
    { "blocked channels", region },
    { "pointwise chain", chain },
    { "16-bit floats", halves },
    { "kept weights", kept },
    { "nothing done", nothing },
    { "known values", known },
    { "quantised convolution", quantised_conv },
    { "quantised convolution in one", linear_conv },
    { "quantised product", quantised_product },
    { "quantised pair", quantised_pair },
    { "quantised movement", quantised_moves },
    { "dynamic quantisation", dynamic_product },
    { "weights of few bits", few_bits },
    { "codes of 16 bits", sixteen_bits },
};

/* -------------------------------------------------------------------------------------------------------- running */

static void special(tn_dtype t, tn_tensor *x) {
    static const double values[] = { NAN, INFINITY, -INFINITY };
    if (!tn_dtype_is_float(t) || !tn_count(x)) return;
    for (int i = below(3); i > 0; i--) tn_set_f64(t, x->data, below((int)tn_count(x)), values[below(3)]);
}

/* Rows that hide all, nothing, or some. */
static void fill_mask(const graph *g, tn_dtype t, tn_tensor *x) {
    int64_t n = tn_count(x), row = x->rank ? x->dims[x->rank - 1] : 1;
    double hides = t == TN_BOOL ? 1 : g->mode == SPECIAL ? -INFINITY : -1e4;
    for (int64_t i = 0; i < n; i += row) {
        int kind = below(4);
        for (int64_t k = 0; k < row; k++)
            tn_set_f64(t, x->data, i + k, kind == 0 || (kind > 1 && once_in(3)) ? hides : 0);
    }
}

static void fill(const graph *g, const tn_value *v, tn_tensor **out) {
    const tn_type *t = &v->type;
    int64_t dims[TN_MAX_RANK];
    for (int d = 0; d < t->rank; d++) dims[d] = tn_dim_known(t->dims[d]) ? t->dims[d] : SYMBOL;
    check_ok(tn_tensor_new(t->dtype, t->rank, dims, out));
    if (!strncmp(v->name, "mask", 4)) {
        fill_mask(g, t->dtype, *out);
        return;
    }
    for (int64_t i = 0; i < tn_count(*out); i++)
        tn_set_f64(t->dtype, (*out)->data, i, g->mode == LARGE ? 32 * (below(33) - 16) : 4 * uniform());
    if (g->mode == SPECIAL && !g->tame) special(t->dtype, *out);
}

enum { INPUTS = 12, OUTPUTS = MOST };
typedef struct {
    tn_tensor *v[OUTPUTS];
    int n;
} results;

static void drop(results *r) {
    for (int i = 0; i < r->n; i++) tn_tensor_free(&r->v[i]);
}

static tn_status run(const tn_model *m, bool plain, tn_tensor *const *in, results *out) {
    tn_session *s;
    tn_session_opts o = { .size = sizeof o, .threads = 1, .no_optimize = plain };
    out->n = m->graph->n_outputs;
    tn_status st = tn_session_new(m, &o, &s);
    if (st == TN_OK)
        st = tn_session_run(s, (size_t)m->graph->n_inputs, (const tn_tensor *const *)in, (size_t)out->n, out->v);
    tn_session_free(&s);
    if (st != TN_OK) out->n = 0;
    return st;
}

static double largest(const tn_tensor *t) {
    double most = 0;
    for (int64_t i = 0; tn_dtype_is_float(t->dtype) && i < tn_count(t); i++) {
        double v = fabs(tn_get_f64(t->dtype, t->data, i));
        if (isfinite(v) && v > most) most = v;
    }
    return most;
}

/* The largest number in these values of the graph (all that nodes made: only = NULL). */
static double largest_of(const graph *g, const tn_value *only, tn_tensor *const *in) {
    double most = 0;
    tn_model *probe;
    results all = { .n = 0 };
    check_ok(tn_model_clone(g->m, &probe));
    int from = probe->graph->n_outputs;
    for (int i = 0; i < g->n; i++)
        if (!only || g->all[i] == only) check_ok(tn_graph_add_output(probe->graph, probe->values[g->all[i]->id]));
    for (int i = 0; i < g->m->graph->n_inputs; i++)
        if (!only || g->m->graph->inputs[i] == only) most = fmax(most, largest(in[i]));
    if (run(probe, true, in, &all) == TN_OK)
        for (int i = from; i < all.n; i++) most = fmax(most, largest(all.v[i]));
    drop(&all);
    tn_model_close(&probe);
    return most;
}

/* Whether an inner number of 16 bits is infinite in the graph as it stands: computed in float32 it may not be. */
static bool overflows(const graph *g, tn_tensor *const *in) {
    bool found = false;
    tn_model *probe;
    results all = { .n = 0 };
    if (g->mode == SPECIAL || (g->t != TN_F16 && g->t != TN_BF16)) return false;
    check_ok(tn_model_clone(g->m, &probe));
    for (int i = 0; i < g->n; i++) check_ok(tn_graph_add_output(probe->graph, probe->values[g->all[i]->id]));
    check_ok(run(probe, true, in, &all));
    for (int i = 0; i < all.n; i++)
        for (int64_t k = 0; k < tn_count(all.v[i]) && all.v[i]->dtype == g->t; k++)
            found = found || !isfinite(tn_get_f64(g->t, all.v[i]->data, k));
    drop(&all);
    tn_model_close(&probe);
    return found;
}

/* What errors of this graph are measured against. */
static double scale_of(const graph *g, tn_tensor *const *in) {
    double most = 0;
    if (g->wide || g->scale) most = largest_of(g, g->scale, in);
    for (int i = 0; i < g->m->graph->n_inputs && !g->wide && !g->scale; i++) most = fmax(most, largest(in[i]));
    return 1 + most * (1 + (g->exponent ? 4 * largest_of(g, g->exponent, in) : 0)); /* 4: sums that cancel */
}

static bool near(tn_dtype t, double a, double b, double scale) {
    if (t == TN_U8 || t == TN_I8) return fabs(a - b) <= 1; /* where rounding errors decide between two codes */
    double eps = t == TN_F64 ? 1e-12 : t == TN_F16 ? 4e-3 : t == TN_BF16 ? 3e-2 : 4e-6;
    if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
    if (isinf(a) || isinf(b)) return a == b;
    return fabs(a - b) <= eps * (fabs(b) + scale);
}

static int wrong;
static void compare(const char *pattern, const char *pass, uint64_t round, const tn_model *m, const results *want,
                    const results *have, double scale) {
    for (int i = 0; i < want->n; i++) {
        const tn_tensor *a = have->v[i], *b = want->v[i];
        char ta[96], tb[96];
        if (a->dtype != b->dtype || !tn_dims_equal(a->rank, a->dims, b->rank, b->dims)) {
            print_error("%s, pass %s, round %d: output %d ('%s') is %s [%s], not %s [%s]\n", pattern, pass, (int)round,
                        i, m->graph->outputs[i]->name, tn_dtype_name(a->dtype), tn_dims_text(a->rank, a->dims, ta, 96),
                        tn_dtype_name(b->dtype), tn_dims_text(b->rank, b->dims, tb, 96));
            wrong++;
            return;
        }
        int64_t off = 0; /* codes that differ: few */
        for (int64_t k = 0; k < tn_count(a); k++) {
            double x = tn_get_f64(a->dtype, a->data, k), y = tn_get_f64(b->dtype, b->data, k);
            off += x != y && (a->dtype == TN_U8 || a->dtype == TN_I8);
            if (off <= 2 + tn_count(a) / 50 && near(a->dtype, x, y, scale)) continue;
            print_error("%s, pass %s, round %d: element %d of output %d ('%s') is %.9g, not %.9g\n", pattern, pass,
                        (int)round, (int)k, i, m->graph->outputs[i]->name, x, y);
            wrong++;
            return;
        }
    }
}

static bool same_types(const tn_graph *a, const tn_graph *b) {
    if (a->n_outputs != b->n_outputs) return false;
    for (int i = 0; i < a->n_outputs; i++) {
        const tn_type *x = &a->outputs[i]->type, *y = &b->outputs[i]->type;
        if (x->kind != y->kind || x->dtype != y->dtype || x->rank != y->rank) return false;
        for (int d = 0; d < x->rank; d++)
            if (x->dims[d] != y->dims[d]) return false;
    }
    return true;
}

/* A pass that rounds weights because it was asked to: its results are held to float16's rounding. */
static bool is_lossy(const tn_pass *p) { return !strcmp(p->name, "narrow-weights"); }

/* The model after one pass; how much that changed. */
static tn_status after_pass(const tn_model *m, const tn_pass *p, tn_model **out, int *changed) {
    tn_pass_ctx c = { .precision = is_lossy(p) ? "f16" : NULL };
    check_ok(tn_model_clone(m, out));
    TN_TRY(p->run(*out, &c));
    TN_TRY(tn_graph_infer((*out)->graph));
    *changed = c.changed;
    return tn_graph_check((*out)->graph);
}

static int taken[32], used[TN_COUNT(patterns)]; /* by pass, by pattern: graphs that were changed */

static void one_graph(size_t pattern, uint64_t round) {
    seed = 977 * (round + 1) + pattern * 1000003;
    for (int i = 0; i < 4; i++) test_random(&seed);
    graph g = { .mode = (mode)(round % MODES) };
    tn_tensor *in[INPUTS] = { 0 };
    results want, have;
    const char *name = patterns[pattern].name;
    check_ok(tn_model_new(&g.m));
    tn_value *y = patterns[pattern].build(&g);
    check_ok(tn_graph_add_output(g.m->graph, y));
    if (once_in(4) && g.all[0] != y) check_ok(tn_graph_add_output(g.m->graph, g.all[below(g.n)]));
    if (tn_graph_infer(g.m->graph) != TN_OK) goto done; /* shapes that do not fit: no graph */
    assert_true(g.m->graph->n_inputs <= INPUTS);
    for (int i = 0; i < g.m->graph->n_inputs; i++) fill(&g, g.m->graph->inputs[i], &in[i]);
    if (run(g.m, true, in, &want) != TN_OK) goto done;
    if (overflows(&g, in)) {
        drop(&want);
        goto done;
    }
    double scale = scale_of(&g, in);
    for (int p = 0; tn_passes[p].name; p++) {
        tn_model *m;
        int changed = 0;
        tn_status st = after_pass(g.m, &tn_passes[p], &m, &changed);
        taken[p] += changed > 0;
        used[pattern] += changed > 0;
        if (st == TN_OK && !same_types(m->graph, g.m->graph)) st = tn_fail(TN_E_TYPE, "the type of an output changed");
        if (st == TN_OK && changed) st = run(m, true, in, &have);
        if (st != TN_OK) {
            print_error("%s, pass %s, round %d: %s\n", name, tn_passes[p].name, (int)round, tn_error());
            wrong++;
            tn_model_close(&m);
            continue;
        }
        if (changed)
            compare(name, tn_passes[p].name, round, m, &want, &have, is_lossy(&tn_passes[p]) ? 1000 * scale : scale);
        if (changed) drop(&have);
        tn_model_close(&m);
    }
    tn_status st = run(g.m, false, in, &have);
    if (st == TN_OK) {
        compare(name, "all", round, g.m, &want, &have, scale);
        drop(&have);
    } else {
        print_error("%s, all passes, round %d: %s\n", name, (int)round, tn_error());
        wrong++;
    }
    drop(&want);
done:
    for (int i = 0; i < INPUTS; i++) tn_tensor_free(&in[i]);
    tn_model_close(&g.m);
}

static void every_pass_computes_the_same(void **state) {
    (void)state;
    const char *only = getenv("TN_EXACT"); /* "4,117": one graph again */
    if (only) {
        char *end;
        long pattern = strtol(only, &end, 10);
        one_graph((size_t)pattern, (uint64_t)strtol(end + 1, NULL, 10));
        assert_int_equal(wrong, 0);
        return;
    }
    for (size_t p = 0; p < TN_COUNT(patterns); p++) {
        int before = wrong;
        for (uint64_t round = 0; round < ROUNDS && wrong < before + 8; round++) one_graph(p, round);
    }
    assert_int_equal(wrong, 0);
    for (int p = 0; tn_passes[p].name; p++)
        check(taken[p] >= 10, "pass %s changed %d graphs: it needs a pattern\n", tn_passes[p].name, taken[p]);
    for (size_t p = 0; p < TN_COUNT(patterns); p++)
        check(used[p] >= ROUNDS / 20, "%d graphs of %s were changed\n", used[p], patterns[p].name);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_pass_computes_the_same) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
