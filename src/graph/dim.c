/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* dim.c - the pool of symbolic dimensions. Every expression is a polynomial over atoms, hash-consed, so that equal
 * expressions have equal numbers:
 *
 *   expression = sum of coefficient * monomial, sorted with the leading monomial first (graded lexicographic order)
 *   monomial   = product of atom^power, sorted by atom
 *   atom       = symbol | floor(x / y) | min(x, y) | max(x, y) | floor(x * real)
 *
 * Ceiling, truncating division and modulo need no atoms of their own: ceil(x/y) = floor((x + y - 1)/y) for y > 0,
 * x mod y = x - y*floor(x/y), trunc(x/y) = max(floor(x/y), 0) + min(ceil(x/y), 0) for y > 0.
 *
 * Division by a constant y is brought to one form by: coefficients reduced to 0..y-1 (the multiples come out),
 * common factors cancelled, floor((floor(x/y) + c)/z) = floor((x + c*y)/(y*z)) (Graham, Knuth & Patashnik, Concrete
 * Mathematics, 3.11). So ceil(ceil(h/2)/2) and ceil(h/4) are the same number. */
#include "graph/dim.h"
#include "base/budget.h"
#include "base/map.h"
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_TERMS   64
#define MAX_FACTORS 16
#define MAX_DEGREE  64
#define MAX_DEPTH   48   /* atoms within atoms: bounds every recursion below */
#define MAX_SIZE    4096 /* of an expression written out: bounds evaluation and printing */
#define COEF_LIMIT  (INT64_C(1) << 61)

typedef enum { SYMBOL, FLOOR_DIV, MIN, MAX, SCALE } atom_kind;

typedef struct {
    atom_kind kind;
    int depth, size;
    int symbol;
    tn_dim a, b;
    double by;
    double low; /* it is never below this; -INFINITY: no idea */
} atom;

typedef struct {
    int atom, power;
} factor;

typedef struct {
    int n, degree;
    factor f[];
} mono;

typedef struct {
    int64_t coef;
    int mono;
} term;

typedef struct {
    int n, depth, size;
    term t[];
} expr;

typedef struct { /* an expression being worked on; n < 0: gave up */
    int n;
    term t[MAX_TERMS];
} poly;

typedef struct { /* entries are index + 1; 0: free */
    int *slots;
    size_t mask;
    int used;
} table;

typedef struct {
    void **v;
    int n, cap;
} list;

struct tn_syms {
    tn_arena *arena;
    list atoms, monos, exprs, names; /* symbol i is called names[i] and is the dimension symbols[i] */
    tn_dim *symbols;
    int cap_symbols;
    table atom_table, mono_table, expr_table;
    tn_map *by_name; /* -> the symbol's atom */
};

/* --------------------------------------------------------------------------------------------------- hash-consing */

static uint64_t hash_bytes(uint64_t h, const void *data, size_t n) {
    const uint8_t *p = data;
    for (size_t i = 0; i < n; i++) h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    return h;
}
static uint64_t hash_i64(uint64_t h, int64_t v) {
    h = (h ^ (uint64_t)v) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ (h >> 29);
}

static uint64_t hash_atom(const void *p) {
    const atom *a = p;
    uint64_t h = hash_i64(hash_i64(hash_i64((uint64_t)a->kind + 1, a->symbol), a->a), a->b);
    return hash_bytes(h, &a->by, sizeof a->by);
}
static uint64_t hash_mono(const void *p) {
    const mono *m = p;
    uint64_t h = (uint64_t)m->n + 77;
    for (int i = 0; i < m->n; i++) h = hash_i64(h, (int64_t)m->f[i].atom * 1000 + m->f[i].power);
    return h;
}
static uint64_t hash_expr(const void *p) {
    const expr *e = p;
    uint64_t h = (uint64_t)e->n + 99;
    for (int i = 0; i < e->n; i++) h = hash_i64(hash_i64(h, e->t[i].coef), e->t[i].mono);
    return h;
}

static bool same_atom(const void *p, const void *q) {
    const atom *a = p, *b = q;
    return a->kind == b->kind && a->symbol == b->symbol && a->a == b->a && a->b == b->b && a->by == b->by;
}
static bool same_mono(const void *p, const void *q) {
    const mono *a = p, *b = q;
    return a->n == b->n && !memcmp(a->f, b->f, sizeof *a->f * (size_t)a->n);
}
static bool same_expr(const void *p, const void *q) {
    const expr *a = p, *b = q;
    if (a->n != b->n) return false;
    for (int i = 0; i < a->n; i++)
        if (a->t[i].coef != b->t[i].coef || a->t[i].mono != b->t[i].mono) return false;
    return true;
}

typedef struct {
    uint64_t (*hash)(const void *);
    bool (*same)(const void *, const void *);
} keyed;
static const keyed atom_key = { hash_atom, same_atom }, mono_key = { hash_mono, same_mono },
                   expr_key = { hash_expr, same_expr };

static bool list_push(list *l, void *item) {
    if (l->n == l->cap) {
        int cap = l->cap ? l->cap * 2 : 32;
        void **wider = tn_mem_alloc((size_t)cap * sizeof *wider, TN_MEM_GRAPH);
        if (!wider) return false;
        if (l->n) memcpy(wider, l->v, (size_t)l->n * sizeof *wider);
        tn_mem_free(l->v);
        l->v = wider;
        l->cap = cap;
    }
    l->v[l->n++] = item;
    return true;
}

static bool table_grow(table *t, const list *l, const keyed *k) {
    size_t size = t->slots ? (t->mask + 1) * 2 : 64;
    int *slots = tn_mem_zalloc(size * sizeof *slots, TN_MEM_GRAPH);
    if (!slots) return false;
    tn_mem_free(t->slots);
    *t = (table){ slots, size - 1, l->n };
    for (int i = 0; i < l->n; i++) {
        size_t at = k->hash(l->v[i]) & t->mask;
        while (slots[at]) at = (at + 1) & t->mask;
        slots[at] = i + 1;
    }
    return true;
}

/* The index of an equal item; a new one is copied into the pool. -1 when out of memory. */
static int intern(tn_syms *s, list *l, table *t, const keyed *k, const void *item, size_t bytes) {
    if ((!t->slots || (size_t)t->used * 2 >= t->mask) && !table_grow(t, l, k)) return -1;
    size_t at = k->hash(item) & t->mask;
    for (; t->slots[at]; at = (at + 1) & t->mask)
        if (k->same(l->v[t->slots[at] - 1], item)) return t->slots[at] - 1;
    void *copy = tn_arena_alloc(s->arena, bytes, 8);
    if (!copy || !list_push(l, copy)) return -1;
    memcpy(copy, item, bytes);
    t->used++;
    t->slots[at] = l->n;
    return l->n - 1;
}

static const atom *atom_at(const tn_syms *s, int i) { return s->atoms.v[i]; }
static const mono *mono_at(const tn_syms *s, int i) { return s->monos.v[i]; }
static const expr *expr_at(const tn_syms *s, tn_dim d) { return s->exprs.v[d - (INT64_MIN + 1)]; }

/* ------------------------------------------------------------------------------------------------------ monomials */

typedef union {
    mono m;
    char room[sizeof(mono) + 2 * MAX_FACTORS * sizeof(factor)];
} big_mono;

static int intern_mono(tn_syms *s, big_mono *b) {
    if (b->m.n > MAX_FACTORS || b->m.degree > MAX_DEGREE) return -1;
    return intern(s, &s->monos, &s->mono_table, &mono_key, &b->m, sizeof(mono) + sizeof(factor) * (size_t)b->m.n);
}

static int mono_of_atom(tn_syms *s, int a) {
    big_mono b = { .m = { 1, 1 } };
    b.m.f[0] = (factor){ a, 1 };
    return intern_mono(s, &b);
}

static int mono_mul(tn_syms *s, int x, int y) {
    const mono *p = mono_at(s, x), *q = mono_at(s, y);
    big_mono b = { .m = { 0, p->degree + q->degree } };
    for (int i = 0, j = 0; i < p->n || j < q->n;) {
        if (j == q->n || (i < p->n && p->f[i].atom < q->f[j].atom))
            b.m.f[b.m.n++] = p->f[i++];
        else if (i == p->n || q->f[j].atom < p->f[i].atom)
            b.m.f[b.m.n++] = q->f[j++];
        else {
            b.m.f[b.m.n++] = (factor){ p->f[i].atom, p->f[i].power + q->f[j].power };
            i++;
            j++;
        }
    }
    return intern_mono(s, &b);
}

/* x / y, or -1 when y does not divide x. */
static int mono_div(tn_syms *s, int x, int y) {
    const mono *p = mono_at(s, x), *q = mono_at(s, y);
    if (q->degree > p->degree) return -1;
    big_mono b = { .m = { 0, p->degree - q->degree } };
    int j = 0;
    for (int i = 0; i < p->n; i++) {
        factor f = p->f[i];
        if (j < q->n && q->f[j].atom == f.atom) f.power -= q->f[j++].power;
        if (f.power < 0) return -1;
        if (f.power) b.m.f[b.m.n++] = f;
    }
    return j == q->n ? intern_mono(s, &b) : -1;
}

static int mono_gcd(tn_syms *s, int x, int y) {
    const mono *p = mono_at(s, x), *q = mono_at(s, y);
    big_mono b = { 0 };
    for (int i = 0, j = 0; i < p->n && j < q->n;) {
        if (p->f[i].atom < q->f[j].atom)
            i++;
        else if (q->f[j].atom < p->f[i].atom)
            j++;
        else {
            int power = p->f[i].power < q->f[j].power ? p->f[i].power : q->f[j].power;
            b.m.f[b.m.n++] = (factor){ p->f[i].atom, power };
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
    const mono *p = mono_at(s, x), *q = mono_at(s, y);
    if (p->degree != q->degree) return p->degree > q->degree ? 1 : -1;
    for (int i = 0; i < p->n && i < q->n; i++) {
        if (p->f[i].atom != q->f[i].atom) return p->f[i].atom < q->f[i].atom ? 1 : -1;
        if (p->f[i].power != q->f[i].power) return p->f[i].power > q->f[i].power ? 1 : -1;
    }
    return p->n > q->n ? 1 : -1;
}

/* ---------------------------------------------------------------------------------------------------- polynomials */

static const poly gave_up = { .n = -1 };

static poly poly_const(int64_t c) {
    poly p = { .n = c != 0 };
    if (c) p.t[0] = (term){ c, 0 };
    return p;
}

static poly poly_of(const tn_syms *s, tn_dim d) {
    if (tn_dim_known(d)) return poly_const(d);
    poly p;
    const expr *e = expr_at(s, d);
    p.n = e->n;
    memcpy(p.t, e->t, sizeof *e->t * (size_t)e->n);
    return p;
}

static tn_dim constant(int64_t v) { return v >= -COEF_LIMIT && v < 2 * COEF_LIMIT ? v : TN_DIM_UNKNOWN; }

static tn_dim poly_intern(tn_syms *s, const poly *p) {
    if (p->n < 0) return TN_DIM_UNKNOWN;
    if (p->n == 0) return 0;
    if (p->n == 1 && p->t[0].mono == 0) return constant(p->t[0].coef);
    union {
        expr e;
        char room[sizeof(expr) + MAX_TERMS * sizeof(term)];
    } x = { .e = { .n = p->n } };
    for (int i = 0; i < p->n; i++) {
        const mono *m = mono_at(s, p->t[i].mono);
        x.e.t[i] = p->t[i];
        x.e.size++;
        for (int j = 0; j < m->n; j++) {
            const atom *a = atom_at(s, m->f[j].atom);
            if (a->depth > x.e.depth) x.e.depth = a->depth;
            x.e.size += a->size;
        }
        if (x.e.size > MAX_SIZE) return TN_DIM_UNKNOWN;
    }
    int id = intern(s, &s->exprs, &s->expr_table, &expr_key, &x.e, sizeof(expr) + sizeof(term) * (size_t)p->n);
    return id < 0 ? TN_DIM_UNKNOWN : INT64_MIN + 1 + id;
}

/* p += coef * mono, at its place in the order. */
static void poly_add_term(const tn_syms *s, poly *p, int64_t coef, int m) {
    if (p->n < 0 || coef == 0) return;
    int i = 0, order = -1;
    while (i < p->n && (order = mono_order(s, p->t[i].mono, m)) > 0) i++;
    if (i < p->n && order == 0) {
        int64_t sum;
        if (__builtin_add_overflow(p->t[i].coef, coef, &sum) || sum > COEF_LIMIT || sum < -COEF_LIMIT) {
            *p = gave_up;
        } else if (sum) {
            p->t[i].coef = sum;
        } else {
            p->n--;
            memmove(&p->t[i], &p->t[i + 1], sizeof *p->t * (size_t)(p->n - i));
        }
        return;
    }
    if (p->n == MAX_TERMS || m < 0 || coef > COEF_LIMIT || coef < -COEF_LIMIT) {
        *p = gave_up;
        return;
    }
    memmove(&p->t[i + 1], &p->t[i], sizeof *p->t * (size_t)(p->n - i));
    p->t[i] = (term){ coef, m };
    p->n++;
}

/* p += coef * m * q. */
static void poly_add_product(tn_syms *s, poly *p, int64_t coef, int m, const poly *q) {
    if (q->n < 0 || !tn_budget_work(8 * (uint64_t)q->n * (uint64_t)(p->n + 4))) *p = gave_up;
    for (int i = 0; i < q->n && p->n >= 0; i++) {
        int64_t c;
        int product = m == 0 ? q->t[i].mono : q->t[i].mono == 0 ? m : mono_mul(s, m, q->t[i].mono);
        if (product < 0 || __builtin_mul_overflow(coef, q->t[i].coef, &c))
            *p = gave_up;
        else
            poly_add_term(s, p, c, product);
    }
}

static poly poly_mul(tn_syms *s, const poly *p, const poly *q) {
    poly r = { 0 };
    if (p->n < 0) return gave_up;
    for (int i = 0; i < p->n && r.n >= 0; i++) poly_add_product(s, &r, p->t[i].coef, p->t[i].mono, q);
    return r;
}

static void poly_negate(poly *p) {
    for (int i = 0; i < p->n; i++) p->t[i].coef = -p->t[i].coef;
}

/* q := p / d when that leaves no remainder: long division by the leading term. */
static bool poly_divides(tn_syms *s, poly p, const poly *d, poly *q) {
    *q = (poly){ 0 };
    for (int steps = 0; p.n > 0 && steps < 2 * MAX_TERMS; steps++) {
        int m = mono_div(s, p.t[0].mono, d->t[0].mono);
        if (m < 0 || p.t[0].coef % d->t[0].coef) return false;
        int64_t c = p.t[0].coef / d->t[0].coef;
        poly_add_term(s, q, c, m);
        poly_add_product(s, &p, -c, m, d);
    }
    return p.n == 0 && q->n >= 0;
}

static int64_t gcd(int64_t a, int64_t b) {
    if (a < 0) a = -a;
    if (b < 0) b = -b;
    while (b) {
        int64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

/* ------------------------------------------------------------------------------------------------------ lower bounds
 *
 * The least value an expression can have, symbols being >= 0: atoms are replaced by linear bounds, innermost last.
 * Working coefficients are doubles; large ones are given up on, so that rounding stays far below the slack of 1 that
 * integers leave. */

typedef struct {
    int n;
    struct {
        double coef;
        int mono;
    } t[MAX_TERMS];
} real_poly;

static bool real_add(real_poly *p, double coef, int m) {
    for (int i = 0; i < p->n; i++) {
        if (p->t[i].mono != m) continue;
        p->t[i].coef += coef;
        return fabs(p->t[i].coef) < 0x1p40;
    }
    if (p->n == MAX_TERMS || !(fabs(coef) < 0x1p40)) return false;
    p->t[p->n].coef = coef;
    p->t[p->n++].mono = m;
    return true;
}

static bool real_add_dim(const tn_syms *s, real_poly *p, double by, tn_dim d) {
    if (tn_dim_known(d)) return real_add(p, by * (double)d, 0);
    const expr *e = expr_at(s, d);
    for (int i = 0; i < e->n; i++)
        if (!real_add(p, by * (double)e->t[i].coef, e->t[i].mono)) return false;
    return true;
}

static double mono_low(const tn_syms *s, int m) {
    const mono *p = mono_at(s, m);
    double low = 1;
    for (int i = 0; i < p->n; i++) {
        const atom *a = atom_at(s, p->f[i].atom);
        if (a->low < 0) return -INFINITY;
        for (int k = 0; k < p->f[i].power; k++) low *= a->low;
    }
    return low;
}

/* The deepest function atom that stands alone in its monomial and in no other; -1: none. */
static int replaceable(const tn_syms *s, const real_poly *p) {
    int best = -1, depth = 0;
    for (int i = 0; i < p->n; i++) {
        const mono *m = mono_at(s, p->t[i].mono);
        if (fabs(p->t[i].coef) < 1e-12 || m->n != 1 || m->f[0].power != 1) continue;
        const atom *a = atom_at(s, m->f[0].atom);
        if (a->kind == SYMBOL || a->depth <= depth) continue;
        if (a->kind == FLOOR_DIV && !tn_dim_known(a->b)) continue;
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
    const atom *a = atom_at(s, mono_at(s, p.t[at].mono)->f[0].atom);
    double c = p.t[at].coef;
    p.t[at].coef = 0;
    real_poly q = p;
    if (a->kind == FLOOR_DIV || a->kind == SCALE) { /* x*by - (1 - unit) <= floor(x * by) <= x*by */
        double by = a->kind == SCALE ? a->by : 1 / (double)a->b;
        double unit = a->kind == SCALE ? 0 : by;
        bool ok = real_add_dim(s, &p, c * by, a->a) && (c < 0 || real_add(&p, -c * (1 - unit), 0));
        return ok ? fmax(low, lower(s, p, budget)) : low;
    }
    if (!real_add_dim(s, &p, c, a->a) || !real_add_dim(s, &q, c, a->b)) return low;
    double x = lower(s, p, budget), y = lower(s, q, budget);
    bool either = (a->kind == MAX) == (c > 0); /* max >= each of the two; min is one of the two */
    return fmax(low, either ? fmax(x, y) : fmin(x, y));
}

static double lower_of(const tn_syms *s, tn_dim d) {
    if (tn_dim_known(d)) return (double)d;
    if (d == TN_DIM_UNKNOWN) return -INFINITY;
    real_poly p = { 0 };
    int budget = 64;
    return real_add_dim(s, &p, 1, d) ? ceil(lower(s, p, &budget) - 1e-6) : -INFINITY; /* d is an integer */
}

static int degree(const tn_syms *s, tn_dim d) {
    return tn_dim_known(d) ? 0 : mono_at(s, expr_at(s, d)->t[0].mono)->degree;
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

/* ------------------------------------------------------------------------------------------------------------ atoms */

static tn_dim dim_of_atom(tn_syms *s, int a) {
    int m = a < 0 ? -1 : mono_of_atom(s, a);
    if (m < 0) return TN_DIM_UNKNOWN;
    poly p = { .n = 1, .t = { { 1, m } } };
    return poly_intern(s, &p);
}

static tn_dim make_atom(tn_syms *s, atom_kind kind, tn_dim a, tn_dim b, double by) {
    if (a == TN_DIM_UNKNOWN || b == TN_DIM_UNKNOWN) return TN_DIM_UNKNOWN;
    atom x = { .kind = kind, .symbol = -1, .a = a, .b = b, .by = by, .depth = 1, .size = 1 };
    for (int i = 0; i < 2; i++) {
        tn_dim d = i ? b : a;
        const expr *e = tn_dim_symbolic(d) ? expr_at(s, d) : NULL;
        if (e && e->depth >= x.depth) x.depth = e->depth + 1;
        x.size += e ? e->size : 1;
    }
    if (x.depth > MAX_DEPTH || x.size > MAX_SIZE) return TN_DIM_UNKNOWN;
    double la = lower_of(s, a), lb = lower_of(s, b);
    switch (kind) {
    case FLOOR_DIV: x.low = la < 0 || lb < 0 ? -INFINITY : tn_dim_known(b) ? floor(la / (double)b) : 0; break;
    case SCALE: x.low = la < 0 || by < 0 ? -INFINITY : floor(la * by * (1 - 1e-12)); break;
    case MIN: x.low = fmin(la, lb); break;
    default: x.low = fmax(la, lb); break;
    }
    return dim_of_atom(s, intern(s, &s->atoms, &s->atom_table, &atom_key, &x, sizeof x));
}

/* The atom d is made of, when d is exactly one atom of that kind; else NULL. */
static const atom *as_atom(const tn_syms *s, tn_dim d, atom_kind kind) {
    if (!tn_dim_symbolic(d)) return NULL;
    const expr *e = expr_at(s, d);
    const mono *m = mono_at(s, e->t[0].mono);
    if (e->n != 1 || e->t[0].coef != 1 || m->degree != 1) return NULL;
    const atom *a = atom_at(s, m->f[0].atom);
    return a->kind == kind ? a : NULL;
}

/* ---------------------------------------------------------------------------------------------------------- symbols */

tn_syms *tn_syms_new(void) {
    tn_syms *s = tn_mem_zalloc(sizeof *s, TN_MEM_GRAPH);
    if (!s) return NULL;
    s->arena = tn_arena_new(0, TN_MEM_GRAPH);
    s->by_name = tn_map_new(0);
    big_mono one = { 0 };
    if (!s->arena || !s->by_name || intern_mono(s, &one) != 0) tn_syms_free(&s);
    return s;
}

void tn_syms_free(tn_syms **syms) {
    tn_syms *s = syms ? *syms : NULL;
    if (!s) return;
    tn_mem_free(s->atoms.v);
    tn_mem_free(s->monos.v);
    tn_mem_free(s->exprs.v);
    tn_mem_free(s->names.v);
    tn_mem_free(s->symbols);
    tn_mem_free(s->atom_table.slots);
    tn_mem_free(s->mono_table.slots);
    tn_mem_free(s->expr_table.slots);
    tn_map_free(&s->by_name);
    tn_arena_free(&s->arena);
    tn_mem_free(s);
    *syms = NULL;
}

static tn_dim new_symbol(tn_syms *s, const char *own_name) {
    int i = s->names.n;
    if (i == s->cap_symbols) {
        int cap = i ? i * 2 : 16;
        tn_dim *wider = tn_mem_alloc((size_t)cap * sizeof *wider, TN_MEM_GRAPH);
        if (!wider) return TN_DIM_UNKNOWN;
        if (i) memcpy(wider, s->symbols, (size_t)i * sizeof *wider);
        tn_mem_free(s->symbols);
        s->symbols = wider;
        s->cap_symbols = cap;
    }
    atom x = { .kind = SYMBOL, .symbol = i, .size = 1 };
    int a = intern(s, &s->atoms, &s->atom_table, &atom_key, &x, sizeof x);
    tn_dim d = dim_of_atom(s, a);
    if (d == TN_DIM_UNKNOWN || !list_push(&s->names, (char *)own_name)) return TN_DIM_UNKNOWN;
    s->symbols[i] = d;
    return tn_map_put(s->by_name, own_name, strlen(own_name), s->atoms.v[a]) == TN_OK ? d : TN_DIM_UNKNOWN;
}

tn_dim tn_sym(tn_syms *s, const char *name) {
    const atom *known = tn_map_gets(s->by_name, name);
    if (known) return s->symbols[known->symbol];
    const char *own = tn_arena_strdup(s->arena, name);
    return own ? new_symbol(s, own) : TN_DIM_UNKNOWN;
}

tn_dim tn_sym_fresh(tn_syms *s, const char *hint) {
    char name[80];
    for (int i = s->names.n;; i++) {
        snprintf(name, sizeof name, "%.60s__%d", hint && *hint ? hint : "unk", i);
        if (!tn_map_gets(s->by_name, name)) return tn_sym(s, name);
    }
}

int tn_sym_count(const tn_syms *s) { return s->names.n; }
const char *tn_sym_name(const tn_syms *s, int i) { return s->names.v[i]; }

tn_dim tn_sym_at(const tn_syms *s, int i) { return s->symbols[i]; }

/* Everything is named by index, so a copy of the lists in order is the same pool. */
static bool clone_list(tn_syms *to, list *l, table *t, const keyed *k, const list *from,
                       size_t (*bytes)(const void *)) {
    for (int i = 0; i < from->n; i++)
        if (intern(to, l, t, k, from->v[i], bytes(from->v[i])) != i) return false;
    return true;
}
static size_t atom_bytes(const void *p) { return sizeof(atom); }
static size_t mono_bytes(const void *p) { return sizeof(mono) + sizeof(factor) * (size_t)((const mono *)p)->n; }
static size_t expr_bytes(const void *p) { return sizeof(expr) + sizeof(term) * (size_t)((const expr *)p)->n; }

tn_syms *tn_syms_clone(const tn_syms *from) {
    tn_syms *s = tn_syms_new();
    if (!s) return NULL;
    bool ok = clone_list(s, &s->atoms, &s->atom_table, &atom_key, &from->atoms, atom_bytes) &&
              clone_list(s, &s->monos, &s->mono_table, &mono_key, &from->monos, mono_bytes) &&
              clone_list(s, &s->exprs, &s->expr_table, &expr_key, &from->exprs, expr_bytes);
    s->cap_symbols = from->names.n;
    s->symbols = tn_mem_alloc((size_t)from->names.n * sizeof *s->symbols, TN_MEM_GRAPH);
    ok = ok && s->symbols;
    for (int i = 0; ok && i < from->names.n; i++) {
        char *name = tn_arena_strdup(s->arena, from->names.v[i]);
        s->symbols[i] = from->symbols[i];
        int a = mono_at(s, expr_at(s, s->symbols[i])->t[0].mono)->f[0].atom;
        ok = name && list_push(&s->names, name) && tn_map_put(s->by_name, name, strlen(name), s->atoms.v[a]) == TN_OK;
    }
    if (!ok) tn_syms_free(&s);
    return s;
}

/* ------------------------------------------------------------------------------------------------------- arithmetic */

static bool unknown(tn_dim a, tn_dim b) { return a == TN_DIM_UNKNOWN || b == TN_DIM_UNKNOWN; }

static tn_dim add_scaled(tn_syms *s, tn_dim a, int64_t by, tn_dim b) {
    if (unknown(a, b)) return TN_DIM_UNKNOWN;
    if (tn_dim_known(a) && tn_dim_known(b)) return constant(by < 0 ? a - b : a + b);
    poly p = poly_of(s, a), q = poly_of(s, b);
    poly_add_product(s, &p, by, 0, &q);
    return poly_intern(s, &p);
}

tn_dim tn_dim_add(tn_syms *s, tn_dim a, tn_dim b) { return a == 0 ? b : b == 0 ? a : add_scaled(s, a, 1, b); }
tn_dim tn_dim_sub(tn_syms *s, tn_dim a, tn_dim b) { return b == 0 ? a : add_scaled(s, a, -1, b); }

tn_dim tn_dim_mul(tn_syms *s, tn_dim a, tn_dim b) {
    if (unknown(a, b)) return TN_DIM_UNKNOWN;
    if (tn_dim_known(a) && tn_dim_known(b)) {
        int64_t v;
        return __builtin_mul_overflow(a, b, &v) ? TN_DIM_UNKNOWN : constant(v);
    }
    if (a == 1 || b == 1) return a == 1 ? b : a;
    if (a == 0 || b == 0) return 0;
    poly p = poly_of(s, a), q = poly_of(s, b), r = poly_mul(s, &p, &q);
    return poly_intern(s, &r);
}

static int64_t floor_div(int64_t a, int64_t b) {
    int64_t q = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

/* Of x and -x modulo b, one has the smaller leading coefficients: is it -x? */
static bool far_from_multiple(const poly *x, int64_t b) {
    for (int i = 0; i < x->n && x->t[i].mono; i++)
        if (x->t[i].coef != b - x->t[i].coef) return x->t[i].coef > b - x->t[i].coef;
    return false;
}

static tn_dim div_const(tn_syms *s, const poly *a, int64_t b) { /* b > 0 */
    poly q = { 0 }, r = { 0 };
    int64_t g = b, rest = 0;
    for (int i = 0; i < a->n; i++) {
        int64_t whole = floor_div(a->t[i].coef, b), part = a->t[i].coef - whole * b;
        poly_add_term(s, &q, whole, a->t[i].mono);
        if (a->t[i].mono == 0)
            rest = part;
        else if (part) {
            g = gcd(g, part);
            poly_add_term(s, &r, part, a->t[i].mono);
        }
    }
    tn_dim quotient = poly_intern(s, &q);
    if (r.n <= 0) return r.n < 0 ? TN_DIM_UNKNOWN : quotient;
    for (int i = 0; i < r.n; i++) r.t[i].coef /= g;
    b /= g;
    rest /= g;
    poly_add_term(s, &r, rest, 0);
    if (b == 1) return tn_dim_add(s, quotient, poly_intern(s, &r));
    if (far_from_multiple(&r, b)) { /* floor(x/b) = -floor((b - 1 - x)/b): h - ceil(h/4) rather than floor(3*h/4) */
        poly_negate(&r);
        poly_add_term(s, &r, b - 1, 0);
        return r.n < 0 ? TN_DIM_UNKNOWN : tn_dim_sub(s, quotient, div_const(s, &r, b));
    }
    const mono *m = mono_at(s, r.t[0].mono);
    const atom *inner = r.n == (rest ? 2 : 1) && r.t[0].coef == 1 && m->degree == 1 ? atom_at(s, m->f[0].atom) : NULL;
    if (inner && inner->kind == FLOOR_DIV && tn_dim_known(inner->b)) {
        int64_t by, shift;
        if (!__builtin_mul_overflow(inner->b, b, &by) && by < COEF_LIMIT &&
            !__builtin_mul_overflow(inner->b, rest, &shift) && shift < COEF_LIMIT) {
            poly x = poly_of(s, inner->a);
            poly_add_term(s, &x, shift, 0);
            return x.n < 0 ? TN_DIM_UNKNOWN : tn_dim_add(s, quotient, div_const(s, &x, by));
        }
    }
    return tn_dim_add(s, quotient, make_atom(s, FLOOR_DIV, poly_intern(s, &r), b, 0));
}

/* The largest factor common to all terms of p and q: coefficient and monomial. */
static void common_factor(tn_syms *s, const poly *p, const poly *q, int64_t *coef, int *m) {
    *coef = 0;
    *m = q->t[0].mono;
    for (int k = 0; k < 2; k++) {
        const poly *x = k ? q : p;
        for (int i = 0; i < x->n && *m >= 0; i++) {
            *coef = gcd(*coef, x->t[i].coef);
            *m = mono_gcd(s, *m, x->t[i].mono);
        }
    }
}

static void divide_out(tn_syms *s, poly *p, int64_t coef, int m) {
    for (int i = 0; i < p->n; i++) {
        p->t[i].coef /= coef;
        p->t[i].mono = mono_div(s, p->t[i].mono, m);
        if (p->t[i].mono < 0) {
            *p = gave_up;
            return;
        }
    }
}

tn_dim tn_dim_div(tn_syms *s, tn_dim a, tn_dim b) {
    if (unknown(a, b) || b == 0) return TN_DIM_UNKNOWN;
    if (tn_dim_known(a) && tn_dim_known(b)) return constant(floor_div(a, b));
    if (b == 1 || a == 0) return a;
    if (a == b) return 1;
    poly p = poly_of(s, a), d = poly_of(s, b), q = { 0 };
    if (d.t[0].coef < 0) {
        poly_negate(&p);
        poly_negate(&d);
    }
    if (tn_dim_known(b)) return div_const(s, &p, d.t[0].coef);
    if (poly_divides(s, p, &d, &q)) return poly_intern(s, &q);
    q = (poly){ 0 };
    if (d.n == 1) { /* what the single term divides comes out */
        poly rest = { 0 };
        for (int i = 0; i < p.n; i++) {
            int m = mono_div(s, p.t[i].mono, d.t[0].mono);
            int64_t whole = m < 0 ? 0 : floor_div(p.t[i].coef, d.t[0].coef);
            if (whole) poly_add_term(s, &q, whole, m);
            poly_add_term(s, &rest, p.t[i].coef - whole * d.t[0].coef, p.t[i].mono);
        }
        p = rest;
    }
    tn_dim quotient = poly_intern(s, &q);
    if (p.n < 0) return TN_DIM_UNKNOWN;
    if (p.n == 0) return quotient;
    int64_t coef;
    int m;
    common_factor(s, &p, &d, &coef, &m);
    if (m < 0) return TN_DIM_UNKNOWN;
    divide_out(s, &p, coef, m);
    divide_out(s, &d, coef, m);
    tn_dim over = poly_intern(s, &p), under = poly_intern(s, &d);
    if (unknown(over, under)) return TN_DIM_UNKNOWN;
    if (tn_dim_known(under)) return tn_dim_add(s, quotient, div_const(s, &p, under));
    if (tn_dim_ge(s, over, 0) && tn_dim_ge(s, tn_dim_sub(s, under, 1), over)) return quotient;
    return tn_dim_add(s, quotient, make_atom(s, FLOOR_DIV, over, under, 0));
}

tn_dim tn_dim_ceil_div(tn_syms *s, tn_dim a, tn_dim b) {
    if (unknown(a, b) || b == 0) return TN_DIM_UNKNOWN;
    if (tn_dim_ge(s, b, 0)) return tn_dim_div(s, tn_dim_add(s, a, tn_dim_sub(s, b, 1)), b);
    return tn_dim_sub(s, 0, tn_dim_div(s, tn_dim_sub(s, 0, a), b));
}

tn_dim tn_dim_trunc_div(tn_syms *s, tn_dim a, tn_dim b) {
    if (unknown(a, b) || b == 0) return TN_DIM_UNKNOWN;
    if (tn_dim_known(a) && tn_dim_known(b)) return constant(a / b);
    if (tn_dim_known(b) && b < 0) return tn_dim_sub(s, 0, tn_dim_trunc_div(s, a, -b));
    poly p = poly_of(s, a), d = poly_of(s, b), q;
    if (poly_divides(s, p, &d, &q)) return poly_intern(s, &q);
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
static bool collect(const tn_syms *s, atom_kind kind, tn_dim d, tn_dim *args, int *n) {
    const atom *a;
    for (; (a = as_atom(s, d, kind)); d = a->b)
        if (!collect(s, kind, a->a, args, n)) return false;
    if (*n == MAX_ARGS) return false;
    args[(*n)++] = d;
    return true;
}

static tn_dim extreme(tn_syms *s, atom_kind kind, tn_dim a, tn_dim b) {
    if (unknown(a, b)) return TN_DIM_UNKNOWN;
    bool a_ge = tn_dim_ge(s, a, b), b_ge = !a_ge && tn_dim_ge(s, b, a);
    if (a_ge || b_ge) return (kind == MAX) == a_ge ? a : b;
    tn_dim args[MAX_ARGS];
    int n = 0, kept = 0;
    if (!collect(s, kind, a, args, &n) || !collect(s, kind, b, args, &n)) return TN_DIM_UNKNOWN;
    for (int i = 0; i < n; i++) { /* without those another one always beats */
        bool beaten = false;
        for (int j = 0; j < n && !beaten; j++) {
            if (i == j || (j > i && args[i] == args[j])) continue;
            if (j < i && j >= kept) continue; /* already out */
            beaten = kind == MAX ? tn_dim_ge(s, args[j], args[i]) : tn_dim_ge(s, args[i], args[j]);
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
    for (int i = kept - 2; i >= 0; i--) d = make_atom(s, kind, args[i], d, 0);
    return d;
}

tn_dim tn_dim_min(tn_syms *s, tn_dim a, tn_dim b) { return extreme(s, MIN, a, b); }
tn_dim tn_dim_max(tn_syms *s, tn_dim a, tn_dim b) { return extreme(s, MAX, a, b); }

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
    return make_atom(s, SCALE, a, 0, by);
}

/* ---------------------------------------------------------------------------------------------- evaluation, printing
 */

static bool eval_dim(const tn_syms *s, tn_dim d, const int64_t *bind, int n, int64_t *out);

static bool eval_atom(const tn_syms *s, const atom *a, const int64_t *bind, int n, int64_t *out) {
    if (a->kind == SYMBOL) {
        *out = a->symbol < n ? bind[a->symbol] : TN_DIM_UNKNOWN;
        return *out != TN_DIM_UNKNOWN;
    }
    int64_t x, y;
    if (!eval_dim(s, a->a, bind, n, &x) || !eval_dim(s, a->b, bind, n, &y)) return false;
    switch (a->kind) {
    case FLOOR_DIV:
        if (y == 0) return false;
        *out = floor_div(x, y);
        return true;
    case MIN: *out = x < y ? x : y; return true;
    case MAX: *out = x > y ? x : y; return true;
    default: *out = tn_dim_scale(NULL, x, a->by); return *out != TN_DIM_UNKNOWN;
    }
}

static bool eval_dim(const tn_syms *s, tn_dim d, const int64_t *bind, int n, int64_t *out) {
    *out = d;
    if (!tn_dim_symbolic(d)) return d != TN_DIM_UNKNOWN;
    const expr *e = expr_at(s, d);
    int64_t sum = 0;
    for (int i = 0; i < e->n; i++) {
        const mono *m = mono_at(s, e->t[i].mono);
        int64_t v = e->t[i].coef, x;
        for (int j = 0; j < m->n; j++) {
            if (!eval_atom(s, atom_at(s, m->f[j].atom), bind, n, &x)) return false;
            for (int k = 0; k < m->f[j].power; k++)
                if (__builtin_mul_overflow(v, x, &v)) return false;
        }
        if (__builtin_add_overflow(sum, v, &sum)) return false;
    }
    *out = sum;
    return constant(sum) != TN_DIM_UNKNOWN;
}

tn_dim tn_dim_eval(const tn_syms *s, tn_dim d, const int64_t *bindings, int n) {
    int64_t v;
    return eval_dim(s, d, bindings, n, &v) ? v : TN_DIM_UNKNOWN;
}

static bool is_sum(const tn_syms *s, tn_dim d) { return tn_dim_symbolic(d) && expr_at(s, d)->n > 1; }

static void print_in_parens(const tn_syms *s, tn_dim d, bool parens, tn_text *t) {
    if (parens) tn_text_puts(t, "(");
    tn_dim_print(s, d, t);
    if (parens) tn_text_puts(t, ")");
}

static void print_terms(const tn_syms *s, const term *terms, int n, tn_text *t);

static void print_quotient(const tn_syms *s, const atom *a, tn_text *t) {
    const expr *x = tn_dim_symbolic(a->a) ? expr_at(s, a->a) : NULL;
    bool up = x && x->n > 1 && tn_dim_known(a->b) && x->t[x->n - 1].mono == 0 && x->t[x->n - 1].coef == a->b - 1;
    tn_text_puts(t, up ? "ceil(" : "floor(");
    if (up) { /* floor((x + b - 1) / b) */
        if (x->n > 2) tn_text_puts(t, "(");
        print_terms(s, x->t, x->n - 1, t);
        if (x->n > 2) tn_text_puts(t, ")");
    } else {
        print_in_parens(s, a->a, is_sum(s, a->a), t);
    }
    tn_text_puts(t, "/");
    print_in_parens(s, a->b, tn_dim_symbolic(a->b), t);
    tn_text_puts(t, ")");
}

static void print_atom(const tn_syms *s, const atom *a, tn_text *t) {
    switch (a->kind) {
    case SYMBOL: tn_text_puts(t, s->names.v[a->symbol]); return;
    case FLOOR_DIV: print_quotient(s, a, t); return;
    case SCALE:
        tn_text_printf(t, "floor(%.9g*", a->by);
        print_in_parens(s, a->a, is_sum(s, a->a), t);
        break;
    case MIN:
    case MAX:
        tn_text_puts(t, a->kind == MIN ? "min(" : "max(");
        tn_dim_print(s, a->a, t);
        tn_text_puts(t, ", ");
        tn_dim_print(s, a->b, t);
        break;
    }
    tn_text_puts(t, ")");
}

static void print_terms(const tn_syms *s, const term *terms, int n, tn_text *t) {
    for (int i = 0; i < n; i++) {
        const mono *m = mono_at(s, terms[i].mono);
        int64_t c = terms[i].coef, size = c < 0 ? -c : c;
        tn_text_puts(t, c < 0 ? (i ? " - " : "-") : i ? " + " : "");
        if (size != 1 || !m->n) tn_text_printf(t, "%lld%s", (long long)size, m->n ? "*" : "");
        for (int j = 0; j < m->n; j++) {
            if (j) tn_text_puts(t, "*");
            print_atom(s, atom_at(s, m->f[j].atom), t);
            if (m->f[j].power > 1) tn_text_printf(t, "^%d", m->f[j].power);
        }
    }
}

void tn_dim_print(const tn_syms *s, tn_dim d, tn_text *t) {
    if (d == TN_DIM_UNKNOWN) {
        tn_text_puts(t, "?");
    } else if (tn_dim_known(d)) {
        tn_text_printf(t, "%lld", (long long)d);
    } else {
        const expr *e = expr_at(s, d);
        print_terms(s, e->t, e->n, t);
    }
}
