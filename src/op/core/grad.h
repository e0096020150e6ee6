/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* grad.h - gradients: what an operator's row says about its derivative, and the words backward builders are written in.
 *
 * A builder receives the gradients of the forward node's outputs and adds nodes that compute those of its inputs:
 * vector-Jacobian products, mostly existing operators, so that a gradient is a graph like any other - it can be saved,
 * optimised, and differentiated again. The walk over a graph is op/core/gradient.h.
 *
 * Words never fail one by one: the first failure is kept in g->st, later words do nothing, and the walk reports it. */
#ifndef TN_OP_CORE_GRAD_H
#define TN_OP_CORE_GRAD_H

#include "graph/build.h"
#include "op/core/op.h"

enum { TN_GRAD_NAMES = 96 };

/* A builder (graph/build.h) that infers types, of what the forward node's derivative means: its words are for
 * gradients, too, as tn_emit(&g->build, "Exp", x). */
typedef struct tn_grad {
    union {
        tn_build build;
        struct {
            TN_BUILD_MEMBERS
        };
    };
    tn_value **dy; /* per output of it; NULL: nothing flows back from that output */
    tn_value **dx; /* per input: set by the builder where wants[i]; NULL stays "no contribution" */
    const bool *wants;
    tn_dtype dtype; /* of numbers in formulas: that of the first float input */
    struct tn_grad_walk *walk;
    struct {
        const char *name;
        tn_value *value;
    } names[TN_GRAD_NAMES]; /* of formulas */
    int n_names;
} tn_grad;

/* ---------------------------------------------------------------------------------------- what a row's .grad can be */

typedef tn_status (*tn_grad_fn)(tn_grad *g);

/** The mark of operators that have no gradient by nature: comparisons, integers, shapes, rounding, random numbers. What
 *  flows back stops there, silently. */
tn_status tn_grad_none(tn_grad *g);
/** The mark of operators whose gradient is refused with a message (sequences, optionals): nothing would be wrong with
 *  it, but it is not written. */
tn_status tn_grad_refused(tn_grad *g);

typedef enum { TN_GRAD_UNDECIDED, TN_GRAD_NONE, TN_GRAD_REFUSED, TN_GRAD_GIVEN } tn_grad_kind;
tn_grad_kind tn_grad_kind_of(const tn_op *op);
/** Of an operator that is rewritten as others: none where no number flows through it, else the strictest of theirs. */
tn_grad_kind tn_grad_kind_of_all(const tn_op *op, const tn_op *const *parts, int n);

/* -------------------------------------------------------------------------------------------------------- formulas */

/** Builds nodes from a formula, printf-style, and returns the value of its last statement:
 *
 *      "m = Cast{to=1}(Less(x0, 0)); dx0 = dy * m; dx1 ~= -dy * x0"
 *
 *  names     x0, x1.. inputs, y0, y1.. outputs, d0, d1.. their gradients (zeros where nothing flows); x, y, dy are the
 *            first ones; what tn_grad_let or an earlier statement named; _ an omitted input
 *  numbers   2, 0.5: scalars of type g->dtype; #2 an int64 scalar, [0,-1] an int64 vector
 *  calls     any operator: Op(args), Op{axis=1,mode=linear}(args); "tenon.Op" for internal ones
 *  dxN =     sets the gradient of input N; skipped when it is not wanted. dxN ~= sums it to the input's shape first. */
tn_value *tn_grad_formula(tn_grad *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void tn_grad_let(tn_grad *g, const char *name, tn_value *v);
void tn_grad_let_number(tn_grad *g, const char *name, double v); /* a scalar of type g->dtype */

/** Reads a formula without building anything: whether it is well formed, every operator is known and takes as many
 *  arguments and these attributes, and every name is known. For the test, which reads those of the sources.
 *  errors TN_E_INVALID: what is wrong, and where */
typedef struct {
    bool (*known)(const char *name, size_t len, void *user); /* besides x0, y0, d0 and the like */
    bool (*is_any)(const char *type);                        /* it stands for any operator, with any arguments */
    void *user;
} tn_formula_names;
tn_status tn_formula_check(const char *text, const tn_formula_names *names);

/** Differentiates through a formula: ys[i], computed from the node's inputs by words and formulas after `mark`, stand
 *  for its outputs; what they owe to the inputs becomes dx, and what they owe to values that the node's subgraphs
 *  capture is given to those. For composite operators. */
tn_node *tn_grad_mark(tn_grad *g);
void tn_grad_through(tn_grad *g, tn_node *mark, tn_value *const *ys, int n);

/* ----------------------------------------------------------------------------------------------------------- words */

void tn_grad_fail(tn_grad *g, tn_status st, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
tn_value *tn_grad_x(tn_grad *g, int i);  /* input i, NULL when omitted */
tn_value *tn_grad_y(tn_grad *g, int i);  /* output i; added to the node when nobody wanted it so far */
tn_value *tn_grad_dy(tn_grad *g, int i); /* its gradient, zeros when there is none */
static inline bool tn_grad_wants(const tn_grad *g, int i) { return i < g->node->n_inputs && g->wants[i]; }
int tn_grad_rank(tn_grad *g, const tn_value *v); /* fails when it is not known (and gives 0) */

tn_value *tn_grad_reals(tn_grad *g, const double *v, int rank, const int64_t *dims); /* of type g->dtype */
tn_value *tn_grad_floats(tn_grad *g, const float *v, int rank, const int64_t *dims);
tn_value *tn_grad_shape(tn_grad *g, tn_value *v);             /* constant where it is known */
tn_value *tn_grad_fill(tn_grad *g, tn_value *like, double v); /* like's shape and type; zeros of sequences, too */
tn_value *tn_grad_add(tn_grad *g, tn_value *a, tn_value *b);  /* of tensors, sequences, optionals */
tn_value *tn_grad_zeros_of(tn_grad *g, tn_value *like);       /* tn_grad_fill of a sequence or an optional */
tn_value *tn_grad_reshape_like(tn_grad *g, tn_value *v, tn_value *like);
tn_value *tn_grad_transpose(tn_grad *g, tn_value *v, const int *perm, int rank);
/** v, whose shape some broadcast of x's gave, summed back to x's shape. */
tn_value *tn_grad_sum_to(tn_grad *g, tn_value *v, tn_value *x);
/** The gradient of copying: element i of the output came from element at[i] of x, counted flat (-1: from nowhere). */
tn_value *tn_grad_scatter(tn_grad *g, tn_value *dy, tn_value *at, tn_value *x);
/** 0, 1, 2.. in x's shape (int64): what a copying operator makes of it says where its elements came from. */
tn_value *tn_grad_positions(tn_grad *g, tn_value *x);
/* Operators that copy some elements and put zeros elsewhere are run on places, positions counted from 1: 0 is nowhere.
 */
tn_value *tn_grad_places(tn_grad *g, tn_value *x); /* int64, in x's shape */
/** The gradient of x: dy flows back to where `at`, what came out of the places, says. */
tn_value *tn_grad_from_places(tn_grad *g, tn_value *at, tn_value *x);
/** The forward node again on another first input. */
tn_value *tn_grad_again(tn_grad *g, tn_value *x);
static inline int tn_grad_axis(int64_t axis, int rank) { return (int)(axis < 0 ? axis + rank : axis); }

/* For rows of ai.onnx.ml; both name what they return "d". */

/* Subgraphs of backward nodes. Words add to one through a tn_grad whose graph it is. */
tn_graph *tn_grad_body(tn_grad *g, const char *name);
tn_value *tn_grad_body_input(tn_grad *g, tn_graph *sub, const char *name, const tn_type *t);
void tn_grad_body_output(tn_grad *g, tn_graph *sub, tn_value *v); /* outer values and inputs go through an Identity */

/* For operators with subgraphs: what their bodies capture. */
void tn_grad_give(tn_grad *g, tn_value *v, tn_value *d); /* adds d to what flows back to v */
bool tn_grad_differentiable(const tn_type *t); /* floats, or sequences and optionals of floats; what is not known */
bool tn_grad_depends(const tn_grad *g, const tn_value *v);
enum { TN_GRAD_VALUES = 256 };
typedef struct {
    tn_value *v[TN_GRAD_VALUES];
    int n;
} tn_grad_values;
void tn_grad_captured(tn_grad *g, const tn_graph *sub,
                      tn_grad_values *list); /* appends outer values that depend on xs */

#endif
