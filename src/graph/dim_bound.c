/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* dim_bound.c - the least value an expression can have, symbols being >= 0: atoms are replaced by linear bounds,
 * innermost last. Working coefficients are doubles; large ones are given up on, so that rounding stays far below the
 * slack of 1 that integers leave. */
#include "base/budget.h"
#include "graph/dim_pool.h"
#include <math.h>

typedef struct {
    int n;
    struct {
        double coef;
        int mono;
    } t[TN_DIM_TERMS];
} real_poly;

static bool real_add(real_poly *p, double coef, int m) {
    for (int i = 0; i < p->n; i++) {
        if (p->t[i].mono != m) continue;
        p->t[i].coef += coef;
        return fabs(p->t[i].coef) < 0x1p40;
    }
    if (p->n == TN_DIM_TERMS || !(fabs(coef) < 0x1p40)) return false;
    p->t[p->n].coef = coef;
    p->t[p->n++].mono = m;
    return true;
}

static bool real_add_dim(const tn_syms *s, real_poly *p, double by, tn_dim d) {
    if (tn_dim_known(d)) return real_add(p, by * (double)d, 0);
    const tn_expr *e = tn_expr_at(s, d);
    for (int i = 0; i < e->n; i++)
        if (!real_add(p, by * (double)e->t[i].coef, e->t[i].mono)) return false;
    return true;
}

static double mono_low(const tn_syms *s, int m) {
    const tn_mono *p = tn_mono_at(s, m);
    double low = 1;
    for (int i = 0; i < p->n; i++) {
        const tn_atom *a = tn_atom_at(s, p->f[i].atom);
        if (a->low < 0) return -INFINITY;
        for (int k = 0; k < p->f[i].power; k++) low *= a->low;
    }
    return low;
}

/* The deepest function atom that stands alone in its monomial and in no other; -1: none. */
static int replaceable(const tn_syms *s, const real_poly *p) {
    int best = -1, depth = 0;
    for (int i = 0; i < p->n; i++) {
        const tn_mono *m = tn_mono_at(s, p->t[i].mono);
        if (fabs(p->t[i].coef) < 1e-12 || m->n != 1 || m->f[0].power != 1) continue;
        const tn_atom *a = tn_atom_at(s, m->f[0].atom);
        if (a->kind == TN_ATOM_SYMBOL || a->depth <= depth) continue;
        if (a->kind == TN_ATOM_FLOOR_DIV && !tn_dim_known(a->b)) continue;
        depth = a->depth;
        best = i;
    }
    return best;
}

static double lower(const tn_syms *s, real_poly p, int *budget) {
    double low = 0;
    for (int i = 0; i < p.n; i++) {
        double c = p.t[i].coef;
        if (fabs(c) < 1e-12) continue;
        if (p.t[i].mono == 0)
            low += c;
        else
            low += c > 0 ? c * mono_low(s, p.t[i].mono) : -INFINITY;
    }
    int at = replaceable(s, &p);
    if (low > -1 || at < 0 || --*budget < 0 || !tn_budget_work(32 * (uint64_t)p.n)) return low;
    const tn_atom *a = tn_atom_at(s, tn_mono_at(s, p.t[at].mono)->f[0].atom);
    double c = p.t[at].coef;
    p.t[at].coef = 0;
    real_poly q = p;
    if (a->kind == TN_ATOM_FLOOR_DIV || a->kind == TN_ATOM_SCALE) { /* x*by - (1 - unit) <= floor(x * by) <= x*by */
        double by = a->kind == TN_ATOM_SCALE ? a->by : 1 / (double)a->b;
        double unit = a->kind == TN_ATOM_SCALE ? 0 : by;
        bool ok = real_add_dim(s, &p, c * by, a->a) && (c < 0 || real_add(&p, -c * (1 - unit), 0));
        return ok ? fmax(low, lower(s, p, budget)) : low;
    }
    if (!real_add_dim(s, &p, c, a->a) || !real_add_dim(s, &q, c, a->b)) return low;
    double x = lower(s, p, budget), y = lower(s, q, budget);
    bool either = (a->kind == TN_ATOM_MAX) == (c > 0); /* max >= each of the two; min is one of the two */
    return fmax(low, either ? fmax(x, y) : fmin(x, y));
}

double tn_dim_low(const tn_syms *s, tn_dim d) {
    if (tn_dim_known(d)) return (double)d;
    if (d == TN_DIM_UNKNOWN) return -INFINITY;
    real_poly p = { 0 };
    int budget = 64;
    return real_add_dim(s, &p, 1, d) ? ceil(lower(s, p, &budget) - 1e-6) : -INFINITY; /* d is an integer */
}

static int degree(const tn_syms *s, tn_dim d) {
    return tn_dim_known(d) ? 0 : tn_mono_at(s, tn_expr_at(s, d)->t[0].mono)->degree;
}

bool tn_dim_ge(const tn_syms *s, tn_dim a, tn_dim b) {
    if (a == TN_DIM_UNKNOWN || b == TN_DIM_UNKNOWN) return false;
    if (tn_dim_known(a) && tn_dim_known(b)) return a >= b;
    if (a == b) return true;
    if (tn_dim_known(a) && a >= INT32_MAX && degree(s, b) <= 1) return true; /* "to the end" in slices */
    if (tn_dim_known(b) && b <= -INT32_MAX && degree(s, a) <= 1) return true;
    if (a == TN_DIM_MOST || b == TN_DIM_LEAST) return true;
    real_poly p = { 0 };
    int budget = 64;
    if (!real_add_dim(s, &p, 1, a) || !real_add_dim(s, &p, -1, b)) return false;
    return lower(s, p, &budget) > -1 + 1e-6; /* the difference is an integer */
}
