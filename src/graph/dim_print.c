/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* dim_print.c - the number of a dimension when its symbols are bound, and its text. */
#include "graph/dim_pool.h"
#include <math.h>
#include <stdio.h>

static bool eval_dim(const tn_syms *s, tn_dim d, const int64_t *bind, int n, int64_t *out);

static bool eval_atom(const tn_syms *s, const tn_atom *a, const int64_t *bind, int n, int64_t *out) {
    if (a->kind == TN_ATOM_SYMBOL) {
        *out = a->symbol < n ? bind[a->symbol] : TN_DIM_UNKNOWN;
        return *out != TN_DIM_UNKNOWN;
    }
    int64_t x, y;
    if (!eval_dim(s, a->a, bind, n, &x) || !eval_dim(s, a->b, bind, n, &y)) return false;
    switch (a->kind) {
    case TN_ATOM_FLOOR_DIV:
        if (y == 0) return false;
        *out = tn_floor_div(x, y);
        return true;
    case TN_ATOM_MIN: *out = x < y ? x : y; return true;
    case TN_ATOM_MAX: *out = x > y ? x : y; return true;
    default: *out = tn_dim_scale(NULL, x, a->by); return *out != TN_DIM_UNKNOWN;
    }
}

static bool eval_dim(const tn_syms *s, tn_dim d, const int64_t *bind, int n, int64_t *out) {
    *out = d;
    if (!tn_dim_symbolic(d)) return d != TN_DIM_UNKNOWN;
    const tn_expr *e = tn_expr_at(s, d);
    int64_t sum = 0;
    for (int i = 0; i < e->n; i++) {
        const tn_mono *m = tn_mono_at(s, e->t[i].mono);
        int64_t v = e->t[i].coef, x;
        for (int j = 0; j < m->n; j++) {
            if (!eval_atom(s, tn_atom_at(s, m->f[j].atom), bind, n, &x)) return false;
            for (int k = 0; k < m->f[j].power; k++)
                if (__builtin_mul_overflow(v, x, &v)) return false;
        }
        if (__builtin_add_overflow(sum, v, &sum)) return false;
    }
    *out = sum;
    return tn_dim_within(sum) != TN_DIM_UNKNOWN;
}

tn_dim tn_dim_eval(const tn_syms *s, tn_dim d, const int64_t *bindings, int n) {
    int64_t v;
    return eval_dim(s, d, bindings, n, &v) ? v : TN_DIM_UNKNOWN;
}

static bool is_sum(const tn_syms *s, tn_dim d) { return tn_dim_symbolic(d) && tn_expr_at(s, d)->n > 1; }

static void print_in_parens(const tn_syms *s, tn_dim d, bool parens, tn_text *t) {
    if (parens) tn_text_puts(t, "(");
    tn_dim_print(s, d, t);
    if (parens) tn_text_puts(t, ")");
}

static void print_terms(const tn_syms *s, const tn_term *terms, int n, tn_text *t);

static void print_quotient(const tn_syms *s, const tn_atom *a, tn_text *t) {
    const tn_expr *x = tn_dim_symbolic(a->a) ? tn_expr_at(s, a->a) : NULL;
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

static void print_atom(const tn_syms *s, const tn_atom *a, tn_text *t) {
    switch (a->kind) {
    case TN_ATOM_SYMBOL: tn_text_puts(t, s->names.v[a->symbol]); return;
    case TN_ATOM_FLOOR_DIV: print_quotient(s, a, t); return;
    case TN_ATOM_SCALE:
        tn_text_printf(t, "floor(%.9g*", a->by);
        print_in_parens(s, a->a, is_sum(s, a->a), t);
        break;
    case TN_ATOM_MIN:
    case TN_ATOM_MAX:
        tn_text_puts(t, a->kind == TN_ATOM_MIN ? "min(" : "max(");
        tn_dim_print(s, a->a, t);
        tn_text_puts(t, ", ");
        tn_dim_print(s, a->b, t);
        break;
    }
    tn_text_puts(t, ")");
}

static void print_terms(const tn_syms *s, const tn_term *terms, int n, tn_text *t) {
    for (int i = 0; i < n; i++) {
        const tn_mono *m = tn_mono_at(s, terms[i].mono);
        int64_t c = terms[i].coef, size = c < 0 ? -c : c;
        tn_text_puts(t, c < 0 ? (i ? " - " : "-") : i ? " + " : "");
        if (size != 1 || !m->n) tn_text_printf(t, "%lld%s", (long long)size, m->n ? "*" : "");
        for (int j = 0; j < m->n; j++) {
            if (j) tn_text_puts(t, "*");
            print_atom(s, tn_atom_at(s, m->f[j].atom), t);
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
        const tn_expr *e = tn_expr_at(s, d);
        print_terms(s, e->t, e->n, t);
    }
}
