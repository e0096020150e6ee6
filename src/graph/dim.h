/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* dim.h - dimensions: constants, unknowns, and small expressions over symbols ("batch", "past + 1", "ceil(h/2)").
 *
 * A tn_dim is one int64: >= 0 is the size itself; TN_DIM_UNKNOWN is no knowledge at all; every other negative value
 * names an expression in a tn_syms pool. Expressions are kept in one normal form - a sum of integer multiples of
 * products of atoms, an atom being a symbol or a function that is not polynomial - so equal expressions are the same
 * number and compare with ==. Values that stand for contents of shape tensors may be negative constants, so
 * contents use tn_dim too, through TN_CONST: see tn_dim_const.
 *
 * Constants need no pool: arithmetic on them never touches `syms`, which may then be NULL. A pool is not safe from
 * several threads at once. */
#ifndef TN_GRAPH_DIM_H
#define TN_GRAPH_DIM_H

#include "base/arena.h"
#include "base/status.h"
#include "base/text.h"

/* Constants are any int64 in [-2^61, 2^62); expressions are -2^63 + 1 + id; unknown is -2^63. */
typedef int64_t tn_dim;
#define TN_DIM_UNKNOWN  INT64_MIN
#define TN_DIM_EXPR_TOP (-(INT64_C(1) << 61))

static inline bool tn_dim_known(tn_dim d) { return d >= TN_DIM_EXPR_TOP; } /* a constant */
static inline bool tn_dim_symbolic(tn_dim d) { return d != TN_DIM_UNKNOWN && d < TN_DIM_EXPR_TOP; }

/** Numbers beyond what a tn_dim holds (slices end at INT64_MAX) are clamped to these two when they are read as dims. */
#define TN_DIM_LEAST (-(INT64_C(1) << 61))
#define TN_DIM_MOST  ((INT64_C(1) << 62) - 1)
/** A constant that was not clamped: the very number. */
static inline bool tn_dim_exact(tn_dim d) { return d > TN_DIM_LEAST && d < TN_DIM_MOST; }
static inline tn_dim tn_dim_clamp(int64_t v) {
    return v < TN_DIM_LEAST ? TN_DIM_LEAST : v > TN_DIM_MOST ? TN_DIM_MOST : v;
}

typedef struct tn_syms tn_syms;
tn_syms *tn_syms_new(void);               /* NULL when out of memory */
tn_syms *tn_syms_clone(const tn_syms *s); /* every tn_dim of s means the same in the copy */
void tn_syms_free(tn_syms **s);

/** The symbol of that name; the same name gives the same dimension. A symbol is >= 0. */
tn_dim tn_sym(tn_syms *s, const char *name);
/** A symbol nobody has named: "unk__3". Two calls give two symbols. */
tn_dim tn_sym_fresh(tn_syms *s, const char *hint);
int tn_sym_count(const tn_syms *s);
const char *tn_sym_name(const tn_syms *s, int i);
tn_dim tn_sym_at(const tn_syms *s, int i);

/* Arithmetic. UNKNOWN in gives UNKNOWN out; so does overflow, division by zero and exhausted memory. */
tn_dim tn_dim_add(tn_syms *s, tn_dim a, tn_dim b);
tn_dim tn_dim_sub(tn_syms *s, tn_dim a, tn_dim b);
tn_dim tn_dim_mul(tn_syms *s, tn_dim a, tn_dim b);
tn_dim tn_dim_div(tn_syms *s, tn_dim a, tn_dim b); /* floor; exact polynomial division is simplified */
tn_dim tn_dim_ceil_div(tn_syms *s, tn_dim a, tn_dim b);
tn_dim tn_dim_trunc_div(tn_syms *s, tn_dim a, tn_dim b); /* C's division, what ONNX Div does on integers */
tn_dim tn_dim_mod(tn_syms *s, tn_dim a, tn_dim b);       /* floor modulo */
tn_dim tn_dim_min(tn_syms *s, tn_dim a, tn_dim b);
tn_dim tn_dim_max(tn_syms *s, tn_dim a, tn_dim b);
tn_dim tn_dim_scale(tn_syms *s, tn_dim a, double by); /* floor(a * by): Resize */

/** True only when a >= b whatever the symbols are (each >= 0, and below 2^31: slices end at INT32_MAX). */
bool tn_dim_ge(const tn_syms *s, tn_dim a, tn_dim b);

/** True only when a and b are certainly the same number. */
static inline bool tn_dim_same(tn_dim a, tn_dim b) { return a == b && a != TN_DIM_UNKNOWN; }

/** The number of d when symbol i has value bindings[i] (TN_DIM_UNKNOWN: not bound); TN_DIM_UNKNOWN if it stays open. */
tn_dim tn_dim_eval(const tn_syms *s, tn_dim d, const int64_t *bindings, int n);

/** The dimension such a text means ("2*h + 1", "past + seq", "ceil(h/4)"), symbols by name; TN_DIM_UNKNOWN when it is
 * no expression. Symbols named on the way stay in the pool. */
tn_dim tn_dim_parse(tn_syms *s, const char *text);

/** "3", "batch", "2*h + 1", "?"; in t. */
void tn_dim_print(const tn_syms *s, tn_dim d, tn_text *t);

#endif
