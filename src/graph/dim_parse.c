/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* dim_parse.c - dimensions from text: the inverse of tn_dim_print, and what exporters write as names of dimensions
 * ("past_sequence_length + sequence_length").
 *
 *   sum     = product { (" + " | " - ") product }        product = factor { "*" factor }
 *   factor  = (number | name | function | "(" sum ")") [ "^" number ]
 *   function = floor(sum / factor) | ceil(sum / factor) | floor(number * factor) | min(sum, sum) | max(sum, sum)
 *
 * A name may hold any character but blanks and ()*+,/^ - so that "batch-size" is one name and "a - b" a difference. */
#include "base/number.h"
#include "graph/dim.h"
#include <ctype.h>
#include <string.h>

#define MAX_NEST 32
#define MAX_NAME 200
#define MAX_SIZE INT64_C(1000000000000000000) /* beyond any size */

typedef struct {
    tn_syms *s;
    const char *p;
    int depth;
    bool bad;
} parser;

static tn_dim sum(parser *r);

static tn_dim failed(parser *r) {
    r->bad = true;
    return TN_DIM_UNKNOWN;
}

static bool take(parser *r, const char *word) {
    size_t n = strlen(word);
    if (strncmp(r->p, word, n)) return false;
    r->p += n;
    return true;
}

static void blanks(parser *r) {
    while (*r->p == ' ') r->p++;
}

static bool starts_number(const char *p) { return isdigit((unsigned char)*p); }

static tn_dim number(parser *r) {
    int64_t v;
    if (tn_take_i64(&r->p, NULL, &v) != TN_NUMBER_READ || v >= MAX_SIZE) return failed(r);
    return v;
}

static tn_dim factor(parser *r);

static tn_dim two(parser *r, tn_dim (*fn)(tn_syms *, tn_dim, tn_dim)) {
    tn_dim a = sum(r);
    blanks(r);
    if (r->bad || !take(r, ",")) return failed(r);
    tn_dim b = sum(r);
    return take(r, ")") ? fn(r->s, a, b) : failed(r);
}

static tn_dim quotient(parser *r, bool up) {
    const char *end = r->p;
    double by;
    tn_take_f64(&end, NULL, &by);
    if (!up && end > r->p && *end == '*' && memchr(r->p, '.', (size_t)(end - r->p))) { /* floor(0.3*h) */
        r->p = end + 1;
        tn_dim a = factor(r);
        return take(r, ")") ? tn_dim_scale(r->s, a, by) : failed(r);
    }
    tn_dim a = sum(r);
    if (r->bad || !take(r, "/")) return failed(r);
    tn_dim b = factor(r);
    if (r->bad || !take(r, ")")) return failed(r);
    return up ? tn_dim_ceil_div(r->s, a, b) : tn_dim_div(r->s, a, b);
}

static tn_dim name(parser *r) {
    char text[MAX_NAME];
    size_t n = strcspn(r->p, " ()*+,/^");
    if (!n || n >= sizeof text || r->p[n] == '(') return failed(r);
    memcpy(text, r->p, n);
    text[n] = 0;
    r->p += n;
    return tn_sym(r->s, text);
}

static tn_dim raised(parser *r, tn_dim d) {
    if (!take(r, "^")) return d;
    tn_dim times = starts_number(r->p) ? number(r) : TN_DIM_UNKNOWN, power = d;
    if (!tn_dim_known(times) || times < 1 || times > 64) return failed(r);
    for (tn_dim i = 1; i < times; i++) power = tn_dim_mul(r->s, power, d);
    return power;
}

static tn_dim factor(parser *r) {
    blanks(r);
    if (r->bad || r->depth >= MAX_NEST) return failed(r);
    r->depth++;
    tn_dim d;
    if (starts_number(r->p)) {
        d = number(r);
    } else if (take(r, "(")) {
        d = sum(r);
        if (!take(r, ")")) d = failed(r);
    } else if (take(r, "floor(")) {
        d = quotient(r, false);
    } else if (take(r, "ceil(")) {
        d = quotient(r, true);
    } else if (take(r, "min(")) {
        d = two(r, tn_dim_min);
    } else if (take(r, "max(")) {
        d = two(r, tn_dim_max);
    } else {
        d = name(r);
    }
    r->depth--;
    return raised(r, d);
}

static tn_dim product(parser *r) {
    tn_dim d = factor(r);
    for (;;) {
        const char *before = r->p;
        blanks(r);
        if (r->bad || !take(r, "*")) {
            r->p = before;
            return d;
        }
        d = tn_dim_mul(r->s, d, factor(r));
    }
}

static tn_dim sum(parser *r) {
    blanks(r);
    bool minus = take(r, "-");
    tn_dim d = product(r);
    if (minus) d = tn_dim_sub(r->s, 0, d);
    while (!r->bad) {
        const char *before = r->p;
        blanks(r);
        if (take(r, "+")) {
            d = tn_dim_add(r->s, d, product(r));
        } else if (r->p > before && take(r, "- ")) {
            d = tn_dim_sub(r->s, d, product(r));
        } else {
            r->p = before;
            break;
        }
    }
    return r->bad ? TN_DIM_UNKNOWN : d;
}

tn_dim tn_dim_parse(tn_syms *s, const char *text) {
    parser r = { .s = s, .p = text };
    tn_dim d = sum(&r);
    blanks(&r);
    return r.bad || *r.p ? TN_DIM_UNKNOWN : d;
}
