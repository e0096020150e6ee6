/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* dim_pool.h - what the files of symbolic dimensions share. Every expression is a polynomial over atoms, hash-consed,
 * so that equal expressions have equal numbers:
 *
 *   expression = sum of coefficient * monomial, sorted with the leading monomial first (graded lexicographic order)
 *   monomial   = product of atom^power, sorted by atom
 *   atom       = symbol | floor(x / y) | min(x, y) | max(x, y) | floor(x * real)
 *
 *   dim_pool.c   the pool: atoms, monomials and expressions by number; symbols
 *   dim_poly.c   monomials and polynomials
 *   dim_bound.c  what an expression is never below
 *   dim.c        arithmetic
 *   dim_print.c  evaluation and printing; dim_parse.c reads */
#ifndef TN_GRAPH_DIM_POOL_H
#define TN_GRAPH_DIM_POOL_H

#include "base/map.h"
#include "graph/dim.h"

#define TN_DIM_TERMS   64
#define TN_DIM_FACTORS 16
#define TN_DIM_DEGREE  64
#define TN_DIM_DEPTH   48   /* atoms within atoms: bounds every recursion */
#define TN_DIM_SIZE    4096 /* of an expression written out: bounds evaluation and printing */
#define TN_DIM_COEF    (INT64_C(1) << 61)

typedef enum { TN_ATOM_SYMBOL, TN_ATOM_FLOOR_DIV, TN_ATOM_MIN, TN_ATOM_MAX, TN_ATOM_SCALE } tn_atom_kind;

typedef struct {
    tn_atom_kind kind;
    int depth, size;
    int symbol;
    tn_dim a, b;
    double by;
    double low; /* it is never below this; -INFINITY: no idea */
} tn_atom;

typedef struct {
    int atom, power;
} tn_factor;

typedef struct {
    int n, degree;
    tn_factor f[];
} tn_mono;

typedef struct {
    int64_t coef;
    int mono;
} tn_term;

typedef struct {
    int n, depth, size;
    tn_term t[];
} tn_expr;

typedef struct { /* an expression being worked on; n < 0: gave up */
    int n;
    tn_term t[TN_DIM_TERMS];
} tn_poly;
#define TN_POLY_GAVE_UP ((tn_poly){ .n = -1 })

typedef struct { /* entries are index + 1; 0: free */
    int *slots;
    size_t mask;
    int used;
} tn_dim_table;

typedef struct {
    void **v;
    int n, cap;
} tn_dim_list;

struct tn_syms {
    tn_arena *arena;
    tn_dim_list atoms, monos, exprs, names; /* symbol i is called names[i] and is the dimension symbols[i] */
    tn_dim *symbols;
    int cap_symbols;
    tn_dim_table atom_table, mono_table, expr_table;
    tn_map *by_name; /* -> the symbol's atom */
};

static inline const tn_atom *tn_atom_at(const tn_syms *s, int i) { return s->atoms.v[i]; }
static inline const tn_mono *tn_mono_at(const tn_syms *s, int i) { return s->monos.v[i]; }
static inline const tn_expr *tn_expr_at(const tn_syms *s, tn_dim d) { return s->exprs.v[d - (INT64_MIN + 1)]; }

/* dim_pool.c */
/** The index of an equal one, of a new one otherwise; -1 when out of memory. */
int tn_pool_mono(tn_syms *s, const tn_mono *m);
int tn_pool_expr(tn_syms *s, const tn_expr *e);
/** The dimension that is one atom; what cannot be held is unknown. */
tn_dim tn_atom_make(tn_syms *s, tn_atom_kind kind, tn_dim a, tn_dim b, double by);
/** The atom d is made of, when d is exactly one atom of that kind; else NULL. */
const tn_atom *tn_atom_as(const tn_syms *s, tn_dim d, tn_atom_kind kind);

/* dim_poly.c */
int tn_mono_one(tn_syms *s);
int tn_mono_of_atom(tn_syms *s, int a);
int tn_mono_div(tn_syms *s, int x, int y); /* -1: not without a rest */
int tn_mono_gcd(tn_syms *s, int x, int y);

tn_poly tn_poly_of(const tn_syms *s, tn_dim d);
tn_dim tn_poly_dim(tn_syms *s, const tn_poly *p);
void tn_poly_add_term(const tn_syms *s, tn_poly *p, int64_t coef, int m);
void tn_poly_add_product(tn_syms *s, tn_poly *p, int64_t coef, int m, const tn_poly *q);
tn_poly tn_poly_mul(tn_syms *s, const tn_poly *p, const tn_poly *q);
void tn_poly_negate(tn_poly *p);
bool tn_poly_divides(tn_syms *s, tn_poly p, const tn_poly *d, tn_poly *q);

static inline tn_dim tn_dim_within(int64_t v) { return v >= -TN_DIM_COEF && v < 2 * TN_DIM_COEF ? v : TN_DIM_UNKNOWN; }
int64_t tn_gcd(int64_t a, int64_t b);
static inline int64_t tn_floor_div(int64_t a, int64_t b) {
    int64_t q = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

/* dim_bound.c */
double tn_dim_low(const tn_syms *s, tn_dim d); /* it is never below this; -INFINITY: no idea */

#endif
