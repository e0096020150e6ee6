/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* op_text.c - reading what op_text.h describes. */
#include "lib/op_text.h"
#include "test.h"
#include <math.h>

/* ------------------------------------------------------------------------------------------------------ tensors */

static double number(const char *p, const char **end) {
    double v = test_number(p, end);
    check(*end > p, "'%s' is not a number\n", p);
    return **end == '/' ? v / test_number(*end + 1, end) : v;
}

static void put_element(tn_tensor *t, int64_t i, const char *p, const char **end) {
    *end = p + strcspn(p, ",");
    if (t->dtype == TN_STRING) {
        check_ok(tn_tensor_set_string(t, i, p, (size_t)(*end - p)));
    } else if (tn_dtype_is_complex(t->dtype)) {
        tn_dtype half = t->dtype == TN_C64 ? TN_F32 : TN_F64;
        tn_set_f64(half, t->data, 2 * i, number(p, end));
        if (**end == ',') ++*end;
        tn_set_f64(half, t->data, 2 * i + 1, number(*end, end));
    } else if (tn_dtype_is_int(t->dtype)) { /* all 64 bits */
        tn_set_i64(t->dtype, t->data, i,
                   *p == '-' ? strtoll(p, (char **)end, 0) : (int64_t)strtoull(p, (char **)end, 0));
    } else {
        double v = number(p, end);
        tn_set_f64(t->dtype, t->data, i, v);
        if (t->dtype == TN_F8E5M2 && isinf(v)) ((uint8_t *)t->data)[i] = v > 0 ? 0x7c : 0xfc; /* not saturated */
    }
    check(**end == ',' || **end == 0, "'%s' is not an element of %s\n", p, tn_dtype_name(t->dtype));
}

tn_tensor *tensor_of_text(const char *text) {
    int64_t dims[TN_MAX_RANK];
    int rank = 0;
    size_t n = strcspn(text, ":");
    char name[24];
    snprintf(name, sizeof name, "%.*s", (int)n, text);
    tn_dtype type = !strcmp(name, "str") ? TN_STRING : tn_dtype_parse(name);
    check(type != TN_NONE && text[n] == ':', "'%s' names no type\n", text);
    const char *p = text + n + 1, *end;
    while (*p && *p != '=') {
        dims[rank++] = strtoll(p, (char **)&end, 10);
        check(end > p, "'%s' has strange dimensions\n", text);
        p = *end == ',' ? end + 1 : end;
    }
    tn_tensor *t;
    check_ok(tn_tensor_new(type, rank, dims, &t));
    int64_t count = tn_count(t);
    check(count == 0 || *p == '=', "'%s' has no elements\n", text);
    if (*p) p++;
    for (int64_t i = 0; i < count; i++) {
        put_element(t, i, p, &end);
        if (*end) p = end + 1; /* else the last one again */
    }
    check(count == 0 || *end == 0, "'%s' has too many elements\n", text);
    return t;
}

double number_in(tn_dtype t, double v) {
    uint64_t place = 0;
    tn_set_f64(t, &place, 0, v);
    return tn_get_f64(t, &place, 0);
}

static bool same_string(const tn_tensor *a, const tn_tensor *b, int64_t i) {
    const tn_string *x = (const tn_string *)a->data + i, *y = (const tn_string *)b->data + i;
    return x->len == y->len && (x->len == 0 || !memcmp(x->ptr, y->ptr, x->len));
}

static bool same_number(double got, double want, double tol) {
    if (isnan(want) || isnan(got)) return isnan(want) && isnan(got);
    if (tol == 0 && want == 0 && signbit(want)) return got == 0 && signbit(got);
    return got == want || fabs(got - want) <= tol * fmax(1, fabs(want));
}

bool tensors_agree(const tn_tensor *got, const tn_tensor *want, double tol, char *why, size_t size) {
    char a[64], b[64];
    if (got->dtype != want->dtype)
        return snprintf(why, size, "is %s, expected %s", tn_dtype_name(got->dtype), tn_dtype_name(want->dtype)), false;
    if (!tn_dims_equal(got->rank, got->dims, want->rank, want->dims))
        return snprintf(why, size, "is %s, expected %s", tn_dims_text(got->rank, got->dims, a, sizeof a),
                        tn_dims_text(want->rank, want->dims, b, sizeof b)),
               false;
    bool complex = tn_dtype_is_complex(want->dtype);
    tn_dtype t = want->dtype == TN_C64 ? TN_F32 : want->dtype == TN_C128 ? TN_F64 : want->dtype;
    for (int64_t i = 0; i < tn_count(want) * (complex ? 2 : 1); i++) {
        if (t == TN_STRING) {
            if (same_string(got, want, i)) continue;
            const tn_string *g = (const tn_string *)got->data + i, *w = (const tn_string *)want->data + i;
            return snprintf(why, size, "has '%.*s' at %d, expected '%.*s'", (int)g->len, g->len ? g->ptr : "", (int)i,
                            (int)w->len, w->len ? w->ptr : ""),
                   false;
        }
        if (tn_dtype_is_int(t)) {
            int64_t g = tn_get_i64(t, got->data, i), w = tn_get_i64(t, want->data, i);
            if (g != w)
                return snprintf(why, size, "has %lld at %d, expected %lld", (long long)g, (int)i, (long long)w), false;
            continue;
        }
        double g = tn_get_f64(t, got->data, i), w = tn_get_f64(t, want->data, i);
        if (!same_number(g, w, tol)) return snprintf(why, size, "has %.17g at %d, expected %.17g", g, (int)i, w), false;
    }
    return true;
}

/* --------------------------------------------------------------------------------------------------- attributes */

enum { MOST = 256 };

static void put_list(ob *b, const char *name, const char *list) { /* what is between the brackets */
    int64_t ints[MOST];
    float floats[MOST];
    int n = 0;
    for (const char *p = list; *p; n++) {
        const char *end;
        assert_true(n < MOST);
        floats[n] = (float)test_number(p, &end);
        ints[n] = strtoll(p, NULL, 10);
        p = *end == ',' ? end + 1 : end;
    }
    if (strchr(list, '.'))
        ob_floats(b, name, floats, n);
    else
        ob_ints(b, name, ints, n);
}

static void put_sparse(ob *b, const char *name, char *text) {
    char *at = strchr(text, ';'), *dims = at ? strchr(at + 1, ';') : NULL;
    check(dims != NULL, "'%s' is not a sparse tensor\n", text);
    *at = *dims = 0;
    tn_tensor *v = tensor_of_text(text), *i = tensor_of_text(at + 1);
    ob_sparse_attr(b, name, dims + 1, v, i);
    tn_tensor_free(&v);
    tn_tensor_free(&i);
}

static void put_attr(ob *b, const char *name, char *value) {
    size_t n = strlen(value);
    if (*value == '{') {
        value[n - 1] = 0;
        put_sparse(b, name, value + 1);
    } else if (*value == '[') {
        value[n - 1] = 0;
        if (strchr("0123456789-", value[1])) {
            put_list(b, name, value + 1);
            return;
        }
        for (char *p = value; *p; p++)
            if (*p == ',') *p = '|';
        ob_strings(b, name, value + 1);
    } else if (*value == '<') {
        value[n - 1] = 0;
        tn_tensor *t = tensor_of_text(value + 1);
        ob_tensor_attr(b, name, t);
        tn_tensor_free(&t);
    } else if (!strcmp(value, "nan") || (strchr("0123456789-", *value) && *value)) {
        if (strchr(value, '.') || strchr(value, 'n'))
            ob_float(b, name, (float)test_number(value, NULL));
        else
            ob_int(b, name, strtoll(value, NULL, 10));
    } else {
        ob_string(b, name, value);
    }
}

void ob_attrs(ob *b, const char *attrs) {
    char text[1200], *save = NULL;
    snprintf(text, sizeof text, "%s", attrs ? attrs : "");
    for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
        char *eq = strchr(w, '=');
        check(eq != NULL, "attribute '%s' has no value\n", w);
        *eq = 0;
        put_attr(b, w, eq + 1);
    }
}
