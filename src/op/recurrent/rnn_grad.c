/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* rnn_grad.c - gradients of RNN, GRU and LSTM: each direction is written out as a Scan over its steps, and
 * differentiated through it. A row of the batch that has ended keeps its state and writes zeros, as in the operator
 * itself. */
#include "base/text.h"
#include "op/recurrent/grads.h"
#include <stdio.h>
#include <string.h>

/* Activations in formulas: %s is the argument; a and b the parameters. */
static const struct {
    const char *name, *formula;
    double a, b;
    bool has_a, has_b;
} activations[] = {
    { "Sigmoid", "Sigmoid(%s)", 0, 0, false, false },
    { "Tanh", "Tanh(%s)", 0, 0, false, false },
    { "Relu", "Relu(%s)", 0, 0, false, false },
    { "Affine", "(pa * %s + pb)", 1, 0, true, true },
    { "LeakyRelu", "LeakyRelu{alpha=%%#.9g}(%s)", 0.01f, 0, true, false },
    { "ThresholdedRelu", "ThresholdedRelu{alpha=%%#.9g}(%s)", 1, 0, true, false },
    { "ScaledTanh", "(pa * Tanh(pb * %s))", 1, 1, true, true },
    { "HardSigmoid", "HardSigmoid{alpha=%%#.9g,beta=%%#.9g}(%s)", 0.2f, 0.5f, true, true },
    { "Elu", "Elu{alpha=%%#.9g}(%s)", 1, 0, true, false },
    { "Softsign", "Softsign(%s)", 0, 0, false, false },
    { "Softplus", "Softplus(%s)", 0, 0, false, false },
};

typedef struct {
    int which;
    double a, b;
} activation;

typedef struct {
    tn_grad *g; /* builds inside the body */
    activation act[6];
    int gates, per, dir;
    double clip;
    bool before, forget; /* linear_before_reset, input_forget */
} cell;

static void read_activations(tn_grad *g, cell *c, int dirs) {
    static const char *const usual[] = { "Sigmoid", "Tanh", "Tanh" };
    const tn_attr *names = tn_attr_find(g->node, "activations");
    int na, nb, ia = 0, ib = 0;
    const float *alpha = tn_attr_floats(g->node, "activation_alpha", &na);
    const float *beta = tn_attr_floats(g->node, "activation_beta", &nb);
    for (int i = 0; i < c->per * dirs; i++) {
        const char *word = c->gates == 1 ? "Tanh" : usual[i % c->per];
        size_t len = strlen(word);
        if (names && (size_t)i < names->n) word = names->strings[i].ptr, len = names->strings[i].len;
        activation *a = &c->act[i];
        for (int k = 0; k < (int)TN_COUNT(activations); k++)
            if (tn_same_word_n(word, len, activations[k].name)) a->which = k;
        a->a = activations[a->which].a, a->b = activations[a->which].b;
        if (activations[a->which].has_a && alpha && ia < na) a->a = (double)alpha[ia++];
        if (activations[a->which].has_b && beta && ib < nb) a->b = (double)beta[ib++];
    }
}

/* name := activation `which` of the value `of`, clipped first unless it is the cell state's. */
static void activate(cell *c, const char *name, const char *of, int which, bool clipped) {
    tn_grad *g = c->g;
    const activation *a = &c->act[c->dir * c->per + which];
    char formula[160], call[160];
    tn_grad_formula(g, "act_in = %s", of);
    if (clipped && c->clip > 0) {
        tn_grad_let_number(g, "clip", c->clip);
        tn_grad_formula(g, "act_in = Clip(act_in, -clip, clip)");
    }
    tn_grad_let_number(g, "pa", a->a);
    tn_grad_let_number(g, "pb", a->b);
    snprintf(formula, sizeof formula, activations[a->which].formula, "act_in");
    snprintf(call, sizeof call, formula, a->a, a->b);
    tn_grad_let(g, name, tn_grad_formula(g, "%s", call));
}

/* One step: p (the input's share of all gates, [batch, gates hidden]), h, and c of LSTM, to new_h (and new_c).
 * Captured: r [gates hidden, hidden], rb (GRU's own bias of the candidate) and peep. */
static void step(cell *c, bool peephole) {
    tn_grad *g = c->g;
    if (c->gates == 1) {
        activate(c, "new_h", "p + MatMul(h, rt)", 0, true);
    } else if (c->gates == 3) {
        tn_grad_formula(g, "pz = Slice(p, [0], n1, [1]); pr = Slice(p, n1, n2, [1]); ph = Slice(p, n2, n3, [1]);"
                           "rz = Slice(rt, [0], n1, [1]); rr = Slice(rt, n1, n2, [1]); rh = Slice(rt, n2, n3, [1])");
        activate(c, "z", "pz + MatMul(h, rz)", 0, true);
        activate(c, "r", "pr + MatMul(h, rr)", 0, true);
        activate(c, "k", c->before ? "ph + r * (MatMul(h, rh) + rb)" : "ph + MatMul(r * h, rh)", 1, true);
        tn_grad_formula(g, "new_h = (1 - z) * k + z * h");
    } else {
        tn_grad_formula(g, "q = p + MatMul(h, rt);"
                           "qi = Slice(q, [0], n1, [1]); qo = Slice(q, n1, n2, [1]); qf = Slice(q, n2, n3, [1]);"
                           "qc = Slice(q, n3, n4, [1])");
        if (peephole)
            tn_grad_formula(g, "pi = Slice(peep, [0], n1, [0]); po = Slice(peep, n1, n2, [0]);"
                               "pf = Slice(peep, n2, n3, [0]); qi = qi + pi * c; qf = qf + pf * c");
        activate(c, "i", "qi", 0, true);
        if (c->forget)
            tn_grad_formula(g, "f = 1 - i");
        else
            activate(c, "f", "qf", 0, true);
        activate(c, "k", "qc", 1, true);
        tn_grad_formula(g, "new_c = f * c + i * k");
        if (peephole) tn_grad_formula(g, "qo = qo + po * new_c");
        activate(c, "o", "qo", 0, true);
        activate(c, "t", "new_c", 2, false);
        tn_grad_formula(g, "new_h = o * t");
    }
}

static tn_value *body_input(tn_grad *g, tn_graph *body, const char *name, const tn_type *t) {
    tn_value *v = g->st == TN_OK ? tn_value_input(body, name, t) : NULL;
    if (!v && g->st == TN_OK) g->st = TN_E_NOMEM;
    return v;
}

static tn_type without_first(const tn_type *t) {
    tn_type s = *t;
    if (s.rank < 1) return tn_type_tensor(t->dtype); /* W's shape is not known */
    s.rank--;
    memmove(s.dims, t->dims + 1, sizeof t->dims[0] * (size_t)s.rank);
    return s;
}

/* A Scan of the cell over "steps" [seq, batch, gates hidden] from h0 (and c0); active [seq, batch, 1] or NULL. */
static tn_node *scan(tn_grad *g, cell *c, bool peephole, tn_value *active, int states) {
    tn_grad outer = *g;
    tn_graph *body = tn_graph_new(g->graph->model, g->graph, "steps");
    tn_value *in[4], *h, *cc = NULL, *steps = tn_grad_formula(g, "steps"), *h0 = tn_grad_formula(g, "h0");
    int n = 0;
    if (!body || g->st != TN_OK) {
        if (g->st == TN_OK) g->st = TN_E_NOMEM;
        return NULL;
    }
    in[n++] = h0;
    h = body_input(g, body, "h", &h0->type);
    if (states == 2) in[n++] = tn_grad_formula(g, "c0"), cc = body_input(g, body, "c", &in[1]->type);
    tn_type ts = without_first(&steps->type);
    tn_value *p = body_input(g, body, "p", &ts), *on = NULL;
    in[n++] = steps;
    if (active) {
        tn_type ta = without_first(&active->type);
        in[n++] = active, on = body_input(g, body, "on", &ta);
    }
    if (g->st != TN_OK) return NULL;
    g->graph = body, g->before = NULL;
    tn_grad_let(g, "h", h);
    tn_grad_let(g, "c", cc);
    tn_grad_let(g, "p", p);
    step(c, peephole);
    if (on) {
        tn_grad_let(g, "on", on);
        tn_grad_formula(g, "shown = Where(on, new_h, 0); new_h = Where(on, new_h, h)");
        if (cc) tn_grad_formula(g, "new_c = Where(on, new_c, c)");
    } else {
        tn_grad_formula(g, "shown = Identity(new_h)");
    }
    tn_value *out[3] = { tn_grad_formula(g, "new_h"), NULL, NULL };
    int n_out = 1;
    if (cc) out[n_out++] = tn_grad_formula(g, "new_c");
    out[n_out++] = tn_grad_formula(g, "shown");
    for (int i = 0; i < n_out && g->st == TN_OK; i++) g->st = tn_graph_add_output(body, out[i]);
    g->graph = outer.graph, g->before = outer.before;
    tn_node *node = tn_build_node(&g->build, "", "Scan", in, n, n_out);
    if (!node) return NULL;
    g->st = tn_attr_set(node, &(tn_attr){ .name = "body", .kind = TN_ATTR_GRAPH, .graph = body });
    if (g->st == TN_OK) g->st = tn_attr_set_int(node, "num_scan_inputs", active ? 2 : 1);
    node->outputs[0]->type = h0->type;
    if (cc) node->outputs[1]->type = h0->type;
    tn_type ty = tn_type_tensor(h0->type.dtype); /* [seq, batch, hidden] */
    if (h0->type.rank == 2 && steps->type.rank == 3) {
        memcpy(ty.dims + 1, h0->type.dims, sizeof ty.dims[0] * 2);
        ty.dims[0] = steps->type.dims[0], ty.rank = 3;
    }
    node->outputs[n_out - 1]->type = ty;
    return node;
}

/* Direction d of W, R, B, P and the initial states, as matrices. */
static bool pick(tn_grad *g, const cell *c, int d, bool batch_first) {
    int gates = c->gates;
    tn_value *pb = tn_grad_x(g, 3), *lens = tn_grad_x(g, 4);
    tn_grad_formula(g,
                    "w = Gather{axis=0}(x1, #%d); rt = Transpose(Gather{axis=0}(x2, #%d));"
                    "n1 = Slice(Shape(rt), [0], [1]); n2 = n1 + n1; n3 = n2 + n1; n4 = n3 + n1",
                    d, d);
    tn_grad_formula(g, "xs = x0; %s", batch_first ? "xs = Transpose{perm=[1, 0, 2]}(x0)" : "xs = x0");
    tn_grad_formula(g, "rb = 0");
    (void)lens;
    if (pb)
        tn_grad_formula(
            g, "all = Gather{axis=0}(x3, #%d); wb = Slice(all, [0], %s, [0]); rb = Slice(all, %s, %s + %s, [0])", d,
            gates == 1   ? "n1"
            : gates == 3 ? "n3"
                         : "n4",
            gates == 1   ? "n1"
            : gates == 3 ? "n3"
                         : "n4",
            gates == 1   ? "n1"
            : gates == 3 ? "n3"
                         : "n4",
            gates == 1   ? "n1"
            : gates == 3 ? "n3"
                         : "n4");
    if (pb && gates == 3 && c->before) /* the candidate's own bias is added before the reset */
        tn_grad_formula(g, "bias = wb + Concat{axis=0}(Slice(rb, [0], n2, [0]), Expand(CastLike(0, wb), n1));"
                           "rb = Slice(rb, n2, n3, [0])");
    else if (pb)
        tn_grad_formula(g, "bias = wb + rb");
    return g->st == TN_OK;
}

static tn_value *initial(tn_grad *g, int input, int d, bool batch_first) {
    if (input < g->node->n_inputs && tn_grad_x(g, input))
        return tn_grad_formula(g, "Gather{axis=%d}(x%d, #%d)", batch_first, input, d);
    return tn_grad_formula(g, "Expand(CastLike(0, x), Concat{axis=0}(Slice(Shape(xs), [1], [2]), n1))");
}

tn_status tn_grad_rnn(tn_grad *g) {
    tn_node *mark = tn_grad_mark(g);
    const tn_node *n = g->node;
    cell c = { .g = g, .gates = n->op->arg, .clip = (double)tn_attr_float(n, "clip", 0) };
    bool two = tn_attr_is(n, "direction", "bidirectional", "forward");
    bool first_back = tn_attr_is(n, "direction", "reverse", "forward"), batch_first = tn_attr_int(n, "layout", 0) == 1;
    bool peephole = c.gates == 4 && tn_grad_x(g, 7);
    int dirs = two ? 2 : 1, states = c.gates == 4 ? 2 : 1;
    tn_value *lens = tn_grad_x(g, 4), *y[2] = { 0 }, *h[2] = { 0 }, *cs[2] = { 0 };
    c.per = c.gates == 4 ? 3 : c.gates == 3 ? 2 : 1;
    c.before = tn_attr_int(n, "linear_before_reset", 0) != 0;
    c.forget = tn_attr_int(n, "input_forget", 0) != 0;
    read_activations(g, &c, dirs);
    if (tn_grad_rank(g, tn_grad_x(g, 0)) != 3 && g->st == TN_OK)
        return tn_op_fail(n, TN_E_SHAPE, "X needs 3 dimensions");
    for (int d = 0; d < dirs && pick(g, &c, d, batch_first); d++) {
        bool back = d == 1 || first_back;
        tn_value *active = NULL;
        c.dir = d;
        if (lens)
            tn_grad_formula(g, "len64 = Cast{to=7}(x4); active = Unsqueeze(Less(Unsqueeze(Range(#0, Squeeze(Slice("
                               "Shape(xs), [0], [1]), [0]), #1), [1]), Unsqueeze(len64, [0])), [2])");
        else if (back)
            tn_grad_formula(g, "len64 = Expand(Slice(Shape(xs), [0], [1]), Slice(Shape(xs), [1], [2]))");
        if (lens) active = tn_grad_formula(g, "active");
        if (back) tn_grad_formula(g, "xs = ReverseSequence{time_axis=0,batch_axis=1}(xs, len64)");
        tn_grad_formula(g, "steps = MatMul(xs, Transpose(w))%s", tn_grad_x(g, 3) ? " + bias" : "");
        tn_grad_let(g, "h0", initial(g, 5, d, batch_first));
        if (states == 2) tn_grad_let(g, "c0", initial(g, 6, d, batch_first));
        if (peephole) tn_grad_formula(g, "peep = Gather{axis=0}(x7, #%d)", d);
        tn_node *s = scan(g, &c, peephole, active, states);
        if (g->st != TN_OK) return g->st;
        h[d] = s->outputs[0], cs[d] = states == 2 ? s->outputs[1] : NULL;
        tn_grad_let(g, "shown_all", s->outputs[states]);
        y[d] = back ? tn_grad_formula(g, "ReverseSequence{time_axis=0,batch_axis=1}(shown_all, len64)")
                    : s->outputs[states];
    }
    tn_value *ys[3] = { 0 };
    for (int k = 0; k < 1 + states && k < n->n_outputs && g->st == TN_OK; k++) { /* the directions side by side */
        tn_value *const *part = k == 0 ? y : k == 1 ? h : cs;
        if (!g->dy[k]) continue;
        tn_value *axis = tn_build_int(&g->build, "int", k == 0 ? 1 : 0);
        tn_grad_let(g, "part", tn_emit(&g->build, "Unsqueeze", part[0], axis));
        if (two) {
            tn_grad_let(g, "other", tn_emit(&g->build, "Unsqueeze", part[1], axis));
            tn_grad_formula(g, "part = Concat{axis=%d}(part, other)", k == 0 ? 1 : 0);
        }
        if (batch_first)
            tn_grad_formula(g, k == 0 ? "part = Transpose{perm=[2, 0, 1, 3]}(part)"
                                      : "part = Transpose{perm=[1, 0, 2]}(part)");
        ys[k] = tn_grad_formula(g, "part");
    }
    tn_grad_through(g, mark, ys, 3);
    return g->st;
}
