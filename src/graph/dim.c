/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* dim.c - arithmetic on dimensions.
 *
 * Ceiling, truncating division and modulo need no atoms of their own: ceil(x/y) = floor((x + y - 1)/y) for y > 0,
 * x mod y = x - y*floor(x/y), trunc(x/y) = max(floor(x/y), 0) + min(ceil(x/y), 0) for y > 0.
 *
 * Division by a constant y is brought to one form by: coefficients reduced to 0..y-1 (the multiples come out),
 * common factors cancelled, floor((floor(x/y) + c)/z) = floor((x + c*y)/(y*z)) (Graham, Knuth & Patashnik, Concrete
 * Mathematics, 3.11). So ceil(ceil(h/2)/2) and ceil(h/4) are the same number. */
#include "base/budget.h"
#include "graph/dim_pool.h"
#include <assert.h>
#include <math.h>
#include <string.h>

static bool unknown(tn_dim a, tn_dim b) { return a == TN_DIM_UNKNOWN || b == TN_DIM_UNKNOWN; }

static tn_dim add_scaled(tn_syms *s, tn_dim a, int64_t by, tn_dim b) {
    if (unknown(a, b)) return TN_DIM_UNKNOWN;
    if (tn_dim_known(a) && tn_dim_known(b)) return tn_dim_within(by < 0 ? a - b : a + b);
    tn_poly p = tn_poly_of(s, a), q = tn_poly_of(s, b);
    tn_poly_add_product(s, &p, by, 0, &q);
    return tn_poly_dim(s, &p);
}

tn_dim tn_dim_add(tn_syms *s, tn_dim a, tn_dim b) { return a == 0 ? b : b == 0 ? a : add_scaled(s, a, 1, b); }
tn_dim tn_dim_sub(tn_syms *s, tn_dim a, tn_dim b) { return b == 0 ? a : add_scaled(s, a, -1, b); }

tn_dim tn_dim_mul(tn_syms *s, tn_dim a, tn_dim b) {
    if (unknown(a, b)) return TN_DIM_UNKNOWN;
    if (tn_dim_known(a) && tn_dim_known(b)) {
        int64_t v;
        return __builtin_mul_overflow(a, b, &v) ? TN_DIM_UNKNOWN : tn_dim_within(v);
    }
    if (a == 1 || b == 1) return a == 1 ? b : a;
    if (a == 0 || b == 0) return 0;
    tn_poly p = tn_poly_of(s, a), q = tn_poly_of(s, b), r = tn_poly_mul(s, &p, &q);
    return tn_poly_dim(s, &r);
}

/* Of x and -x modulo b, one has the smaller leading coefficients: is it -x? */
static bool far_from_multiple(const tn_poly *x, int64_t b) {
    for (int i = 0; i < x->n && x->t[i].mono; i++)
        if (x->t[i].coef != b - x->t[i].coef) return x->t[i].coef > b - x->t[i].coef;
    return false;
}

static tn_dim div_const(tn_syms *s, const tn_poly *a, int64_t b) { /* b > 0 */
    tn_poly q = { 0 }, r = { 0 };
    int64_t g = b, rest = 0;
    for (int i = 0; i < a->n; i++) {
        int64_t whole = tn_floor_div(a->t[i].coef, b), part = a->t[i].coef - whole * b;
        tn_poly_add_term(s, &q, whole, a->t[i].mono);
        if (a->t[i].mono == 0)
            rest = part;
        else if (part) {
            g = tn_gcd(g, part);
            tn_poly_add_term(s, &r, part, a->t[i].mono);
        }
    }
    tn_dim quotient = tn_poly_dim(s, &q);
    if (r.n <= 0) return r.n < 0 ? TN_DIM_UNKNOWN : quotient;
    for (int i = 0; i < r.n; i++) r.t[i].coef /= g;
    b /= g;
    rest /= g;
    tn_poly_add_term(s, &r, rest, 0);
    if (b == 1) return tn_dim_add(s, quotient, tn_poly_dim(s, &r));
    if (far_from_multiple(&r, b)) { /* floor(x/b) = -floor((b - 1 - x)/b): h - ceil(h/4) rather than floor(3*h/4) */
        tn_poly_negate(&r);
        tn_poly_add_term(s, &r, b - 1, 0);
        return r.n < 0 ? TN_DIM_UNKNOWN : tn_dim_sub(s, quotient, div_const(s, &r, b));
    }
    const tn_mono *m = tn_mono_at(s, r.t[0].mono);
    const tn_atom *inner =
        r.n == (rest ? 2 : 1) && r.t[0].coef == 1 && m->degree == 1 ? tn_atom_at(s, m->f[0].atom) : NULL;
    if (inner && inner->kind == TN_ATOM_FLOOR_DIV && tn_dim_known(inner->b)) {
        int64_t by, shift;
        if (!__builtin_mul_overflow(inner->b, b, &by) && by < TN_DIM_COEF &&
            !__builtin_mul_overflow(inner->b, rest, &shift) && shift < TN_DIM_COEF) {
            tn_poly x = tn_poly_of(s, inner->a);
            tn_poly_add_term(s, &x, shift, 0);
            return x.n < 0 ? TN_DIM_UNKNOWN : tn_dim_add(s, quotient, div_const(s, &x, by));
        }
    }
    return tn_dim_add(s, quotient, tn_atom_make(s, TN_ATOM_FLOOR_DIV, tn_poly_dim(s, &r), b, 0));
}

/* The largest factor common to all terms of p and q: coefficient and monomial. */
static void common_factor(tn_syms *s, const tn_poly *p, const tn_poly *q, int64_t *coef, int *m) {
    *coef = 0;
    *m = q->t[0].mono;
    for (int k = 0; k < 2; k++) {
        const tn_poly *x = k ? q : p;
        for (int i = 0; i < x->n && *m >= 0; i++) {
            *coef = tn_gcd(*coef, x->t[i].coef);
            *m = tn_mono_gcd(s, *m, x->t[i].mono);
        }
    }
}

static void divide_out(tn_syms *s, tn_poly *p, int64_t coef, int m) {
    for (int i = 0; i < p->n; i++) {
        p->t[i].coef /= coef;
        p->t[i].mono = tn_mono_div(s, p->t[i].mono, m);
        if (p->t[i].mono < 0) {
            *p = TN_POLY_GAVE_UP;
            return;
        }
    }
}

tn_dim tn_dim_div(tn_syms *s, tn_dim a, tn_dim b) {
    if (unknown(a, b) || b == 0) return TN_DIM_UNKNOWN;
    if (tn_dim_known(a) && tn_dim_known(b)) return tn_dim_within(tn_floor_div(a, b));
    if (b == 1 || a == 0) return a;
    if (a == b) return 1;
    tn_poly p = tn_poly_of(s, a), d = tn_poly_of(s, b), q = { 0 };
    if (d.t[0].coef < 0) {
        tn_poly_negate(&p);
        tn_poly_negate(&d);
    }
    if (tn_dim_known(b)) return div_const(s, &p, d.t[0].coef);
    if (tn_poly_divides(s, p, &d, &q)) return tn_poly_dim(s, &q);
    q = (tn_poly){ 0 };
    if (d.n == 1) { /* what the single term divides comes out */
        tn_poly rest = { 0 };
        for (int i = 0; i < p.n; i++) {
            int m = tn_mono_div(s, p.t[i].mono, d.t[0].mono);
            int64_t whole = m < 0 ? 0 : tn_floor_div(p.t[i].coef, d.t[0].coef);
            if (whole) tn_poly_add_term(s, &q, whole, m);
            tn_poly_add_term(s, &rest, p.t[i].coef - whole * d.t[0].coef, p.t[i].mono);
        }
        p = rest;
    }
    tn_dim quotient = tn_poly_dim(s, &q);
    if (p.n < 0) return TN_DIM_UNKNOWN;
    if (p.n == 0) return quotient;
    int64_t coef;
    int m;
    common_factor(s, &p, &d, &coef, &m);
    if (m < 0) return TN_DIM_UNKNOWN;
    divide_out(s, &p, coef, m);
    divide_out(s, &d, coef, m);
    tn_dim over = tn_poly_dim(s, &p), under = tn_poly_dim(s, &d);
    if (unknown(over, under)) return TN_DIM_UNKNOWN;
    if (tn_dim_known(under)) return tn_dim_add(s, quotient, div_const(s, &p, under));
    if (tn_dim_ge(s, over, 0) && tn_dim_ge(s, tn_dim_sub(s, under, 1), over)) return quotient;
    return tn_dim_add(s, quotient, tn_atom_make(s, TN_ATOM_FLOOR_DIV, over, under, 0));
}

tn_dim tn_dim_ceil_div(tn_syms *s, tn_dim a, tn_dim b) {
    if (unknown(a, b) || b == 0) return TN_DIM_UNKNOWN;
    if (tn_dim_ge(s, b, 0)) return tn_dim_div(s, tn_dim_add(s, a, tn_dim_sub(s, b, 1)), b);
    return tn_dim_sub(s, 0, tn_dim_div(s, tn_dim_sub(s, 0, a), b));
}

tn_dim tn_dim_trunc_div(tn_syms *s, tn_dim a, tn_dim b) {
    if (unknown(a, b) || b == 0) return TN_DIM_UNKNOWN;
    if (tn_dim_known(a) && tn_dim_known(b)) return tn_dim_within(a / b);
    if (tn_dim_known(b) && b < 0) return tn_dim_sub(s, 0, tn_dim_trunc_div(s, a, -b));
    tn_poly p = tn_poly_of(s, a), d = tn_poly_of(s, b), q;
    if (tn_poly_divides(s, p, &d, &q)) return tn_poly_dim(s, &q);
    if (!tn_dim_ge(s, b, 0)) return TN_DIM_UNKNOWN;
    if (tn_dim_ge(s, a, 0)) return tn_dim_div(s, a, b);
    return tn_dim_add(s, tn_dim_max(s, tn_dim_div(s, a, b), 0), tn_dim_min(s, tn_dim_ceil_div(s, a, b), 0));
}

tn_dim tn_dim_mod(tn_syms *s, tn_dim a, tn_dim b) {
    if (unknown(a, b) || b == 0) return TN_DIM_UNKNOWN;
    return tn_dim_sub(s, a, tn_dim_mul(s, b, tn_dim_div(s, a, b)));
}

#define MAX_ARGS 16

/* The arguments of nested minima (or maxima), flattened. */
static bool collect(const tn_syms *s, tn_atom_kind kind, tn_dim d, tn_dim *args, int *n) {
    const tn_atom *a;
    for (; (a = tn_atom_as(s, d, kind)); d = a->b)
        if (!collect(s, kind, a->a, args, n)) return false;
    if (*n == MAX_ARGS) return false;
    args[(*n)++] = d;
    return true;
}

static tn_dim extreme(tn_syms *s, tn_atom_kind kind, tn_dim a, tn_dim b) {
    if (unknown(a, b)) return TN_DIM_UNKNOWN;
    bool a_ge = tn_dim_ge(s, a, b), b_ge = !a_ge && tn_dim_ge(s, b, a);
    if (a_ge || b_ge) return (kind == TN_ATOM_MAX) == a_ge ? a : b;
    tn_dim args[MAX_ARGS];
    int n = 0, kept = 0;
    if (!collect(s, kind, a, args, &n) || !collect(s, kind, b, args, &n)) return TN_DIM_UNKNOWN;
    for (int i = 0; i < n; i++) { /* without those another one always beats */
        bool beaten = false;
        for (int j = 0; j < n && !beaten; j++) {
            if (i == j || (j > i && args[i] == args[j])) continue;
            if (j < i && j >= kept) continue; /* already out */
            beaten = kind == TN_ATOM_MAX ? tn_dim_ge(s, args[j], args[i]) : tn_dim_ge(s, args[i], args[j]);
        }
        if (!beaten) args[kept++] = args[i];
    }
    for (int i = 1; i < kept; i++) /* sorted: one form for every order of arguments */
        for (int j = i; j > 0 && args[j - 1] > args[j]; j--) {
            tn_dim t = args[j];
            args[j] = args[j - 1];
            args[j - 1] = t;
        }
    tn_dim d = args[kept - 1];
    for (int i = kept - 2; i >= 0; i--) d = tn_atom_make(s, kind, args[i], d, 0);
    return d;
}

tn_dim tn_dim_min(tn_syms *s, tn_dim a, tn_dim b) { return extreme(s, TN_ATOM_MIN, a, b); }
tn_dim tn_dim_max(tn_syms *s, tn_dim a, tn_dim b) { return extreme(s, TN_ATOM_MAX, a, b); }

tn_dim tn_dim_scale(tn_syms *s, tn_dim a, double by) {
    if (a == TN_DIM_UNKNOWN || !isfinite(by)) return TN_DIM_UNKNOWN;
    if (tn_dim_known(a)) {
        bool single = (double)(float)by == by; /* a float's product rounds, as in the specification: 5 * 2.6f is 13 */
        double v = floor(single ? (double)((float)a * (float)by) : (double)a * by);
        return fabs(v) < 0x1p60 ? (tn_dim)v : TN_DIM_UNKNOWN;
    }
    int64_t under = 1;
    for (; under <= 4096; under *= 2) { /* an exact binary fraction is a division */
        double over = by * (double)under;
        if (fabs(over) < 0x1p31 && over == floor(over)) return tn_dim_div(s, tn_dim_mul(s, a, (int64_t)over), under);
    }
    return tn_atom_make(s, TN_ATOM_SCALE, a, 0, by);
}
