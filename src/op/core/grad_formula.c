/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* grad_formula.c - formulas of gradients become nodes: a small recursive parser. The formulas are ours, so a wrong one
 * is a programmer's mistake, which the test op/formulas finds without running it: it reads them with the same parser.
 *
 *   statements  statement (";" statement)*          sum      product (("+" | "-") product)*
 *   statement   [name ("=" | "~=")] sum             product  unary (("*" | "/") unary)*
 *   unary       "-" unary | primary                 primary  number | "#" int | "[" ints "]" | "_" | name
 *                                                            | Op ["{" name "=" word, .. "}"] "(" sum, .. ")" | "(" sum
 * ")" */
#include "base/number.h"
#include "op/core/grad.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    tn_grad *g;
    const char *p, *text;
    bool skip;                     /* parse, build nothing */
    const tn_formula_names *names; /* build nothing at all, but look whether names and operators are known */
    int depth;
} parser;

static tn_value *wrong(parser *q, const char *what) {
    tn_grad_fail(q->g, TN_E_INVALID, "formula \"%s\": %s at \"%.30s\"", q->text, what, q->p);
    return NULL;
}

static char peek(parser *q) {
    while (isspace((unsigned char)*q->p)) q->p++;
    return *q->p;
}

static bool eat(parser *q, char c) {
    if (peek(q) != c) return false;
    q->p++;
    return true;
}

static void expect(parser *q, char c) {
    if (q->g->st == TN_OK && !eat(q, c)) wrong(q, (char[]){ 'n', 'o', ' ', c, 0 });
}

/* A whole number at the place; of these formulas always there. */
static int64_t integer(parser *q) {
    int64_t v = 0;
    if (tn_take_i64(&q->p, NULL, &v) != TN_NUMBER_READ) wrong(q, "no whole number");
    return v;
}

/* What attributes may be: numbers, words. */
static size_t word_at(const char *p) {
    size_t n = 0;
    while (isalnum((unsigned char)p[n]) || p[n] == '_' || p[n] == '.') n++;
    return n;
}

/* Operators' names start with a capital letter and are followed by ( or {. */
static size_t name_at(const char *p) {
    size_t n = 0;
    while (isalnum((unsigned char)p[n]) || p[n] == '_' || p[n] == '.') n++;
    return n;
}

static tn_value *sum(parser *q);

/* The index in "x12" or "dx0". */
static int index_at(const char *digits) {
    int64_t i = 0;
    tn_take_i64(&digits, NULL, &i);
    return (int)i; /* of one or two digits */
}

static bool numbered(const char *name, size_t len) {
    return len <= 3 && len == 1 + strspn(name + 1, "0123456789") && strchr("xyd", *name);
}

static void check_name(parser *q, const char *name, size_t len) {
    bool own = numbered(name, len) || (len == 2 && !memcmp(name, "dy", 2));
    if (!own && !q->names->known(name, len, q->names->user)) wrong(q, "unknown name before this");
}

static tn_value *named(parser *q, const char *name, size_t len) {
    tn_grad *g = q->g;
    for (int i = g->n_names - 1; i >= 0; i--)
        if (strlen(g->names[i].name) == len && !memcmp(g->names[i].name, name, len)) return g->names[i].value;
    if (len == 2 && !memcmp(name, "dy", 2)) return tn_grad_dy(g, 0);
    if (numbered(name, len)) {
        int i = index_at(name + 1);
        return *name == 'x' ? tn_grad_x(g, i) : *name == 'y' ? tn_grad_y(g, i) : tn_grad_dy(g, i);
    }
    return wrong(q, "unknown name");
}

static void check_attribute(parser *q, const tn_op *op, const char *name) {
    const tn_attr_spec *s = op->attrs;
    while (s && s->name && strcmp(s->name, name)) s++;
    if (!s || !s->name) wrong(q, "an attribute that the operator does not have before this");
}

static void attribute(parser *q, const tn_op *op, tn_node *n) {
    char name[48], word[160];
    size_t len = name_at((peek(q), q->p));
    snprintf(name, sizeof name, "%.*s", (int)len, q->p);
    q->p += len;
    if (q->names && op) check_attribute(q, op, name);
    expect(q, '=');
    peek(q);
    if (eat(q, '[')) {
        int64_t v[32];
        int k = 0;
        while (peek(q) && *q->p != ']' && k < 32) {
            v[k++] = integer(q);
            if (!eat(q, ',')) break;
        }
        expect(q, ']');
        if (n && q->g->st == TN_OK) q->g->st = tn_attr_set_ints(n, tn_arena_strdup(n->graph->model->arena, name), v, k);
        return;
    }
    len = *q->p == '-' ? 1 + word_at(q->p + 1) : word_at(q->p);
    while (len && q->p[len - 1] == 'e' && q->p[len] == '-') len += 1 + word_at(q->p + len + 1); /* 1e-05 */
    snprintf(word, sizeof word, "%.*s", (int)len, q->p);
    q->p += len;
    if (!n || q->g->st != TN_OK) return;
    const char *own = tn_arena_strdup(n->graph->model->arena, name);
    const char *at = word;
    int64_t i;
    float f;
    if (tn_parse_i64(word, INT64_MIN, INT64_MAX, &i))
        q->g->st = tn_attr_set_int(n, own, i);
    else if ((isdigit((unsigned char)*word) || *word == '-') && tn_take_f32(&at, NULL, &f))
        q->g->st = tn_attr_set_float(n, own, f);
    else
        q->g->st = tn_attr_set_string(n, own, tn_arena_strdup(n->graph->model->arena, word));
}

/* The operator, NULL where a placeholder stands for it. */
static const tn_op *check_call(parser *q, const char *domain, const char *type, int n) {
    const tn_op *op = tn_op_find(domain, type);
    if (!op && !q->names->is_any(type)) wrong(q, "an unknown operator before this");
    if (op && (n < tn_op_min_inputs(op) || n > tn_op_max_inputs(op)))
        wrong(q, "a wrong number of arguments before this");
    return op;
}

static void attributes(parser *q, const char *attrs, const tn_op *op, tn_node *node) {
    parser a = *q;
    a.p = attrs;
    do attribute(&a, op, node);
    while (q->g->st == TN_OK && eat(&a, ','));
    if (q->names && q->g->st == TN_OK && *a.p != '}') wrong(&a, "no }");
}

static tn_value *call(parser *q, const char *name, size_t len) {
    char type[64];
    const char *domain = "", *attrs = NULL;
    tn_value *in[16];
    int n = 0;
    if (len > 6 && !memcmp(name, "tenon.", 6)) domain = "tenon", name += 6, len -= 6;
    snprintf(type, sizeof type, "%.*s", (int)len, name);
    if (eat(q, '{')) {
        attrs = q->p;
        while (*q->p && *q->p != '}') q->p++;
        expect(q, '}');
    }
    expect(q, '(');
    do {
        if (n == 16) return wrong(q, "too many arguments");
        in[n++] = sum(q);
    } while (q->g->st == TN_OK && eat(q, ','));
    expect(q, ')');
    if (q->names && q->g->st == TN_OK) {
        const tn_op *op = check_call(q, domain, type, n);
        if (attrs) attributes(q, attrs, op, NULL);
    }
    if (q->skip || q->g->st != TN_OK) return NULL;
    if (n == 1 && !strcmp(type, "Shape")) return tn_grad_shape(q->g, in[0]);
    tn_node *node = tn_build_node(&q->g->build, domain, type, in, n, 1);
    if (attrs && node) attributes(q, attrs, NULL, node);
    return tn_build_typed(&q->g->build, node);
}

static tn_value *integers(parser *q) {
    int64_t v[32];
    int n = 0;
    while (peek(q) != ']' && *q->p && n < 32) {
        v[n++] = integer(q);
        if (!eat(q, ',')) break;
    }
    expect(q, ']');
    return q->skip ? NULL : tn_build_ints(&q->g->build, "ints", v, n);
}

static tn_value *primary(parser *q) {
    char c = peek(q);
    if (eat(q, '(')) {
        tn_value *v = sum(q);
        expect(q, ')');
        return v;
    }
    if (eat(q, '[')) return integers(q);
    if (eat(q, '#')) {
        int64_t v = integer(q);
        return q->skip ? NULL : tn_build_number(&q->g->build, "number", TN_I64, (double)v);
    }
    if (isdigit((unsigned char)c)) {
        double v = 0;
        tn_take_f64(&q->p, NULL, &v);
        return q->skip ? NULL : tn_build_number(&q->g->build, "number", q->g->dtype, v);
    }
    size_t n = name_at(q->p);
    const char *name = q->p;
    if (!n) return wrong(q, "no value");
    q->p += n;
    if (n == 1 && *name == '_') return NULL;
    if (*q->p == '(' || *q->p == '{') return call(q, name, n);
    if (q->names) check_name(q, name, n);
    return q->skip ? NULL : named(q, name, n);
}

static tn_value *unary(parser *q) {
    if (!eat(q, '-')) return primary(q);
    tn_value *v = unary(q);
    return q->skip ? NULL : tn_emit(&q->g->build, "Neg", v);
}

static tn_value *product(parser *q) {
    tn_value *v = unary(q);
    while (q->g->st == TN_OK && (peek(q) == '*' || *q->p == '/')) {
        const char *type = *q->p++ == '*' ? "Mul" : "Div";
        tn_value *w = unary(q);
        if (!q->skip) v = tn_emit(&q->g->build, type, v, w);
    }
    return v;
}

static tn_value *sum(parser *q) {
    if (++q->depth > 64) return wrong(q, "too deep");
    tn_value *v = product(q);
    while (q->g->st == TN_OK && (peek(q) == '+' || *q->p == '-')) {
        const char *type = *q->p++ == '+' ? "Add" : "Sub";
        tn_value *w = product(q);
        if (!q->skip) v = tn_emit(&q->g->build, type, v, w);
    }
    q->depth--;
    return v;
}

static tn_value *statement(parser *q) {
    tn_grad *g = q->g;
    const char *name = (peek(q), q->p);
    size_t n = name_at(name);
    const char *after = name + n;
    while (isspace((unsigned char)*after)) after++;
    bool fits = after[0] == '~' && after[1] == '=', assigned = n && (fits || *after == '=');
    if (!assigned) return sum(q);
    q->p = after + (fits ? 2 : 1);
    bool gradient = n >= 3 && !memcmp(name, "dx", 2) && isdigit((unsigned char)name[2]);
    int i = gradient ? index_at(name + 2) : 0;
    q->skip = q->names || (gradient && !tn_grad_wants(g, i));
    tn_value *v = sum(q);
    if (q->skip || g->st != TN_OK) return q->skip = q->names != NULL, NULL;
    if (gradient)
        g->dx[i] = v = fits ? tn_grad_sum_to(g, v, tn_grad_x(g, i)) : v;
    else
        tn_grad_let(g, tn_arena_strndup(g->graph->model->arena, name, n), v);
    return v;
}

static tn_value *statements(parser *q) {
    tn_value *v = NULL;
    do v = statement(q);
    while (q->g->st == TN_OK && eat(q, ';'));
    if (q->g->st == TN_OK && peek(q)) return wrong(q, "not understood");
    return q->g->st == TN_OK ? v : NULL;
}

tn_status tn_formula_check(const char *text, const tn_formula_names *names) {
    tn_node nowhere = { .name = "", .domain = "", .type = "a formula" };
    tn_grad g = { .node = &nowhere };
    parser q = { .g = &g, .p = text, .text = text, .skip = true, .names = names };
    statements(&q);
    return g.st;
}

tn_value *tn_grad_formula(tn_grad *g, const char *fmt, ...) {
    char text[2048];
    va_list ap;
    va_start(ap, fmt);
    int n = tn_vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    parser q = { .g = g, .p = text, .text = text };
    if (n < 0 || n >= (int)sizeof text) return wrong(&q, "too long");
    return statements(&q);
}

void tn_grad_let(tn_grad *g, const char *name, tn_value *v) {
    if (g->st != TN_OK) return;
    for (int i = 0; i < g->n_names; i++)
        if (!strcmp(g->names[i].name, name)) {
            g->names[i].value = v;
            return;
        }
    if (!name || g->n_names == TN_GRAD_NAMES) {
        tn_grad_fail(g, TN_E_LIMIT, "more than %d names", TN_GRAD_NAMES);
        return;
    }
    g->names[g->n_names].name = name;
    g->names[g->n_names++].value = v;
}

void tn_grad_let_number(tn_grad *g, const char *name, double v) {
    tn_grad_let(g, name, tn_build_number(&g->build, "number", g->dtype, v));
}
