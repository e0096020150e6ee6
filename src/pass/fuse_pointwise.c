/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fuse_pointwise.c - chains (and small trees and diamonds) of pointwise operators on float32 and bool, with the casts
 * of 16-bit floats at their ends, become one node, which walks memory once (op/math/pointwise.h).
 *
 * From the last node of a chain backwards: the producer of an operand joins when its value has the chain's shape and
 * nobody else wants it. Operands of other shapes broadcast; constant numbers become part of the program. */
#include "kernel/broadcast.h"
#include "op/math/pointwise.h"
#include "pass/util.h"
#include <string.h>

/* What a node is as an instruction, if it can be one. */
typedef struct {
    tn_instr_kind kind;
    int op, operands;
    float a, b;
} instr;

/* The program's letter for what v holds, 0 where there is none. */
static char letter_of(const tn_value *v) {
    return v->type.kind == TN_KIND_TENSOR ? (char)tn_op_program_type(v->type.dtype) : 0;
}

/* The instruction that a Cast is; TN_INSTR_COUNT where it is none. */
static tn_instr_kind cast_of(const tn_node *n) {
    static const struct {
        char from, to;
        tn_instr_kind kind;
    } casts[] = {
        { TN_PROGRAM_BOOL, TN_PROGRAM_F32, TN_P_TO_F32 },    { TN_PROGRAM_F32, TN_PROGRAM_BOOL, TN_P_TO_BOOL },
        { TN_PROGRAM_F16, TN_PROGRAM_F32, TN_P_FROM_F16 },   { TN_PROGRAM_F32, TN_PROGRAM_F16, TN_P_TO_F16 },
        { TN_PROGRAM_BF16, TN_PROGRAM_F32, TN_P_FROM_BF16 }, { TN_PROGRAM_F32, TN_PROGRAM_BF16, TN_P_TO_BF16 },
    };
    const tn_value *x = tn_pass_input(n, 0), *y = n->n_outputs ? n->outputs[0] : NULL;
    for (size_t i = 0; i < TN_COUNT(casts) && x && y; i++)
        if (letter_of(x) == casts[i].from && letter_of(y) == casts[i].to) return casts[i].kind;
    return TN_INSTR_COUNT;
}

static bool operand_fits(const tn_node *n, int i, char type) {
    const tn_value *v = tn_pass_input(n, i);
    double x;
    if (!v) return false;
    if (letter_of(v) == type) return true;
    /* Pow's exponent may be an integer */
    return type == 'f' && i == 1 && tn_pass_is_op(n, "", "Pow") && v->constant && tn_count(v->constant) == 1 &&
           (tn_dtype_is_int(v->constant->dtype) || tn_pass_scalar(v, &x));
}

static bool describe(const tn_node *n, instr *d) {
    static const char *const types[TN_INSTR_COUNT] = {
#define X(id, operands, types) types,
        TN_INSTRS(X)
#undef X
    };
    tn_unary fn;
    int arith = tn_op_arith_of(n);
    *d = (instr){ .operands = 1 };
    if (tn_op_unary_of(n, &fn, &d->a, &d->b)) {
        d->kind = TN_P_UNARY;
        d->op = fn;
    } else if (arith >= 0 && arith <= TN_A_GE) {
        d->kind = arith < TN_A_EQ ? TN_P_BINARY : TN_P_COMPARE;
        d->op = arith < TN_A_EQ ? arith : arith - TN_A_EQ;
        d->operands = 2;
    } else if (arith >= TN_A_AND) {
        d->kind = arith == TN_A_AND ? TN_P_AND : arith == TN_A_OR ? TN_P_OR : TN_P_XOR;
        d->operands = 2;
    } else if (tn_pass_is_op(n, "", "Where")) {
        d->kind = TN_P_WHERE;
        d->operands = 3;
    } else if (tn_pass_is_op(n, "", "Not")) {
        d->kind = TN_P_NOT;
    } else if (tn_pass_is_op(n, "", "Cast") && cast_of(n) != TN_INSTR_COUNT) {
        d->kind = cast_of(n);
    } else {
        return false;
    }
    const char *t = types[d->kind];
    if (n->n_outputs != 1 || !n->outputs[0] || letter_of(n->outputs[0]) != t[0]) return false;
    for (int i = 0; i < d->operands; i++)
        if (!operand_fits(n, i, t[i + 1])) return false;
    return true;
}

/* A chain while it grows. Nodes are marked with GROUP while they belong to it. */
enum { GROUP = 0x706f696e };
typedef struct {
    tn_node *root;
    int nodes, instrs; /* instructions: also for constants */
    const tn_type *shape;
} group;

static bool same_shape(const tn_type *a, const tn_type *b) {
    if (a->kind != TN_KIND_TENSOR || a->rank < 0 || a->rank != b->rank) return false;
    for (int d = 0; d < a->rank; d++)
        if (!tn_dim_same(a->dims[d], b->dims[d])) return false;
    return true;
}

static bool used_only_inside(const tn_value *v) {
    for (int i = 0; i < v->n_uses; i++)
        if (!v->uses[i].node || v->uses[i].node->mark != GROUP) return false;
    return v->n_uses > 0;
}

/* Adds producers until none fits any more. */
static void grow(group *g) {
    for (bool more = true; more;) {
        more = false;
        int seen = 0;
        for (tn_node *n = g->root; n && seen < g->nodes; n = n->prev) {
            if (n->mark != GROUP) continue;
            seen++;
            for (int i = 0; i < n->n_inputs; i++) {
                tn_node *p = n->inputs[i] ? n->inputs[i]->producer : NULL;
                instr d;
                if (!p || p->graph != g->root->graph || p->mark == GROUP || !used_only_inside(n->inputs[i])) continue;
                if (!describe(p, &d) || !same_shape(&n->inputs[i]->type, g->shape)) continue;
                if (g->instrs + 1 + d.operands > TN_PROGRAM_CODE) continue;
                p->mark = GROUP;
                g->nodes++;
                g->instrs += 1 + d.operands; /* at worst every operand is a constant */
                more = true;
            }
        }
    }
}

/* The program under construction, and which value of it stands for which value of the graph. */
typedef struct {
    tn_program p;
    tn_value *in[TN_PROGRAM_INPUTS];
    const tn_value *from[TN_PROGRAM_CODE];
} build;

static int value_of(build *b, const tn_node *n, tn_value *v) {
    double x;
    for (int i = 0; i < b->p.n_in; i++)
        if (b->in[i] == v) return i;
    for (int i = 0; i < b->p.n_code; i++)
        if (b->from[i] == v) return TN_PROGRAM_INPUTS + i;
    if (v->constant && v->constant->dtype != TN_BOOL && tn_count(v->constant) == 1) {
        x = tn_get_f64(v->constant->dtype, v->constant->data, 0);
        int c = tn_program_const(&b->p, (float)x);
        if (c >= 0) b->from[c - TN_PROGRAM_INPUTS] = v;
        return c;
    }
    int i = tn_program_input(&b->p, (tn_program_type)letter_of(v));
    if (i >= 0) b->in[i] = v;
    return i;
}

static bool translate(build *b, tn_node *n) {
    instr d;
    int src[3] = { 0 };
    if (!describe(n, &d)) return false;
    for (int i = 0; i < d.operands; i++)
        if ((src[i] = value_of(b, n, n->inputs[i])) < 0) return false;
    int v = tn_program_add(&b->p, d.kind, d.op, src[0], src[1], src[2], d.a, d.b);
    if (v >= 0) b->from[v - TN_PROGRAM_INPUTS] = n->outputs[0];
    return v >= 0;
}

/* Do the inputs alone broadcast to the chain's shape, as inference of the fused node will say? A constant number that
 * gave the shape its rank, for instance, is gone. */
static bool shape_remains(const build *b, const tn_type *shape) {
    for (int d = 0; d < shape->rank; d++) {
        bool found = shape->dims[d] == 1;
        for (int i = 0; i < b->p.n_in && !found; i++) {
            const tn_type *t = &b->in[i]->type;
            int own = d - (shape->rank - t->rank);
            found = t->rank >= 0 && own >= 0 && tn_dim_same(t->dims[own], shape->dims[d]);
        }
        if (!found) return false;
    }
    for (int i = 0; i < b->p.n_in; i++)
        if (b->in[i]->type.rank == shape->rank) return true;
    return false;
}

static tn_status replace(group *g, build *b, tn_pass_ctx *c) {
    tn_program_output(&b->p, TN_PROGRAM_INPUTS + b->p.n_code - 1);
    TN_TRY(tn_program_finish(&b->p));
    tn_build made = tn_build_in(g->root->graph, g->root);
    tn_node *f = tn_build_node(&made, "tenon", "Pointwise", b->in, b->p.n_in, 1);
    TN_TRY(made.st);
    TN_TRY(tn_op_set_program(f, &b->p));
    return tn_pass_become(g->root, f, c);
}

static tn_status fuse_at(tn_node *root, tn_pass_ctx *c) {
    instr d;
    group g = { .root = root, .nodes = 1 };
    if (root->mark == GROUP || !describe(root, &d) || root->outputs[0]->type.rank < 0) return TN_OK;
    for (int i = 0; i < root->outputs[0]->type.rank; i++)
        if (root->outputs[0]->type.dims[i] == TN_DIM_UNKNOWN) return TN_OK;
    tn_type shape = root->outputs[0]->type;
    g.shape = &shape;
    g.instrs = 1 + d.operands;
    root->mark = GROUP;
    grow(&g);
    build b = { .p = { 0 } };
    tn_node *n = root;
    int members = 1;
    for (; members < g.nodes; n = n->prev) members += n->prev->mark == GROUP; /* n: the first of the chain */
    bool good = g.nodes > 1;
    for (tn_node *end = root->next; n != end; n = n->next) {
        if (n->mark != GROUP) continue;
        good = good && translate(&b, n);
        n->mark = 0;
    }
    return good && shape_remains(&b, &shape) ? replace(&g, &b, c) : TN_OK;
}

static tn_status fuse_graph(tn_graph *g, tn_pass_ctx *c) {
    for (tn_node *n = g->first; n; n = n->next) n->mark = 0;
    for (tn_node *n = g->last; n;) {
        tn_node *after = n->next;
        TN_TRY(fuse_at(n, c));
        tn_node *here = after ? after->prev : g->last; /* n, or the fused node in its place */
        n = here == n ? n->prev : here;
    }
    return TN_OK;
}

tn_status tn_pass_fuse_pointwise(tn_model *m, tn_pass_ctx *c) { return tn_pass_each_graph(m->graph, fuse_graph, c); }
