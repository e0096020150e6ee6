/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* dim_poly.c - monomials and polynomials over the atoms of a pool. */
#include "base/budget.h"
#include "graph/dim_pool.h"
#include <assert.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------------ monomials */

typedef union {
    tn_mono m;
    char room[sizeof(tn_mono) + 2 * TN_DIM_FACTORS * sizeof(tn_factor)];
} big_mono;

static int intern_mono(tn_syms *s, big_mono *b) {
    if (b->m.n > TN_DIM_FACTORS || b->m.degree > TN_DIM_DEGREE) return -1;
    return tn_pool_mono(s, &b->m);
}

int tn_mono_one(tn_syms *s) {
    big_mono one = { 0 };
    return intern_mono(s, &one);
}

int tn_mono_of_atom(tn_syms *s, int a) {
    big_mono b = { .m = { 1, 1 } };
    b.m.f[0] = (tn_factor){ a, 1 };
    return intern_mono(s, &b);
}

static int mono_mul(tn_syms *s, int x, int y) {
    const tn_mono *p = tn_mono_at(s, x), *q = tn_mono_at(s, y);
    big_mono b = { .m = { 0, p->degree + q->degree } };
    for (int i = 0, j = 0; i < p->n || j < q->n;) {
        if (j == q->n || (i < p->n && p->f[i].atom < q->f[j].atom))
            b.m.f[b.m.n++] = p->f[i++];
        else if (i == p->n || q->f[j].atom < p->f[i].atom)
            b.m.f[b.m.n++] = q->f[j++];
        else {
            b.m.f[b.m.n++] = (tn_factor){ p->f[i].atom, p->f[i].power + q->f[j].power };
            i++;
            j++;
        }
    }
    return intern_mono(s, &b);
}

/* x / y, or -1 when y does not divide x. */
int tn_mono_div(tn_syms *s, int x, int y) {
    const tn_mono *p = tn_mono_at(s, x), *q = tn_mono_at(s, y);
    if (q->degree > p->degree) return -1;
    big_mono b = { .m = { 0, p->degree - q->degree } };
    int j = 0;
    for (int i = 0; i < p->n; i++) {
        tn_factor f = p->f[i];
        if (j < q->n && q->f[j].atom == f.atom) f.power -= q->f[j++].power;
        if (f.power < 0) return -1;
        if (f.power) b.m.f[b.m.n++] = f;
    }
    return j == q->n ? intern_mono(s, &b) : -1;
}

int tn_mono_gcd(tn_syms *s, int x, int y) {
    const tn_mono *p = tn_mono_at(s, x), *q = tn_mono_at(s, y);
    big_mono b = { 0 };
    for (int i = 0, j = 0; i < p->n && j < q->n;) {
        if (p->f[i].atom < q->f[j].atom)
            i++;
        else if (q->f[j].atom < p->f[i].atom)
            j++;
        else {
            int power = p->f[i].power < q->f[j].power ? p->f[i].power : q->f[j].power;
            b.m.f[b.m.n++] = (tn_factor){ p->f[i].atom, power };
            b.m.degree += power;
            i++;
            j++;
        }
    }
    return intern_mono(s, &b);
}

/* Graded lexicographic order: > 0 when x comes first. */
static int mono_order(const tn_syms *s, int x, int y) {
    if (x == y) return 0;
    const tn_mono *p = tn_mono_at(s, x), *q = tn_mono_at(s, y);
    if (p->degree != q->degree) return p->degree > q->degree ? 1 : -1;
    for (int i = 0; i < p->n && i < q->n; i++) {
        if (p->f[i].atom != q->f[i].atom) return p->f[i].atom < q->f[i].atom ? 1 : -1;
        if (p->f[i].power != q->f[i].power) return p->f[i].power > q->f[i].power ? 1 : -1;
    }
    return p->n > q->n ? 1 : -1;
}

/* ---------------------------------------------------------------------------------------------------- polynomials */

static tn_poly poly_const(int64_t c) {
    tn_poly p = { .n = c != 0 };
    if (c) p.t[0] = (tn_term){ c, 0 };
    return p;
}

tn_poly tn_poly_of(const tn_syms *s, tn_dim d) {
    if (tn_dim_known(d)) return poly_const(d);
    tn_poly p;
    const tn_expr *e = tn_expr_at(s, d);
    p.n = e->n;
    memcpy(p.t, e->t, sizeof *e->t * (size_t)e->n);
    return p;
}

tn_dim tn_poly_dim(tn_syms *s, const tn_poly *p) {
    if (p->n < 0) return TN_DIM_UNKNOWN;
    if (p->n == 0) return 0;
    if (p->n == 1 && p->t[0].mono == 0) return tn_dim_within(p->t[0].coef);
    union {
        tn_expr e;
        char room[sizeof(tn_expr) + TN_DIM_TERMS * sizeof(tn_term)];
    } x = { .e = { .n = p->n } };
    for (int i = 0; i < p->n; i++) {
        const tn_mono *m = tn_mono_at(s, p->t[i].mono);
        x.e.t[i] = p->t[i];
        x.e.size++;
        for (int j = 0; j < m->n; j++) {
            const tn_atom *a = tn_atom_at(s, m->f[j].atom);
            if (a->depth > x.e.depth) x.e.depth = a->depth;
            x.e.size += a->size;
        }
        if (x.e.size > TN_DIM_SIZE) return TN_DIM_UNKNOWN;
    }
    int id = tn_pool_expr(s, &x.e);
    return id < 0 ? TN_DIM_UNKNOWN : INT64_MIN + 1 + id;
}

/* p += coef * mono, at its place in the order. */
void tn_poly_add_term(const tn_syms *s, tn_poly *p, int64_t coef, int m) {
    if (p->n < 0 || coef == 0) return;
    int i = 0, order = -1;
    while (i < p->n && (order = mono_order(s, p->t[i].mono, m)) > 0) i++;
    if (i < p->n && order == 0) {
        int64_t sum;
        if (__builtin_add_overflow(p->t[i].coef, coef, &sum) || sum > TN_DIM_COEF || sum < -TN_DIM_COEF) {
            *p = TN_POLY_GAVE_UP;
        } else if (sum) {
            p->t[i].coef = sum;
        } else {
            p->n--;
            memmove(&p->t[i], &p->t[i + 1], sizeof *p->t * (size_t)(p->n - i));
        }
        return;
    }
    if (p->n == TN_DIM_TERMS || m < 0 || coef > TN_DIM_COEF || coef < -TN_DIM_COEF) {
        *p = TN_POLY_GAVE_UP;
        return;
    }
    memmove(&p->t[i + 1], &p->t[i], sizeof *p->t * (size_t)(p->n - i));
    p->t[i] = (tn_term){ coef, m };
    p->n++;
}

/* p += coef * m * q. */
void tn_poly_add_product(tn_syms *s, tn_poly *p, int64_t coef, int m, const tn_poly *q) {
    if (q->n < 0 || !tn_budget_work(8 * (uint64_t)q->n * (uint64_t)(p->n + 4))) *p = TN_POLY_GAVE_UP;
    for (int i = 0; i < q->n && p->n >= 0; i++) {
        int64_t c;
        int product = m == 0 ? q->t[i].mono : q->t[i].mono == 0 ? m : mono_mul(s, m, q->t[i].mono);
        if (product < 0 || __builtin_mul_overflow(coef, q->t[i].coef, &c))
            *p = TN_POLY_GAVE_UP;
        else
            tn_poly_add_term(s, p, c, product);
    }
}

tn_poly tn_poly_mul(tn_syms *s, const tn_poly *p, const tn_poly *q) {
    tn_poly r = { 0 };
    if (p->n < 0) return TN_POLY_GAVE_UP;
    for (int i = 0; i < p->n && r.n >= 0; i++) tn_poly_add_product(s, &r, p->t[i].coef, p->t[i].mono, q);
    return r;
}

void tn_poly_negate(tn_poly *p) {
    for (int i = 0; i < p->n; i++) p->t[i].coef = -p->t[i].coef;
}

/* q := p / d when that leaves no remainder: long division by the leading term. */
bool tn_poly_divides(tn_syms *s, tn_poly p, const tn_poly *d, tn_poly *q) {
    *q = (tn_poly){ 0 };
    for (int steps = 0; p.n > 0 && steps < 2 * TN_DIM_TERMS; steps++) {
        int m = tn_mono_div(s, p.t[0].mono, d->t[0].mono);
        if (m < 0 || p.t[0].coef % d->t[0].coef) return false;
        int64_t c = p.t[0].coef / d->t[0].coef;
        tn_poly_add_term(s, q, c, m);
        tn_poly_add_product(s, &p, -c, m, d);
    }
    return p.n == 0 && q->n >= 0;
}

int64_t tn_gcd(int64_t a, int64_t b) {
    if (a < 0) a = -a;
    if (b < 0) b = -b;
    while (b) {
        int64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}
