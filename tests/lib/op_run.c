/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* op_run.c - runs small models on a few numbers: see op_run.h. */
#include "lib/op_run.h"
#include "test.h"
#include <math.h>

static tn_tensor *tensor_of(const op_data *d) {
    int64_t dims[TN_MAX_RANK];
    int rank = 0;
    tn_tensor *t;
    for (const char *p = d->dims; *p; rank++) {
        char *end;
        dims[rank] = strtoll(p, &end, 10);
        p = *end ? end + 1 : end;
    }
    check_ok(tn_tensor_new(d->type, rank, dims, &t));
    for (int64_t i = 0; i < tn_count(t); i++) {
        if (d->type == TN_STRING)
            check_ok(tn_tensor_set_string(t, i, d->s[i], strlen(d->s[i])));
        else
            tn_set_f64(d->type, t->data, i, d->large ? d->large[i] : d->v[i]);
    }
    return t;
}

static bool same_number(double got, double want, double tol) {
    if (isnan(want) || isnan(got)) return isnan(want) && isnan(got);
    return got == want || fabs(got - want) <= tol * fmax(1, fabs(want));
}

static void compare(int k, const tn_tensor *got, const op_data *d, double tol) {
    tn_tensor *want = tensor_of(d);
    char a[64], b[64];
    check(got->dtype == want->dtype, "output %d is %s\n", k, tn_dtype_name(got->dtype));
    check(tn_dims_equal(got->rank, got->dims, want->rank, want->dims), "output %d is %s, expected %s\n", k,
          tn_dims_text(got->rank, got->dims, a, sizeof a), tn_dims_text(want->rank, want->dims, b, sizeof b));
    for (int64_t i = 0; i < tn_count(want); i++) {
        if (want->dtype == TN_STRING) {
            const tn_string *g = (const tn_string *)got->data + i, *w = (const tn_string *)want->data + i;
            check(g->len == w->len && !memcmp(g->len ? g->ptr : "", w->len ? w->ptr : "", g->len),
                  "output %d, element %d is '%.*s', expected '%.*s'\n", k, (int)i, (int)g->len, g->ptr, (int)w->len,
                  w->ptr);
            continue;
        }
        double g = tn_get_f64(got->dtype, got->data, i), w = tn_get_f64(want->dtype, want->data, i);
        check(same_number(g, w, tol), "output %d, element %d is %.17g, expected %.17g\n", k, (int)i, g, w);
    }
    tn_tensor_free(&want);
}

/* out receives the outputs. */
static tn_status run(ob *b, int n_in, const op_data *in, tn_tensor **out, size_t *n_out) {
    tn_text file = ob_finish(b);
    tn_model *m = NULL;
    tn_session *s = NULL;
    tn_tensor *x[16] = { 0 };
    tn_status st = tn_model_open_memory(file.s, file.n, &m);
    if (st == TN_OK) st = tn_session_new(m, NULL, &s);
    for (int i = 0; i < n_in; i++) x[i] = in[i].type ? tensor_of(&in[i]) : NULL;
    if (st == TN_OK) {
        *n_out = tn_model_outputs(m);
        assert_true(*n_out <= 8);
        st = tn_session_run(s, (size_t)n_in, (const tn_tensor *const *)x, *n_out, out);
    }
    for (int i = 0; i < n_in; i++) tn_tensor_free(&x[i]);
    tn_session_free(&s);
    tn_model_close(&m);
    tn_text_free(&file);
    return st;
}

void op_gives(ob *b, int n_in, const op_data *in, int n_out, const op_data *want, double tol) {
    tn_tensor *out[8] = { 0 };
    size_t n = 0;
    check_ok(run(b, n_in, in, out, &n));
    assert_int_equal(n, n_out);
    for (int i = 0; i < n_out; i++) {
        compare(i, out[i], &want[i], tol);
        tn_tensor_free(&out[i]);
    }
}

ob *op_one(const char *domain, const char *type, const char *outputs, int n, const op_data *in) {
    char text[120], names[200] = "";
    ob *b = ob_new(8, 17);
    if (*domain) ob_opset(b, domain, 1);
    for (int i = 0; i < n; i++) {
        char name[16];
        snprintf(name, sizeof name, "x%d", i);
        if (in[i].type != TN_NONE) ob_input(b, name, in[i].type, NULL);
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s ", in[i].type == TN_NONE ? "_" : name);
    }
    for (const char *p = outputs; *p; p += strcspn(p, " "), p += *p == ' ') {
        snprintf(text, sizeof text, "%.*s", (int)strcspn(p, " "), p);
        if (strcmp(text, "_")) ob_output(b, text);
    }
    snprintf(text, sizeof text, "%s%s%s", domain, *domain ? "::" : "", type);
    ob_node(b, text, names, outputs);
    return b;
}

void op_gives_present(ob *b, int n, const op_data *in, int n_out, const op_data *want, double tol) {
    op_data there[16];
    int count = 0;
    for (int i = 0; i < n; i++)
        if (in[i].type != TN_NONE) there[count++] = in[i];
    op_gives(b, count, there, n_out, want, tol);
}

void op_refused(ob *b, int n_in, const op_data *in, const char *words) {
    tn_tensor *out[8] = { 0 };
    size_t n = 0;
    tn_status st = run(b, n_in, in, out, &n);
    for (size_t i = 0; i < n; i++) tn_tensor_free(&out[i]);
    check(st != TN_OK, "it ran, although '%s' is wrong\n", words);
    check(strstr(tn_error(), words), "the message '%s' lacks '%s'\n", tn_error(), words);
}
